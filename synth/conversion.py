"""A torch checkpoint into a safetensors file: hold → gate → child → gate → digests → event. Nothing is unpickled here."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from indextts_hub.errors import HubError, PolicyError, UsageError
from indextts_hub.gate import assert_checkpoint, assert_let_in, check
from indextts_hub.manifest import Digest, Json
from indextts_hub.store.blobs import digest_of
from indextts_hub.store.durable import adopt_file, temporary_beside, unlink
from indextts_hub.store.trouble import storage_errors
from indextts_hub.surroundings import available_memory
from synth.worker.process import WorkerError
from synth.worker.sealed import CAN_SEAL, hold

__all__ = ["Bounds", "Converted", "convert"]

# Checkpoints are copied into memory and read there whole: what is left of the machine must do for both.
_COPIES = 3


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the child may take.

    Attributes:
        memory: bytes beyond what its libraries take; None for three times the file and 1 GiB.
        length: bytes of the file it writes; None for sixteen times the file and 1 GiB: a saved row may stand for many.
        seconds: of a processor, and twice that by the clock; None for a minute and a second for each 20 MB.
    """

    memory: int | None = None
    length: int | None = None
    seconds: int | None = None

    def of(self, size: int) -> tuple[int, int, int]:
        """The same as numbers, for a file of `size` bytes."""
        return (
            self.memory or _COPIES * size + (1 << 30),
            self.length or 16 * size + (1 << 30),
            self.seconds or 60 + size // 20_000_000,
        )


@dataclass(frozen=True, slots=True)
class Converted:
    """What was made of what.

    Attributes:
        source, result: digests of the checkpoint and of the safetensors file.
        tensors: how many.
        left_out: names of what is no tensor (numbers, words), the first fifty.
        left_out_count: how many there are.
        sealed: whether the checkpoint was held in sealed memory; see `synth.worker.sealed`.
        walls: which stood around the process that read it; see `synth.engines.confinement`.
    """

    source: Digest
    result: Digest
    path: Path
    size: int
    tensors: int
    left_out: tuple[str, ...]
    left_out_count: int
    sealed: bool
    walls: tuple[str, ...]


def convert(
    source: BinaryIO,
    name: str,
    output: Path,
    log: Callable[[str, str, str, Mapping[str, Json]], None],
    bounds: Bounds = Bounds(),
) -> Converted:
    """Write the tensors of an open checkpoint as `output`, which appears whole or not at all.

    Args:
        name: what the checkpoint is called.
        log: writes an event down: act, subject, outcome, details.

    Raises:
        UnsafeFile: E_PICKLE, E_ARCHIVE.
        UsageError: E_CONVERT, if safetensors has no place for what is in it.
        IntegrityError: E_INTEGRITY, if it was written to meanwhile.
        WorkerError: E_MEMORY, E_WORKER_SLOW, E_WORKER_DIED: the child did not come to its end.
        StorageError: the disk would not take it.
    """
    sha256: dict[str, Json] = {}
    try:
        converted = _convert(source, name, output, bounds, sha256)
    except HubError as error:
        log("convert", name, error.code, sha256)
        raise
    details = sha256 | {
        "to": converted.result,
        "tensors": converted.tensors,
        "left_out": converted.left_out_count,
        "walls": [*converted.walls],
    }
    log("convert", name, "done", details)
    return converted


def _convert(source: BinaryIO, name: str, output: Path, bounds: Bounds, sha256: dict[str, Json]) -> Converted:
    if importlib.util.find_spec("torch") is None:
        raise UsageError("converting needs torch", remedy="install it: pip install 'indextts-hub[synth]'", code="E_CONVERT")
    size = os.fstat(source.fileno()).st_size
    free = available_memory()
    with storage_errors(name):
        held = hold(source, seal=CAN_SEAL and (free is None or free > (_COPIES + 1) * size))
    with held.file:
        sha256["from"] = held.sha256
        assert_checkpoint(held.file, name)
        beside = temporary_beside(output)
        try:
            with storage_errors(beside), beside.open("x+b", buffering=0) as target:
                told = _child(held.file, target, bounds.of(size))
                held.assert_loaded(name)
                written = target.seek(0, os.SEEK_END)
                # What the child wrote is as little believed as what it read.
                assert_let_in(check(target, f"{output.name}.safetensors"))
                result = digest_of(target)
            adopt_file(beside, output, mode=0o644)
        finally:
            unlink(beside)
    tensors, count = told.get("tensors"), told.get("left_out_count")
    return Converted(
        Digest(held.sha256),
        result,
        output,
        written,
        tensors if isinstance(tensors, int) else 0,
        _words(told.get("left_out")),
        count if isinstance(count, int) else 0,
        held.sealed,
        _words(told.get("walls")),
    )


def _words(value: Json) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def _child(source: BinaryIO, target: BinaryIO, limits: tuple[int, int, int]) -> Mapping[str, Json]:
    kept = {key: value for key, value in os.environ.items() if key in {"PATH", "SYSTEMROOT", "TMPDIR", "TEMP"}}
    began = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", "synth.engines.conversion", *(str(limit) for limit in limits)],
            stdin=source,
            stdout=target,
            stderr=subprocess.PIPE,
            env={**kept, "OMP_NUM_THREADS": "1"},
            timeout=2 * limits[2],
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise WorkerError(
            f"the conversion was not done after {time.monotonic() - began:.0f} s",
            remedy="look at the machine's memory and disk, and try again",
            code="E_WORKER_SLOW",
        ) from None
    last = next((line for line in reversed(done.stderr.decode("utf-8", "replace").splitlines()) if line.strip()), "")
    try:
        told = json.loads(last)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise WorkerError(
            f"the converting process ended with status {done.returncode}: {ascii(last)[:200]}",
            remedy="if the machine ran out of memory, give it more; else report the file",
            code="E_WORKER_DIED",
        )
    if "trouble" in told:
        raise _trouble(str(told["trouble"]), ascii(str(told.get("said", "")))[1:-1][:300])
    return told


def _trouble(code: str, said: str) -> HubError:
    if code == "E_MEMORY":
        return WorkerError(f"the conversion ran out of memory: {said}", remedy="give the machine more memory", code="E_MEMORY")
    if code == "E_PICKLE":
        return PolicyError(
            f"reading the checkpoint did more than reading: {said}", remedy="don't load it; please report the file", code="E_PICKLE"
        )
    return UsageError(f"this checkpoint can't be converted: {said}", remedy="use the checkpoint itself", code="E_CONVERT")
