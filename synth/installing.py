"""Making, checking and removing the environments of engines.

An environment is made beside its place and renamed into it when all of it is there and can be imported. It sees the program's own
packages behind its own: torch is there once, and weighs more than all the rest.
"""

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.bundle.packages import canonical, pin_of
from indextts_hub.errors import NotFound, UsageError
from indextts_hub.store.durable import make_folder, sync_folder
from indextts_hub.store.locks import exclusive
from indextts_hub.store.trouble import storage_errors
from synth.environments import ENGINES, UNSERVED, EngineSpec, environment_of, interpreter_of, is_installed

__all__ = ["Installed", "check_engine", "install_engine", "remove_engine", "wheels_of"]

# Hundreds of megabytes over a slow link.
PIP_SECONDS = 3600
# torch and transformers from a cold disk.
IMPORT_SECONDS = 300
_LOOK = (
    "import importlib, importlib.metadata, json, sys\n"
    "for name in sys.argv[2:]: importlib.import_module(name)\n"
    "own = [d for d in importlib.metadata.distributions(path=[sys.argv[1]])]\n"
    "shared = ['torch', 'numpy', 'huggingface_hub']\n"
    "found = {d.metadata['Name']: d.version for d in own}\n"
    "found |= {name: importlib.metadata.version(name) for name in shared}\n"
    "print(json.dumps({'python': '{}.{}.{}'.format(*sys.version_info), 'packages': found}))\n"
)


@dataclass(frozen=True, slots=True)
class Installed:
    """An engine's environment.

    Attributes:
        python: the version of its interpreter.
        packages: the versions of its packages, and of the program's that matter, by name.
    """

    engine: str
    place: Path
    python: str
    packages: dict[str, str]


def install_engine(engine: str, folder: Path, wheels: Path | None = None, *, wait: float = 0.0) -> Installed:
    """Make the environment of an engine, or make it anew.

    Args:
        folder: of all engines' environments.
        wheels: a folder with the wheels; None asks pip's package index.
        wait: seconds for somebody else who installs or removes it.

    Raises:
        NotFound: E_NO_ENGINE.
        UsageError: E_PACKAGES, if pip can't get a package, or what it got can't be imported; what was there stays.
        Busy: E_BUSY, if somebody else installs or removes it for longer than `wait`.
        StorageError: the disk would not take it.
    """
    spec = _spec(engine)
    if wheels is not None:
        _assert_all_there(engine, wheels)
    final = environment_of(engine, folder)
    building = final.with_name(f".{engine}.building")
    make_folder(folder)
    with _alone_with(engine, folder, "install", wait), _gone_at_the_end(building):
        with storage_errors(building):
            shutil.rmtree(building, ignore_errors=True)
            venv.create(building, with_pip=False, symlinks=sys.platform != "win32")
            own = _packages_folder(building)
            # Behind the environment's own: what is pinned there counts.
            (own / "indextts-hub.pth").write_text("".join(f"{path}\n" for path in _shared()), "utf-8")
        source = ["--no-index", "--find-links", str(wheels)] if wheels else []
        # Also what the program has in the same version today: it may have another one tomorrow.
        _pip(interpreter_of(building), ["install", "--no-deps", "--ignore-installed", *source, *spec.packages()])
        found = _looked_at(engine, spec, building)
        with storage_errors(final):
            aside = _set_aside(final)
            building.rename(final)
            sync_folder(folder)
            shutil.rmtree(aside, ignore_errors=True)
    return Installed(engine, final, found.python, found.packages)


def wheels_of(engine: str, folder: Path) -> Path | None:
    """The folder, if every package of an engine lies in it as a wheel; else None. Raises NotFound, E_NO_ENGINE."""
    return None if _missing(engine, folder) else folder


def check_engine(engine: str, folder: Path) -> Installed:
    """Import what the engine needs in its environment, and hold what is there against the pins.

    Raises:
        NotFound: E_NO_ENGINE, E_NO_ENVIRONMENT.
        UsageError: E_PACKAGES, naming what can't be imported, or is of another version.
    """
    spec = _spec(engine)
    if not is_installed(engine, folder):
        raise NotFound(f"{engine} is not installed", remedy=f"indextts-hub engine install {engine}", code="E_NO_ENVIRONMENT")
    found = _looked_at(engine, spec, environment_of(engine, folder))
    have = {_canonical(name): version for name, version in found.packages.items()}
    pinned = [package.partition("==") for package in spec.packages()]
    wrong = [name for name, _, version in pinned if have.get(_canonical(name)) != version]
    if wrong:
        raise UsageError(
            f"{engine} has other packages than it was tried with: {', '.join(wrong)[:200]}",
            remedy=f"indextts-hub engine install {engine}",
            code="E_PACKAGES",
        )
    return found


def remove_engine(engine: str, folder: Path, *, wait: float = 0.0) -> None:
    """Remove an environment; what speaks from it already goes on until it ends.

    Raises:
        NotFound: E_NO_ENGINE, E_NO_ENVIRONMENT.
        Busy: E_BUSY, if somebody else installs or removes it for longer than `wait`.
        StorageError: the disk would not have it.
    """
    _spec(engine)
    place = environment_of(engine, folder)
    if not place.exists():
        raise NotFound(f"{engine} is not installed", remedy="see `indextts-hub engine list`", code="E_NO_ENVIRONMENT")
    with _alone_with(engine, folder, "remove", wait), storage_errors(place):
        # Under another name first: half an environment would pass for one.
        aside = _set_aside(place)
        sync_folder(folder)
        shutil.rmtree(aside)


def _alone_with(engine: str, folder: Path, act: str, wait: float) -> AbstractContextManager[None]:
    return exclusive(folder / f".{engine}.lock", act=f"engine {act} {engine}", wait=wait)


@contextmanager
def _gone_at_the_end(building: Path) -> Iterator[None]:
    """What an installation that failed has left takes half a gigabyte."""
    try:
        yield
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _set_aside(place: Path) -> Path:
    aside = place.with_name(f".{place.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    if place.exists():
        place.rename(aside)
    return aside


def _missing(engine: str, wheels: Path) -> list[str]:
    """The packages of an engine that do not lie in a folder as wheels."""
    there = {pin_of(path.name) for path in wheels.glob("*.whl")}
    return [pin for pin in _spec(engine).packages() if canonical(pin) not in there]


def _assert_all_there(engine: str, wheels: Path) -> None:
    if missing := _missing(engine, wheels):
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise UsageError(
            f"{wheels} has no wheel of {', '.join(missing[:3])}{more}",
            remedy="bring them: `indextts-hub export REF --with-packages` writes them into a bundle, and `import` keeps them",
            code="E_PACKAGES",
        )


def _spec(engine: str) -> EngineSpec:
    spec = ENGINES.get(engine)
    if spec is None or spec.pins is None:
        own = sorted(name for name, each in ENGINES.items() if each.pins)
        nobody = UNSERVED.get(engine, f"there is no engine {engine[:60]!a}")
        what = nobody if spec is None else f"{engine} needs no environment of its own"
        raise NotFound(what, remedy=f"these have one: {', '.join(own)}", code="E_NO_ENGINE")
    return spec


def _packages_folder(environment: Path) -> Path:
    base = {"base": str(environment), "platbase": str(environment)}
    return Path(sysconfig.get_path("purelib", "nt_venv" if sys.platform == "win32" else "posix_venv", vars=base))


def _shared() -> list[str]:
    """Where this program and its packages are imported from."""
    import indextts_hub

    return [
        str(Path(indextts_hub.__file__).parents[1]),
        *dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib")),
    ]


def _looked_at(engine: str, spec: EngineSpec, environment: Path) -> Installed:
    python = interpreter_of(environment)
    command = [str(python), "-I", "-c", _LOOK, str(_packages_folder(environment)), *spec.imports]
    remedy = f"indextts-hub engine install {engine}"
    found = json.loads(_run(command, IMPORT_SECONDS, engine, remedy).splitlines()[-1])
    return Installed(engine, environment, found["python"], found["packages"])


def _pip(python: Path, arguments: list[str]) -> None:
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    command = [sys.executable, "-m", "pip", "--python", str(python), *quiet, *arguments]
    _run(command, PIP_SECONDS, "pip", "look at the network, pip's index and the disk")


def _run(command: list[str], seconds: float, what: str, remedy: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{what} can't be run: {type(error).__name__}", remedy=remedy, code="E_PACKAGES") from None
    if done.returncode:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "it does not say why")
        raise UsageError(f"{what}: {last[:300]}", remedy=remedy, code="E_PACKAGES")
    return done.stdout


def _canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
