"""An engine for the tests: speaks one sine tone a character, and does as some texts tell it."""

import array
import json
import math
import os
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from indextts_hub.errors import IntegrityError, UsageError
from synth.emotion import EMOTIONS
from synth.engines.protocol import Capabilities, Segment, SegmentSpeech, Settings, Spoken

RATE = 24_000
SECONDS = 0.1


@dataclass(frozen=True)
class Sine:
    snapshot: Path
    thrift: int = 0

    @property
    def emotions(self) -> tuple[str, ...]:
        return ("neutral", *EMOTIONS) if (self.snapshot / "moods").exists() else ("neutral", "happy")

    @property
    def capabilities(self) -> Capabilities:
        if self.thrift:
            return Capabilities(RATE, self.emotions, longest_segment=5, thrift=("in small pieces",), levels=1)
        clones = (self.snapshot / "clones").exists()
        alone = not (self.snapshot / "voiceless").exists()
        able = (self.snapshot / "able").exists()
        at_once = int((self.snapshot / "at once").read_text()) if (self.snapshot / "at once").exists() else 1
        return Capabilities(
            RATE,
            self.emotions,
            cloning=clones,
            longest_segment=20,
            languages=("zh", "en") if able else ("zh",),
            levels=1,
            own_voice=alone,
            controls=("pitch", "volume", "emotion_voice", "emotion_text", "temperature", "top_k") if able else (),
            at_once=at_once,
        )

    def speak(self, segment: Segment, settings: Settings) -> SegmentSpeech:
        print("an engine prints what it likes")  # noqa: T201
        text = segment.text
        if (self.snapshot / "able").exists():
            with (self.snapshot / "told").open("a") as told:
                told.write(json.dumps({"text": text, **asdict(settings)}) + "\n")
        if "谁" in text:
            (self.snapshot / f"speaker {os.getpid()}").touch()
        if "慢" in text:
            time.sleep(float((self.snapshot / "slow").read_text()))
        if "死" in text:
            print("out of luck", file=sys.stderr, flush=True)  # noqa: T201
            os._exit(7)
        if "一次" in text and not (self.snapshot / "died").exists():
            (self.snapshot / "died").touch()
            os._exit(7)
        if "大" in text and len(text) > 5:
            _out_of_memory()
        if "错" in text:
            raise ZeroDivisionError("it can't be divided")
        if "不能" in text:
            raise UsageError("this can't be spoken", remedy="say something else", code="E_TEXT")
        count = round(len(text) * SECONDS / settings.speed * RATE)
        tone = 440 * (1 + max(settings.emotion))
        wave = array.array("f", (0.5 * math.sin(2 * math.pi * tone * n / RATE) for n in range(count)))
        return SegmentSpeech(wave.tobytes() + bytes(4 * round(segment.pause * RATE)))

    def stream(self, segment: Segment, settings: Settings) -> Iterator[SegmentSpeech]:
        """A text with 段 in pieces, one a character, with its time; with 断 it ends after the first, once; 滔 never ends."""
        while "滔" in segment.text:
            yield SegmentSpeech(bytes(2**20), ends=False)
        whole = self.speak(segment, settings)
        if "段" not in segment.text:
            yield whole
            return
        step = 4 * round(SECONDS / settings.speed * RATE)
        for at, _ in enumerate(segment.text):
            if at and "断" in segment.text and not (self.snapshot / "broke off").exists():
                (self.snapshot / "broke off").touch()
                os._exit(7)
            ends = at == len(segment.text) - 1
            times = tuple(Spoken(text, place * SECONDS, (place + 1) * SECONDS) for place, text in enumerate(segment.text))
            yield SegmentSpeech(whole.samples[at * step : None if ends else (at + 1) * step], times=() if at else times, ends=ends)


def _out_of_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2**30, resource.RLIM_INFINITY))
    try:
        bytearray(2**31)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def load(snapshot: Path, thrift: int) -> Sine:
    print("loading")  # noqa: T201
    if (snapshot / "broken").exists():
        raise IntegrityError("the weights are damaged", remedy="verify them", code="E_WEIGHTS")
    if (snapshot / "too large").exists():
        os.kill(os.getpid(), 9)  # as the system does when memory runs out
    if (snapshot / "hangs").exists():
        time.sleep(60)
    return Sine(snapshot, thrift)
