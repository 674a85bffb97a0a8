"""What stands in deploy/ works: settings that exist, a unit that systemd takes, an nginx that passes streams on as they come."""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import trustme
import yaml

from indextts_hub.settings import Settings
from tests.synth.service.conftest import RunningService, configured_service
from tests.synth.service.test_voices import keep

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_every_setting_that_is_named_exists() -> None:
    named = {name.lower() for file in DEPLOY.iterdir() for name in re.findall(r"INDEXTTS_HUB_([A-Z_]+)", file.read_text("utf-8"))}
    assert named
    assert named <= set(Settings.model_fields)


def test_the_container_runs_as_nobody_in_particular_with_the_store_as_a_volume() -> None:
    lines = (DEPLOY / "Dockerfile").read_text("utf-8").splitlines()
    assert "USER hub" in lines
    assert 'CMD ["serve"]' in lines
    assert "VOLUME /var/lib/indextts-hub" in lines
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    assert services["hub"]["volumes"] == ["store:/var/lib/indextts-hub"]
    assert services["hub"]["cap_drop"] == ["ALL"]
    assert services["hub-gpu"]["deploy"]["resources"]["reservations"]["devices"][0]["driver"] == "nvidia"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = (DEPLOY / "indextts-hub.service").read_text("utf-8")
    (tmp_path / "indextts-hub.service").write_text(unit.replace("/opt/indextts-hub/bin/indextts-hub", "/bin/true"), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / "indextts-hub.service"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, trustme.CA, RunningService]]:
    """The service behind nginx with the example's file: only its names, port and paths are replaced."""
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed")
    folder = tmp_path_factory.mktemp("proxied")
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "service").mkdir()
    with configured_service(folder / "service", trusted_proxies="127.0.0.1", requests="4/minute") as service:
        example = (
            (DEPLOY / "nginx.conf").read_text("utf-8")
            .replace("127.0.0.1:7860", service.address.removeprefix("http://"))
            .replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
            .replace("hub.intranet;", "localhost;")
            .replace("/etc/ssl/certs/hub.intranet.pem", str(folder / "cert.pem"))
            .replace("/etc/ssl/private/hub.intranet.key", str(folder / "key.pem"))
        )  # fmt: skip
        temporary = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{temporary}{example}\n}}\n"
        )
        with subprocess.Popen(["nginx", "-c", folder / "nginx.conf", "-p", folder], stderr=subprocess.DEVNULL) as nginx:
            try:
                deadline = time.monotonic() + 10
                while not listens(port):
                    assert time.monotonic() < deadline, (folder / "error.log").read_text()
                    time.sleep(0.05)
                yield f"https://localhost:{port}", authority, service
            finally:
                nginx.terminate()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def client_of(proxied: tuple[str, trustme.CA, RunningService], own_address: str = "127.0.0.1") -> httpx2.Client:
    import ssl

    address, authority, _ = proxied
    context = ssl.create_default_context()
    authority.configure_trust(context)
    transport = httpx2.HTTPTransport(verify=context, local_address=own_address)
    return httpx2.Client(base_url=address, transport=transport, timeout=30, trust_env=False)


def test_a_stream_comes_through_nginx_as_it_is_spoken(proxied: tuple[str, trustme.CA, RunningService]) -> None:
    asked = {"model": "sine", "voice": "alloy", "input": "你好。" + "慢。" * 8, "response_format": "pcm"}
    with client_of(proxied, "127.0.0.3") as client, client.stream("POST", "/v1/audio/speech", json=asked) as stream:
        parts = stream.iter_raw()
        next(parts)
        # Its first bytes are here, and it is still being spoken.
        task = stream.headers["x-task-id"]
        assert client.get(f"/api/tasks/{task}").json()["status"] == "running"


def test_a_clip_may_be_as_large_as_the_service_takes_it(proxied: tuple[str, trustme.CA, RunningService]) -> None:
    with client_of(proxied, "127.0.0.4") as client:
        answer = keep(client, bytes(11 * 2**20))
        assert (answer.status_code, answer.json()["code"]) == (422, "E_AUDIO")


def test_limits_hold_for_each_client_behind_nginx(proxied: tuple[str, trustme.CA, RunningService]) -> None:
    statuses = {}
    for own in ("127.0.0.5", "127.0.0.6"):
        with client_of(proxied, own) as client:
            statuses[own] = [client.post("/synthesize", json={"text": "好"}).status_code for _ in range(5)]
    assert set(map(json.dumps, statuses.values())) == {"[200, 200, 200, 200, 429]"}
