"""`catalogue`, as who publishes one and who takes it over use it."""

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from cli.serve import Look
from indextts_hub import Hub
from tests.cli.machine import BODY, Machine, refused
from tests.hub.gate.pickling import checkpoint, put, tensor

pytestmark = pytest.mark.slow


@pytest.fixture
def site(machine: Machine) -> Path:
    """A catalogue like the machine's own, published with two root keys of two."""
    for name in ("r1", "r2", "t", "online", "t2"):
        key = Ed25519PrivateKey.generate()
        (machine.folder / f"{name}.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (machine.folder / f"{name}.pub").write_bytes(public)
    keys = ("--root-key", "r1.pub", "--root-key", "r2.pub", "--root-threshold", "2")
    done = machine.run("catalogue", "init", "site", *keys, "--targets-key", "t.pub", "--online-key", "online.pub")
    assert "root 1 lacks 2 of its signatures" in done.stdout
    refused(machine.run("catalogue", "publish", "site", "--key", "online.pem"), 8, "E_SIGNATURE")
    for name in ("r1", "r2"):
        done = machine.run("catalogue", "sign", "site", "--key", f"{name}.pem")
    assert "root 1 has its signatures" in done.stdout
    published(machine)
    return machine.folder / "site"


def published(machine: Machine, *more: str) -> None:
    keys = ("--key", "online.pem", "--key", "t.pem")
    done = machine.run("catalogue", "publish", "site", "--catalog", "mirrors.yaml", *keys, *more)
    assert done.returncode == 0, done.stderr


def revoke(machine: Machine, digest: str) -> None:
    place = machine.folder / "mirrors.yaml"
    text = place.read_text("utf-8")
    place.write_text(text.replace("    aliases: [small]\n", f"    revoked: [{{digest: {digest}, reason: it stutters}}]\n"), "utf-8")


def events(machine: Machine, act: str) -> list[tuple[str, str]]:
    found = [json.loads(line) for line in machine.run("audit", "log", "--json").stdout.splitlines()]
    return [(event["subject"], event["outcome"]) for event in found if event["act"] == act]


def test_from_then_on_the_signed_catalogue_is_the_catalogue(machine: Machine, site: Path) -> None:
    refused(machine.run("catalogue", "update"), 8, "E_NO_CATALOG")
    refused(machine.run("catalogue", "update", "--from", "site"), 2, "E_NO_ROOT")
    told = machine.document("catalogue", "update", "--from", "site", "--root", "site/metadata/1.root.json")
    assert isinstance(told, dict)
    assert (told["is_new"], told["versions"]["targets"]) == (True, 1)
    (machine.folder / "mirrors.yaml").write_text("rubbish: [")
    pulled = machine.document("pull", "tiny")
    assert isinstance(pulled, dict)
    assert pulled["catalogue"]["signed"]["version"] == 1
    assert "catalogue: signed:1, good until" in machine.run("show", "tiny").stdout
    assert "catalogue: signed:1" in machine.run("doctor", "--offline").stdout
    assert events(machine, "catalogue update") == [(str(site), "E_NO_ROOT"), (str(site), "done")]
    assert "manifests/tiny.json" in machine.run("catalogue", "show").stdout
    assert site.is_dir()


def test_whoever_signs_first_is_trusted_where_somebody_says_so_and_nobody_else_afterwards(machine: Machine, site: Path) -> None:
    refused(machine.run("pull", "tiny", "--trust-first-use"), 2, "E_USAGE")
    done = machine.run("pull", "tiny", "--catalog", "site", "--trust-first-use")
    assert done.returncode == 0, done.stderr
    assert "catalogue: signed:1" in machine.run("show", "tiny").stdout
    event = next(
        json.loads(line) for line in machine.run("audit", "log", "--json").stdout.splitlines() if "catalogue update" in line
    )
    root = hashlib.sha256((site / "metadata" / "1.root.json").read_bytes()).hexdigest()
    assert (event["details"]["trusted"], event["details"]["root"]) == ("first use", root)
    stranger = machine.folder / "stranger"
    keys = ("--root-key", "t2.pub", "--targets-key", "t2.pub", "--online-key", "t2.pub")
    machine.run("catalogue", "init", "stranger", *keys)
    machine.run("catalogue", "sign", "stranger", "--key", "t2.pem")
    assert machine.run("catalogue", "publish", "stranger", "--catalog", "mirrors.yaml", "--key", "t2.pem").returncode == 0
    refused(machine.run("pull", "tiny", "--catalog", str(stranger), "--trust-first-use"), 8, "E_SIGNATURE")


def test_an_unsigned_catalogue_goes_on_and_says_so(machine: Machine) -> None:
    done = machine.run("pull", "tiny")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "the catalogue mirrors.yaml is not signed")
    assert "catalogue: mirrors.yaml, not signed" in machine.run("show", "tiny").stdout
    assert "catalogue: mirrors.yaml, not signed" in machine.run("doctor", "--offline").stdout
    refused(machine.run("catalogue", "show"), 3, "E_NO_CATALOG")
    refused(machine.run("export", "tiny", "-o", "t.tar", "--with-catalogue"), 3, "E_NO_CATALOG")


def test_a_refused_update_is_written_down_and_changes_nothing(machine: Machine, site: Path) -> None:
    machine.run("catalogue", "update", "--from", "site", "--root", "site/metadata/1.root.json")
    before = machine.run("catalogue", "show", "--json").stdout
    place = site / "metadata" / "timestamp.json"
    place.write_text(place.read_text().replace('"version": 1', '"version": 2'))
    refused(machine.run("catalogue", "update"), 8, "E_SIGNATURE")
    assert machine.run("catalogue", "show", "--json").stdout == before
    assert events(machine, "catalogue update")[-1] == (str(site), "E_SIGNATURE")


def test_a_catalogue_that_is_over_is_not_pulled_by(machine: Machine, site: Path) -> None:
    """K01, freeze: what is here goes on; what comes in waits for a newer one."""
    machine.run("catalogue", "update", "--from", "site", "--root", "site/metadata/1.root.json")
    machine.run("pull", "tiny")
    mark = machine.cache / "catalogue.json"
    document = json.loads(mark.read_text())
    mark.write_text(json.dumps(document | {"expires": "2020-01-01T00:00:00+00:00"}))
    refused(machine.run("pull", "strict", "--accept-license"), 8, "E_CATALOG_EXPIRED")
    for blob in (path for path in (machine.cache / "blobs").rglob("*") if path.is_file() and path.stat().st_size == len(BODY)):
        blob.chmod(0o644)
        blob.write_bytes(b"!" + BODY[1:])
    assert machine.run("verify", "tiny", "--repair").returncode == 0
    assert machine.run("pull", "tiny").returncode == 0
    assert "it is over" in machine.run("doctor", "--offline").stdout
    assert site.is_dir()


def test_a_bundle_carries_the_catalogue_to_where_there_is_no_network(machine: Machine, site: Path, tmp_path: Path) -> None:
    machine.run("catalogue", "update", "--from", "site", "--root", "site/metadata/1.root.json")
    machine.run("pull", "tiny")
    done = machine.run("export", "tiny", "-o", "tiny.tar", "--with-catalogue")
    assert done.returncode == 0, done.stderr
    elsewhere = {"INDEXTTS_HUB_CACHE": str(tmp_path / "elsewhere")}
    root = ("--root", str(site / "metadata" / "1.root.json"))
    done = machine.run("catalogue", "update", "--from", "tiny.tar", *root, **elsewhere)
    assert done.returncode == 0, done.stderr
    assert machine.run("import", "tiny.tar", **elsewhere).returncode == 0
    (machine.folder / "mirrors.yaml").unlink()
    machine.origin.files.clear()
    assert machine.run("pull", "tiny", "--offline", **elsewhere).returncode == 0
    assert "signed:1" in machine.run("show", "tiny", **elsewhere).stdout
    again = machine.run("export", "tiny", "-o", "again.tar", "--with-catalogue", **elsewhere)
    assert again.returncode == 0, again.stderr
    assert (machine.folder / "again.tar").read_bytes() == (machine.folder / "tiny.tar").read_bytes()
    plain = machine.run("export", "tiny", "-o", "plain.tar")
    assert plain.returncode == 0
    refused(machine.run("catalogue", "update", "--from", "plain.tar"), 3, "E_NO_CATALOG")


def test_a_version_that_is_revoked_after_it_was_pulled_is_written_down_and_not_served(machine: Machine, site: Path) -> None:
    """K08."""
    machine.run("catalogue", "update", "--from", "site", "--root", "site/metadata/1.root.json")
    machine.run("pull", "tiny")
    digest = json.loads(machine.run("list", "--json").stdout)[0]["digest"]
    revoke(machine, digest)
    published(machine)
    assert machine.run("catalogue", "update").returncode == 0
    assert events(machine, "revoked") == [(f"tiny@sha256:{digest}", "done")]
    refused(machine.run("pull", "tiny"), 8, "E_REVOKED")
    refused(machine.run("serve", "--model", "tiny", "--port", "0"), 8, "E_REVOKED")
    assert site.is_dir()


def test_keys_are_rotated_and_clients_follow(machine: Machine, site: Path) -> None:
    machine.run("catalogue", "update", "--from", "site", "--root", "site/metadata/1.root.json")
    roles = machine.document("catalogue", "show", "site")
    assert isinstance(roles, dict)
    (old,) = roles["roles"]["targets"]["keys"]
    done = machine.run("catalogue", "rotate", "site", "targets", "--add", "t2.pub", "--remove", old[:12])
    assert "root 2 lacks 2" in done.stdout
    machine.run("catalogue", "sign", "site", "--key", "r1.pem", "--key", "r2.pem")
    refused(machine.run("catalogue", "publish", "site", "--key", "online.pem"), 8, "E_SIGNATURE")
    published(machine, "--key", "t2.pem")
    told = machine.document("catalogue", "update")
    assert isinstance(told, dict)
    assert told["versions"]["root"] == 2
    refused(machine.run("catalogue", "rotate", "site", "targets"), 2, "E_USAGE")
    assert site.is_dir()


def test_what_the_signers_do_not_let_pickles_import_stays_out(machine: Machine, site: Path) -> None:
    """A signed list takes names from what the gate lets in; it adds none."""
    weights = checkpoint(b"\x80\x02}" + put("a") + tensor() + b"s.")
    machine.origin.files["gpt.pth"] = weights
    text = (machine.folder / "mirrors.yaml").read_text("utf-8")
    entry = f"{{path: gpt.pth, size: {len(weights)}, sha256: {hashlib.sha256(weights).hexdigest()}}}"
    license_ = "license: {name: MIT}\n    sources: [{mirror: cdn}]"
    version = f"  pth:\n    title: a test\n    engine: fastspeech2\n    {license_}\n    files: [{entry}]\n"
    (machine.folder / "mirrors.yaml").write_text(text + version, "utf-8")
    (machine.folder / "names.txt").write_text("collections.OrderedDict\n")
    published(machine, "--pickle-names", "names.txt")
    machine.run("catalogue", "update", "--from", "site", "--root", "site/metadata/1.root.json")
    assert machine.run("pull", "tiny").returncode == 0
    refused(machine.run("pull", "pth"), 8, "E_PICKLE")
    (machine.folder / "names.txt").write_text(
        "collections.OrderedDict\ntorch._utils._rebuild_tensor_v2\ntorch.FloatStorage\nos.system\n"
    )
    published(machine, "--pickle-names", "names.txt")
    machine.run("catalogue", "update")
    assert machine.run("pull", "pth").returncode == 0
    assert BODY
    assert site.is_dir()


def test_a_service_that_runs_goes_on_without_what_was_revoked_meanwhile(machine: Machine, site: Path) -> None:
    """K08."""
    text = (machine.folder / "mirrors.yaml").read_text("utf-8")
    (machine.folder / "mirrors.yaml").write_text(text.replace(", accept: true", ""), "utf-8")
    published(machine)
    machine.run("catalogue", "update", "--from", "site", "--root", "site/metadata/1.root.json")
    machine.run("pull", "tiny", "strict")
    look = Look(Hub(machine.cache), [], None, allow_revoked=False)
    assert [wanted.name for wanted in look()] == ["strict", "tiny"]
    digests = {row["version"]: row["digest"] for row in json.loads(machine.run("list", "--json").stdout)}
    revoke(machine, digests["tiny"])
    published(machine)
    machine.run("catalogue", "update")
    assert [wanted.name for wanted in look()] == ["strict"]
    assert events(machine, "serve revoked") == [(f"tiny@sha256:{digests['tiny']}", "E_REVOKED")]
    # It does not take its last version away by itself.
    machine.run("remove", "strict")
    assert [wanted.name for wanted in look()] == ["tiny"]
    assert site.is_dir()
