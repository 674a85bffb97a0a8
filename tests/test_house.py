"""The rules of the house, held by tests: what may be imported, what may be called, what is written down."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("indextts_hub", "synth", "cli")


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (ROOT / package).rglob("*.py")


def calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func) + "(" + ", ".join(f"{k.arg}={ast.unparse(k.value)}" for k in node.keywords) + ")"


@pytest.mark.parametrize(
    "package", ["indextts_hub", "indextts_hub.hub", "cli.main", "indextts_hub.catalog", "indextts_hub.transfer"]
)
def test_starting_imports_nothing_heavy(package: str) -> None:
    code = f"import sys, {package}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert not loaded & {"torch", "numpy", "fastapi", "starlette", "sqlmodel", "sqlalchemy", "alembic", "boto3", "huggingface_hub"}


def test_no_module_is_named_for_nothing() -> None:
    empty = re.compile(r"utils?|manager|helpers?|handler|base|common|misc|processor")
    assert [path for path in modules() if empty.fullmatch(path.stem)] == []


def test_no_module_is_too_long_to_be_one_thing() -> None:
    assert [(path.name, n) for path in modules() if (n := len(path.read_text("utf-8").splitlines())) > 450] == []


@pytest.mark.parametrize("forbidden", ["extractall(", ".extract(", "shell=True", "verify=False", "allow_pickle=True", "yaml.load("])
def test_dangerous_calls_stand_nowhere(forbidden: str) -> None:
    assert [(path.name, call) for path in modules() for call in calls(path) if forbidden in call] == []


def test_torch_loads_only_weights_and_only_where_nothing_else_can_be_done() -> None:
    found = [(path.name, call) for path in modules() for call in calls(path) if "torch.load(" in call]
    assert {name for name, _ in found} <= {"conversion.py"}
    assert all("weights_only=True" in call for _, call in found)


def test_every_promise_of_the_threat_model_names_a_test_that_is_there() -> None:
    promised = re.findall(r"`(tests/[a-z0-9_/]+\.py)`", (ROOT / "docs" / "threat-model.md").read_text("utf-8"))
    assert len(promised) > 20
    assert [path for path in promised if not (ROOT / path).is_file()] == []


def test_every_error_code_is_written_down_and_no_other() -> None:
    raised = {code for path in modules() for code in re.findall(r'"(E_[A-Z_]+[A-Z])"', path.read_text("utf-8"))}
    written = set(re.findall(r"`(E_[A-Z_]+[A-Z])`", (ROOT / "docs" / "errors.md").read_text("utf-8")))
    assert raised - written == set()
    assert written - raised == set()


def test_every_dependency_is_written_down() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = {*project["dependencies"], *(name for extra in project["optional-dependencies"].values() for name in extra)}
    wanted = {re.split(r"[<>=\[ ]", name)[0].lower() for name in named} - {"indextts-hub"}
    written = (ROOT / "docs" / "dependencies.md").read_text("utf-8").lower()
    assert {name for name in wanted if name not in written} == set()
