"""An engine for the tests: whether Python looks for garbage while it is loaded and while it speaks, and how its threads wait."""

import gc
import json
import os
from dataclasses import dataclass
from pathlib import Path

from synth.engines.protocol import Capabilities, Segment, SegmentSpeech, Settings

CAPABILITIES = Capabilities(24_000)


@dataclass(frozen=True)
class Telling:
    while_loaded: bool
    capabilities: Capabilities = CAPABILITIES

    def speak(self, _segment: Segment, _settings: Settings) -> SegmentSpeech:
        found = {
            "while loaded": self.while_loaded,
            "while speaking": gc.isenabled(),
            "objects": len(gc.get_objects()),
            "waiting": {name: value for name, value in os.environ.items() if name in {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}},
        }
        return SegmentSpeech(bytes(4), (json.dumps(found),))


def load(_snapshot: Path, _thrift: int) -> Telling:
    return Telling(gc.isenabled())
