"""Which engine speaks which version, with which Python."""

import subprocess
import sys
from pathlib import Path

import pytest

from indextts_hub.catalog import load_catalog
from indextts_hub.errors import NotFound, UsageError
from indextts_hub.shipped import shipped
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


def test_an_installation_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """An empty folder of wheels: pip finds nothing, and no half environment takes the place of one."""
    (tmp_path / "wheels").mkdir()
    place = environment_of("indextts25", tmp_path / "engines")
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").symlink_to(sys.executable)
    with pytest.raises(UsageError) as refused:
        install_engine("indextts25", tmp_path / "engines", tmp_path / "wheels")
    assert refused.value.code == "E_PACKAGES"
    assert subprocess.run([place / "bin" / "python", "-c", ""], check=False).returncode == 0


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
