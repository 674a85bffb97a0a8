"""Secrets are planted wherever one may stand, all is done that can go right or wrong, and everything that it left is searched."""

import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from tests.cli.machine import BODY, PROGRAM, Machine
from tests.hub.trust.publisher import Publisher
from tests.origins.origin import Answer, Asked, Origin

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at processes in /proc")]

SECRETS = {
    "CDN_TOKEN": "planted/cdn+token=1",
    "BASIC": "planted-user:planted/basic+pass=2",
    "CDN_KEY": "planted-signing-key-3",
    "RESOLVER_TOKEN": "planted-resolver-token-4",
    "HUB_TOKEN": "planted-hub-token-5",
    "HF_TOKEN": "hf_planted6planted6planted6planted6",
    "MS_TOKEN": "planted-modelscope-token-7",
    "AWS_SECRET_ACCESS_KEY": "planted/aws+secret/8",
    "AWS_SESSION_TOKEN": "planted-aws-session-9",
    "INDEXTTS_HUB_WEBHOOK_KEY": "planted-webhook-key-10",
    "INDEXTTS_HUB_KEY": "ihk_0123456789abcdef_planted11",
}
LINKED = "planted-in-a-resolved-link-12"
HOOKED = "planted-in-a-webhook-13"
PASSWORD = "planted-database-password-14"
URL = "planted-in-an-address-15"
ASKED = "ihk_fedcba9876543210_planted16"
GONE = b"what nobody has" * 1000


def shapes(secret: str) -> set[bytes]:
    """How a secret may show."""
    plain = secret.encode()
    encoded = {base64.b64encode(plain), base64.urlsafe_b64encode(plain)}
    return {plain, quote(secret, safe="").encode(), json.dumps(secret)[1:-1].encode(), *encoded}


def everything(made: Mapping[str, str]) -> dict[str, set[bytes]]:
    others = {"LINKED": LINKED, "HOOKED": HOOKED, "PASSWORD": PASSWORD, "URL": URL, "ASKED": ASKED, **made}
    return {name: shapes(secret) for name, secret in (SECRETS | others).items()}


def telltale(asked: Asked, _: Answer) -> Answer:
    """A server that repeats what it was sent, where a message might repeat it."""
    told = " ".join(asked.headers.get(name, "") for name in ("authorization", "x-amz-security-token"))
    body = f"<?xml version='1.0'?><Error><Code>{told}</Code><Message>{asked.target}</Message></Error>".encode()
    return Answer(
        403, {"Content-Length": str(len(body)), "X-Error-Code": told, "X-Error-Message": told, "Content-Type": told}, body
    )


def leading_on(origin: Origin) -> None:
    link = {"url": f"{origin.url}/model.bin?token={LINKED}", "headers": {"X-Pass": LINKED}, "expires": int(time.time()) + 600}
    origin.files["resolve"] = json.dumps(link).encode()


def catalogue(machine: Machine, bad: Origin) -> None:
    good, text = machine.origin.url, (machine.folder / "mirrors.yaml").read_text("utf-8")
    mirrors = "\n".join(
        [
            "mirrors:",
            f"  token: {{kind: http, base: '{bad.url}', token_env: CDN_TOKEN}}",
            f"  basic: {{kind: http, base: '{bad.url}', basic_env: BASIC}}",
            f"  signed: {{kind: http, base: '{bad.url}', signing: {{scheme: aliyun-a, key_env: CDN_KEY, ttl: 600}}}}",
            f"  resolved: {{kind: link, resolver: '{bad.url}/resolve', token_env: RESOLVER_TOKEN, hosts: ['127.0.0.1']}}",
            f"  refusing: {{kind: link, resolver: '{bad.url}/no', token_env: RESOLVER_TOKEN}}",
            f"  other: {{kind: hub, endpoint: '{bad.url}', token_env: HUB_TOKEN}}",
            f"  hf: {{kind: huggingface, endpoint: '{bad.url}', token_env: HF_TOKEN}}",
            f"  ms: {{kind: modelscope, endpoint: '{bad.url}', token_env: MS_TOKEN}}",
            f"  s3: {{kind: s3, endpoint: '{bad.url}', bucket: models, region: us-east-1}}",
            f"  own: {{kind: http, base: '{good}', token_env: CDN_TOKEN}}",
        ]
    )
    names = ["token", "basic", "signed", "resolved", "refusing", "other", "s3"]
    sources = ", ".join(
        [f"{{mirror: {name}}}" for name in names] + [f"{{mirror: {n}, repo: a/b, revision: main}}" for n in ("hf", "ms")]
    )
    here = text.split("versions:\n")[1].replace("{mirror: cdn}", "{mirror: own}")
    file = f"{{path: model.bin, size: {len(GONE)}, sha256: {hashlib.sha256(GONE).hexdigest()}}}"
    gone = f"  gone: {{title: a test, engine: fastspeech2, license: {{name: MIT}}, sources: [{sources}], files: [{file}]}}\n"
    (machine.folder / "mirrors.yaml").write_text(f"schema: 1\n{mirrors}\nversions:\n{here}{gone}", "utf-8")


@contextmanager
def serving(machine: Machine, environment: Mapping[str, str], said: Path) -> Iterator[tuple[str, int]]:
    command = [PROGRAM, "serve", "--port", "0", "--auth", "--log-format", "json", "-v", "--pull-through"]
    with said.open("wb") as errors:
        process = subprocess.Popen(
            command, cwd=machine.folder, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
        assert process.stdout is not None
        try:
            address = None
            for line in process.stdout:
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    address = found[0]
                    break
            assert address is not None, said.read_text()
            yield address, process.pid
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.stdout.close()
            process.wait(30)


def titles(group: int) -> bytes:
    """What `ps` shows of all processes of a group, such as a service and its workers."""
    found = b""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) == group:
                found += (folder / "cmdline").read_bytes() + (folder / "comm").read_bytes()
        except (OSError, ValueError):
            continue
    return found


def test_no_secret_is_in_anything_that_a_run_leaves(machine: Machine, tmp_path: Path) -> None:
    with Origin({"model.bin": BODY}) as bad:
        leading_on(bad)
        bad.faults["*"] = telltale
        bad.faults["resolve"] = lambda _, answer: answer
        bad.faults["hook"] = telltale
        catalogue(machine, bad)
        seen, made = said(machine, bad, tmp_path)
    files = {str(path): path.read_bytes() for path in machine.folder.rglob("*") if path.is_file()}
    assert any(name.endswith("log.jsonl") for name in files)
    assert any(name.endswith("hub.sqlite3") for name in files)
    # What is read of a tar, a database and a log is what lies there; nothing in them is compressed.
    found = {
        (name, where)
        for name, forms in everything(made).items()
        for where, body in {**files, **seen}.items()
        for form in forms
        if form in body
    }
    assert found == set()


def take_over(machine: Machine, run: Callable[..., int], site: Path) -> None:
    for path in site.rglob("*.json"):
        machine.origin.files[f"site/{path.relative_to(site).as_posix()}"] = path.read_bytes()
    assert (
        run("catalogue", "update", "--from", f"{machine.origin.url.replace('//', f'//user:{URL}@')}/site", "--trust-first-use") == 0
    )
    (machine.cache / "catalogue.json").unlink()


def said(machine: Machine, bad: Origin, tmp_path: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """Do everything, and return what it said, by what was done, and the secrets that were made meanwhile and shown once."""
    seen: dict[str, bytes] = {}

    def run(*arguments: str, **more: str) -> int:
        done = machine.run(*arguments, **SECRETS, AWS_ACCESS_KEY_ID="AKIDEXAMPLE", **more)
        seen[" ".join(arguments)[:60]] = (done.stdout + done.stderr).encode()
        assert "Traceback" not in done.stderr
        return done.returncode

    assert run("pull", "tiny", "-v") == 0
    assert run("pull", "gone", "-v") == 5
    assert run("pull", "gone", "--json") == 5
    for name in ("token", "basic", "signed", "resolved", "refusing", "other", "hf", "ms", "s3"):
        assert run("pull", "gone", "--source", name) == 5, name
    run("mirrors", "list", "--json")
    run("mirrors", "test", "--json")
    run("mirrors", "stats", "--json")
    run("mirrors", "check", "gone", "--json")
    run("doctor")
    run("show", "gone", "--json")
    run("outdated", "--upstream", "--json")
    hook = f"{bad.url}/hook?token={HOOKED}"
    run("watch", "--once", "--upstream", INDEXTTS_HUB_WEBHOOK=hook)
    run("mirrors", "sync", "tiny", "--to", "other", "--json")
    run("mirrors", "sync", "tiny", "--to", "s3", "--json")
    run("say", "你好", "-o", "x.wav", "--server", bad.url)
    run("list", INDEXTTS_HUB_DATABASE_URL=f"postgresql+psycopg://hub:{PASSWORD}@127.0.0.1:1/hub")
    run("key", "list", INDEXTTS_HUB_DATABASE_URL=f"postgresql+psycopg://hub:{PASSWORD}@127.0.0.1:1/hub")
    run("list", "--all", "--catalog", f"{bad.url.replace('//', f'//user:{URL}@')}/mirrors.yaml?key={URL}")
    run("catalogue", "update", "--from", f"{bad.url.replace('//', f'//user:{URL}@')}/?key={URL}", "--trust-first-use")
    take_over(machine, run, Publisher(tmp_path / "site").folder)
    assert run("export", "tiny", "-o", "tiny.tar") == 0
    for form in ("json", "md", "html", "cyclonedx"):
        assert run("audit", "report", "tiny", "--format", form, "-o", f"report.{form}") == 0
    assert run("audit", "log", "--json") == 0
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("INDEXTTS_HUB")}
    environment = {**inherited, **SECRETS, "INDEXTTS_HUB_CACHE": str(machine.cache), "INDEXTTS_HUB_WEBHOOK": hook}
    log = tmp_path / "service.log"
    key = json.loads(machine.run("key", "create", "studio", "--json").stdout)["key"]
    whole = json.loads(machine.run("link", "tiny", "--json").stdout)["key"]
    with serving(machine, environment, log) as (address, pid):
        seen["titles"] = titles(pid)
        assert b"serve" in seen["titles"]
        with httpx2.Client(base_url=address, trust_env=False, timeout=30) as client:
            for headers in ({}, {"Authorization": f"Bearer {ASKED}"}, {"X-API-Key": ASKED}, {"Cookie": f"session={ASKED}"}):
                for path in ("/v1/models", "/hub/versions", "/metrics", f"/hub/versions?key={ASKED}", f"/nothing/{quote(ASKED)}"):
                    answer = client.get(path, headers=headers)
                    if ASKED not in path:
                        seen[f"{path} {sorted(headers)}"] = answer.content
            assert client.get("/hub/versions", headers={"Authorization": f"Bearer {key}"}).status_code == 200
            link = json.loads(machine.run("link", "tiny", "model.bin", "--scheme", "aliyun-b", "--base", address, "--json").stdout)[
                "url"
            ]
            assert client.get(link).content == BODY
            assert client.get(link + "x").status_code == 403
        seen["titles later"] = titles(pid)
    seen["log"] = log.read_bytes()
    assert b"/links/" in seen["log"]
    return seen, {"key": key, "a link's key": whole, "a signature": link.split("/")[4]}
