"""A report says which bytes, from where, let in by whom, and what they spoke; the same state says it in the same bytes."""

import hashlib
import io
import json
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from indextts_hub import Hub
from indextts_hub.accounts import PullOptions
from indextts_hub.audit import AuditLog
from indextts_hub.audit.bom import bill_of_materials
from indextts_hub.audit.pages import as_html, as_markdown
from indextts_hub.db import open_database
from indextts_hub.db.tasks import SpokenTask, TaskSettings, add_task
from indextts_hub.errors import IntegrityError
from indextts_hub.reporting import compare_versions, report_on

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


def saved() -> bytes:
    body = io.BytesIO()
    torch.save({"weight": torch.zeros(4)}, body)
    return body.getvalue()


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


FILES = {"gpt.pth": saved(), "config.yaml": b"version: 2\n"}
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def catalog(folder: Path, name: str, files: dict[str, bytes], terms: str) -> Path:
    source = folder / f"files-{name}"
    source.mkdir()
    for path, body in files.items():
        (source / path).write_bytes(body)
    listed = "".join(f"      - {{path: {path}, size: {len(body)}, sha256: {sha256(body)}}}\n" for path, body in files.items())
    written = folder / f"{name}.yaml"
    written.write_text(
        f"schema: 1\nmirrors:\n  usb: {{kind: file, base: '{source}'}}\nversions:\n  v23:\n    title: t\n    engine: indextts2\n"
        f"    license: {terms}\n    sources: [{{mirror: usb}}]\n    files:\n{listed}"
    )
    return written


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    terms = "{name: 'bilibili <licence>', url: 'https://example.com/terms', accept: true}"
    hub = Hub(tmp_path / "cache", catalog(tmp_path, "first", FILES, terms))
    digest = hub.pull("v23", PullOptions(accept_license=True)).digest
    hub.books.log("serve", "stable", details={"version": "v23", "digest": digest, "before": None}, actor="me@here")
    with closing(open_database(hub.database_url)) as database:
        spoke = SpokenTask(
            "a1b2", NOON, "done", "不在报告里的文字", "v23", TaskSettings("wav"),
            model_digest=digest, audio_sha256="c" * 64, asker="<script>alert(1)</script> | x",
        )  # fmt: skip
        add_task(database, spoke)
    return hub


def test_every_file_says_where_it_came_from_and_what_the_gate_found(hub: Hub) -> None:
    document = report_on(hub, "v23").document()
    files = {file["path"]: file for file in document["files"]}
    gpt = files["gpt.pth"]
    assert (gpt["sha256"], gpt["state"], gpt["scan"]["outcome"]) == (sha256(FILES["gpt.pth"]), "present", "done")
    assert [(gave["mirror"], gave["bytes"]) for gave in gpt["from"]] == [("usb", len(FILES["gpt.pth"]))]
    assert [gave["ranges"] for gave in gpt["from"]] == [[[0, len(FILES["gpt.pth"])]]]
    assert files["config.yaml"]["scan"] is None
    assert [each["license"] for each in document["accepted"]] == ["bilibili <licence>"]
    acts = [event["act"] for event in document["events"]]
    assert acts == ["accept license", "pull"]
    assert [event["subject"] for event in document["served"]] == ["stable"]
    assert [(each["task"], each["audio_sha256"]) for each in document["speech"]] == [("a1b2", "c" * 64)]


def test_it_says_who_vouched_for_it_and_what_became_of_it(hub: Hub) -> None:
    digest = hub.locate("v23")[1]
    version = f"v23@sha256:{digest}"
    hub.books.log("import", version, details={"from": "v23.tar", "signers": ["5f3c"]})
    hub.books.log("pull", version, details={"catalogue": "signed:7"})
    hub.books.log("serve", "stable", details={"version": "v23", "digest": digest, "before": "e" * 64})
    made = {"from": sha256(FILES["gpt.pth"]), "to": "f" * 64}
    hub.books.log("convert", "gpt.pth", details=made)
    hub.books.log("convert", "other.pth", details={"from": "0" * 64, "to": "1" * 64})
    report = report_on(hub, "v23")
    document = report.document()
    assert [each.get("signers") or each["catalogue"] for each in document["signatures"]] == [["5f3c"], "signed:7"]
    assert [(event["act"], event["subject"]) for event in document["lineage"]] == [("serve", "stable"), ("convert", "gpt.pth")]
    for page in (as_markdown(report), as_html(report)):
        assert {"5f3c", "signed:7", "e" * 64, "f" * 64} <= {
            word for word in ("5f3c", "signed:7", "e" * 64, "f" * 64) if word in page
        }
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(bill_of_materials(report))) is None


def test_what_was_said_is_nobodys_business(hub: Hub) -> None:
    report = report_on(hub, "v23")
    for text in (json.dumps(report.document(), ensure_ascii=False), as_markdown(report), as_html(report)):
        assert "不在报告里的文字" not in text


def test_the_same_state_gives_the_same_bytes(hub: Hub, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli.main", "audit", "report", "v23", "--cache-dir", str(tmp_path / "cache")]
    command += ["--catalog", str(tmp_path / "first.yaml")]
    for form in ("json", "md", "html", "cyclonedx"):
        paths = [tmp_path / f"{number}.{form}" for number in (1, 2)]
        for path in paths:
            subprocess.run([*command, "--format", form, "-o", str(path)], cwd=ROOT, check=True, timeout=60)
        assert paths[0].read_bytes() == paths[1].read_bytes()
        assert len(paths[0].read_bytes()) > 300


def test_the_bill_of_materials_is_cyclonedx_to_the_strict_validator(hub: Hub) -> None:
    document = bill_of_materials(report_on(hub, "v23"))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None
    component = document["metadata"]["component"]
    assert component["type"] == "machine-learning-model"
    assert component["modelCard"]["modelParameters"]["task"] == "text-to-speech"
    # That the validator sees what is wrong.
    broken = {**document, "specVersion": "1.6", "components": [{"type": "nonsense", "name": 5}]}
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(broken)) is not None


def test_what_comes_from_outside_makes_no_markup(hub: Hub) -> None:
    report = report_on(hub, "v23")
    assert "<script>" not in as_html(report)
    assert "bilibili &lt;licence&gt;" in as_html(report)
    assert "src=" not in as_html(report)
    row = next(line for line in as_markdown(report).splitlines() if "a1b2" in line)
    assert row.count("|") - row.count("\\|") == 5


def test_from_a_damaged_log_nothing_is_reported(hub: Hub) -> None:
    log = AuditLog(hub.store.audit)
    log.path.write_bytes(log.path.read_bytes().replace(b'"pull"', b'"puII"', 1))
    with pytest.raises(IntegrityError) as refused:
        report_on(hub, "v23")
    assert refused.value.code == "E_LOG"


def test_two_versions_differ_in_what_an_auditor_must_look_at_anew(hub: Hub, tmp_path: Path) -> None:
    before = report_on(hub, "v23")
    newer = FILES | {"config.yaml": b"version: 3\n", "more.txt": b"x"}
    changed = Hub(tmp_path / "cache", catalog(tmp_path, "second", newer, "{name: MIT}"))
    changed.pull("v23")
    found = compare_versions(before, report_on(changed, "v23"))
    assert [(file["path"], file["change"]) for file in found["files"]] == [("config.yaml", "changed"), ("more.txt", "added")]
    assert [row["what"] for row in found["terms"]] == ["license"]
    command = [
        sys.executable,
        "-m",
        "cli.main",
        "audit",
        "diff",
        f"v23@sha256:{before.manifest.digest}",
        "v23",
        "--cache-dir",
        str(tmp_path / "cache"),
    ]
    shown = subprocess.run(
        [*command, "--catalog", str(tmp_path / "second.yaml")], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert "config.yaml" in shown
    assert "license: " in shown


def test_a_version_that_is_only_in_the_catalogue_has_a_report_too(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "empty", catalog(tmp_path, "only", FILES, "{name: MIT}"))
    document = report_on(hub, "v23").document()
    assert {file["state"] for file in document["files"]} == {"absent"}
    assert document["events"] == []
