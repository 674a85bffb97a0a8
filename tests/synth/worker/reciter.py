"""An engine for the tests that speaks its weights: it maps `weights.bin`, as torch does, and gives the bytes as they are then."""

import mmap
import time
from dataclasses import dataclass
from pathlib import Path

from synth.engines.protocol import Capabilities, Segment, SegmentSpeech, Settings

CAPABILITIES = Capabilities(24_000)


@dataclass(frozen=True)
class Reciter:
    weights: mmap.mmap
    capabilities: Capabilities = CAPABILITIES

    def speak(self, segment: Segment, settings: Settings) -> SegmentSpeech:
        return SegmentSpeech(self.weights[:])


def load(snapshot: Path, thrift: int) -> Reciter:
    if (snapshot / "slow").exists():
        time.sleep(float((snapshot / "slow").read_text()))
    with (snapshot / "weights.bin").open("rb") as file:
        return Reciter(mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ))
