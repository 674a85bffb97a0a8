"""From the engine a manifest names to what a worker is started with: which module speaks, and with which Python.

`fastspeech2` runs in the program's own environment. Other engines have packages that contradict each other's: each has a virtual
environment of its own below the store, `engines/NAME`, made by `synth.installing`.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from indextts_hub.errors import NotFound
from synth.worker.process import Launch, Proof

__all__ = ["ENGINES", "UNSERVED", "EngineSpec", "environment_of", "interpreter_of", "is_installed", "launch_for", "packages_of"]


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """An engine that this program can start.

    Attributes:
        module: whose `load` makes it.
        pins: the file, beside the engines, of the packages that its environment has; None for the program's own environment.
        imports: what must be importable there.
        variables: of its process's environment, unless somebody set them.
    """

    module: str
    pins: str | None = None
    imports: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    def packages(self) -> tuple[str, ...]:
        """The packages of its environment, as `NAME==VERSION`."""
        if self.pins is None:
            return ()
        lines = (files("synth.engines") / "pins" / self.pins).read_text("utf-8").splitlines()
        return tuple(line for line in lines if line and not line.startswith("#"))


# OpenMP's threads wait for each other by turning in circles, which halves the speed of `lite` as soon as another program keeps a
# core busy: 0.12 s a second of speech instead of 0.06, on two cores with one taken. On an idle machine sleep costs it a tenth.
# The system's allocator keeps what a thread has freed for that thread, which is 60 MiB for each that speaks; two share it well.
# Beyond 4 MiB memory is given back when it is free, and 16 MiB are kept: two of the longest segments at the worst settings take
# a worker and its doubles to 575 MiB instead of 600 to 640. Less of either costs `lite` a third of its speed.
_ASLEEP = MappingProxyType(
    {
        "OMP_WAIT_POLICY": "PASSIVE",
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_MMAP_THRESHOLD_": "4194304",
        "MALLOC_TRIM_THRESHOLD_": "16777216",
    }
)
# The threads of IndexTTS meet more often: asleep they cost it 90 to 160 ms a sentence on an idle machine. So many turns, each made
# for one package, cost less than 20, and less of what others need than turning on (decision 98).
_TURNS_OF_2 = MappingProxyType({"GOMP_SPINCOUNT": "10000"})
_TURNS_OF_25 = MappingProxyType({"GOMP_SPINCOUNT": "6000"})

ENGINES: Mapping[str, EngineSpec] = MappingProxyType(
    {
        "fastspeech2": EngineSpec("synth.engines.fastspeech2.engine", variables=_ASLEEP),
        "indextts2": EngineSpec(
            "synth.engines.indextts2.engine",
            "indextts2.txt",
            ("torch", "transformers", "librosa", "synth.engines.indextts2.package"),
            _TURNS_OF_2,
        ),
        "indextts25": EngineSpec(
            "synth.engines.indextts25", "indextts25.txt", ("torch", "transformers", "librosa", "indextts25"), _TURNS_OF_25
        ),
    }
)
"""The engines this program can start, by the name that manifests give them."""

UNSERVED: Mapping[str, str] = MappingProxyType(
    {"indextts15": "IndexTTS 1.5 is here to be pulled, mirrored and audited: no package with its inference code is kept up"}
)
"""Engines that the catalogue knows and this program does not start, and why."""


def packages_of(engines: Iterable[str]) -> tuple[str, ...]:
    """The packages of these engines' environments, each once; an engine that is not known has none."""
    return tuple(dict.fromkeys(pin for name in engines if name in ENGINES for pin in ENGINES[name].packages()))


def environment_of(engine: str, folder: Path) -> Path:
    """Where the environment of an engine is, or would be.

    Args:
        folder: of all engines' environments.
    """
    return folder / engine


def interpreter_of(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def is_installed(engine: str, folder: Path) -> bool:
    """Whether an engine can be started: it needs no environment of its own, or has it."""
    spec = ENGINES.get(engine)
    return spec is not None and (spec.pins is None or interpreter_of(environment_of(engine, folder)).exists())


def launch_for(engine: str, snapshot: Path, folder: Path | None = None, proof: Proof | None = None) -> Launch:
    """Return how a worker is started for the files of a version.

    Args:
        folder: of all engines' environments; None if there is none.
        proof: what they must turn out to be while they are loaded.

    Raises:
        NotFound: E_NO_ENGINE, naming the engines there are; E_NO_ENVIRONMENT, if the engine must be installed first.
    """
    spec = ENGINES.get(engine)
    if spec is None:
        raise NotFound(
            UNSERVED.get(engine, f"there is no engine {engine[:60]!a} here that could speak this version"),
            remedy=f"choose a version for one of these engines: {', '.join(sorted(ENGINES))}",
            code="E_NO_ENGINE",
        )
    if spec.pins is None:
        return Launch(spec.module, snapshot, defaults=spec.variables, proof=proof)
    if folder is None or not is_installed(engine, folder):
        raise NotFound(
            f"the engine {engine} has packages of its own, and they are not installed",
            remedy=f"indextts-hub engine install {engine}",
            code="E_NO_ENVIRONMENT",
        )
    python = str(interpreter_of(environment_of(engine, folder)))
    return Launch(spec.module, snapshot, python, defaults=spec.variables, proof=proof)
