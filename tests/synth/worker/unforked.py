"""The tests' small engine, in a worker on a system that forks no process: as `synth.worker.doubles` says of others than Linux."""

import sys
from pathlib import Path

from tests.synth.worker import sine


def load(snapshot: Path, thrift: int) -> sine.Sine:
    sys.modules["__main__"].CAN_FORK = False
    return sine.load(snapshot, thrift)
