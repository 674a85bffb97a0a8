"""Which engine speaks which version, with which Python."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from indextts_hub.catalog import load_catalog
from indextts_hub.errors import Busy, NotFound, UsageError
from indextts_hub.shipped import shipped
from indextts_hub.store.locks import exclusive
from synth.environments import ENGINES, UNSERVED, environment_of, is_installed, launch_for, packages_of
from synth.installing import check_engine, install_engine, remove_engine, wheels_of

pytestmark = pytest.mark.slow


def test_every_engine_of_the_shipped_catalogue_speaks_or_says_why_not(tmp_path: Path) -> None:
    catalog = load_catalog(str(shipped("mirrors.yaml")))
    named = {version.manifest.engine for version in catalog.versions.values()}
    assert named <= {*ENGINES, *UNSERVED}
    with pytest.raises(NotFound, match="pulled, mirrored and audited") as refused:
        launch_for("indextts15", tmp_path)
    assert refused.value.code == "E_NO_ENGINE"


def test_an_engine_with_packages_of_its_own_must_be_installed_first(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as refused:
        launch_for("indextts25", tmp_path, tmp_path)
    assert (refused.value.code, refused.value.remedy) == ("E_NO_ENVIRONMENT", "indextts-hub engine install indextts25")
    assert not is_installed("indextts25", tmp_path)
    assert is_installed("fastspeech2", tmp_path)
    for act in (check_engine, remove_engine):
        with pytest.raises(NotFound):
            act("indextts25", tmp_path)
    for act in (install_engine, check_engine, remove_engine):
        with pytest.raises(NotFound) as wrong:
            act("fastspeech2", tmp_path)
        assert wrong.value.code == "E_NO_ENGINE"


def test_only_the_threads_of_lite_sleep_at_once(tmp_path: Path) -> None:
    assert launch_for("fastspeech2", tmp_path).defaults["OMP_WAIT_POLICY"] == "PASSIVE"
    for engine in ("indextts2", "indextts25"):
        venv.create(environment_of(engine, tmp_path), with_pip=False, symlinks=True)
        assert set(launch_for(engine, tmp_path, tmp_path).defaults) == {"GOMP_SPINCOUNT"}


def test_an_installation_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """A folder without wheels, and one with broken ones: no half environment takes the place of one, and none is left about."""
    (tmp_path / "wheels").mkdir()
    place = environment_of("indextts25", tmp_path / "engines")
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").symlink_to(sys.executable)
    with pytest.raises(UsageError) as refused:
        install_engine("indextts25", tmp_path / "engines", tmp_path / "wheels")
    assert refused.value.code == "E_PACKAGES"
    assert "wheels has no wheel of audioread==3.1.0" in refused.value.message
    assert "--with-packages" in refused.value.remedy
    for pin in packages_of(["indextts25"]):
        name, _, version = pin.partition("==")
        (tmp_path / "wheels" / f"{name.replace('-', '_')}-{version}-py3-none-any.whl").write_bytes(b"no wheel")
    with pytest.raises(UsageError, match="pip: ") as refused:
        install_engine("indextts25", tmp_path / "engines", tmp_path / "wheels")
    assert refused.value.code == "E_PACKAGES"
    assert subprocess.run([place / "bin" / "python", "-c", ""], check=False).returncode == 0
    assert [path.name for path in (tmp_path / "engines").iterdir() if path.is_dir()] == ["indextts25"]


def test_an_environment_that_lost_its_packages_is_to_be_installed_again(tmp_path: Path) -> None:
    place = environment_of("indextts25", tmp_path)
    venv.create(place, with_pip=False, symlinks=True)
    with pytest.raises(UsageError, match="No module named") as refused:
        check_engine("indextts25", tmp_path)
    assert refused.value.remedy == "indextts-hub engine install indextts25"


def test_two_do_not_install_or_remove_an_engine_at_once(tmp_path: Path) -> None:
    environment_of("indextts25", tmp_path).mkdir()
    with exclusive(tmp_path / ".indextts25.lock", act="engine install indextts25", wait=0.0):
        for act in (install_engine, remove_engine):
            with pytest.raises(Busy, match="engine install indextts25"):
                act("indextts25", tmp_path)
    remove_engine("indextts25", tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_an_engine_that_is_never_installed_says_why(tmp_path: Path) -> None:
    for act in (install_engine, check_engine, remove_engine):
        with pytest.raises(NotFound, match="no package with its inference code is kept up") as refused:
            act("indextts15", tmp_path)
        assert refused.value.code == "E_NO_ENGINE"


def test_every_pin_is_exact() -> None:
    for engine, spec in ENGINES.items():
        assert all(package.count("==") == 1 for package in spec.packages()), engine
        assert bool(spec.packages()) == (spec.pins is not None)


def test_the_wheels_of_an_engine_are_found_when_all_of_them_are_there(tmp_path: Path) -> None:
    pins = packages_of(["indextts2", "fastspeech2", "nobody"])
    assert "transformers==5.14.1" in pins
    for pin in pins:
        name, _, version = pin.partition("==")
        (tmp_path / f"{name.replace('-', '_')}-{version}-py3-none-any.whl").touch()
    assert wheels_of("indextts2", tmp_path) == tmp_path
    next(tmp_path.glob("munch-*")).unlink()
    assert wheels_of("indextts2", tmp_path) is None
    with pytest.raises(NotFound):
        wheels_of("fastspeech2", tmp_path)
