"""An engine for the tests: whether Python looks for garbage while it is loaded and while it speaks, and at how much."""

import gc
import json
from dataclasses import dataclass
from pathlib import Path

from synth.engines.protocol import Capabilities, Segment, SegmentSpeech, Settings

CAPABILITIES = Capabilities(24_000)


@dataclass(frozen=True)
class Collecting:
    while_loaded: bool
    capabilities: Capabilities = CAPABILITIES

    def speak(self, _segment: Segment, _settings: Settings) -> SegmentSpeech:
        found = {"while loaded": self.while_loaded, "while speaking": gc.isenabled(), "objects": len(gc.get_objects())}
        return SegmentSpeech(bytes(4), (json.dumps(found),))


def load(_snapshot: Path, _thrift: int) -> Collecting:
    return Collecting(gc.isenabled())
