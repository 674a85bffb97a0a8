"""Hugging Face and ModelScope as mirrors: where a file is, and who sees the token."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from indextts_hub.manifest import ByteCount, Digest
from indextts_hub.sources import ByteRange, Context, MirrorOptions, RemoteFile, connect, kind_module
from tests.origins.origin import Origin, origins, redirect

BODY = b"weights" * 1000
FILE = RemoteFile("folder/gpt.pth", ByteCount(len(BODY)), Digest(hashlib.sha256(BODY).hexdigest()))
REVISION = "740dcaff396282ffb241903d150ac011cd4b1ede"


@pytest.fixture
def hub_and_cdn() -> Iterator[tuple[Origin, Origin]]:
    with origins({}, {"signed": BODY}) as (hub, cdn):
        hub.faults["*"] = redirect(f"{cdn.url}/signed?X-Amz-Signature=s")
        yield hub, cdn


def fetched(kind: str, endpoint: str, revision: str, environment: dict[str, str], token_env: str = "HUB_TOKEN") -> bytes:
    module = kind_module(kind)
    mirror: MirrorOptions = module.Mirror.model_validate({"kind": kind, "endpoint": endpoint, "token_env": token_env})
    entry = module.Entry.model_validate({"mirror": "m", "repo": "IndexTeam/IndexTTS-2", "revision": revision})
    source = connect("m", mirror, entry, Context(environment))
    view = memoryview(bytearray(len(BODY)))
    with source.open(FILE, ByteRange(10, 20)) as body:
        count = body.readinto(view)
    source.close()
    return bytes(view[:count])


@pytest.mark.parametrize(
    ("kind", "revision", "path"),
    [
        ("huggingface", REVISION, f"IndexTeam/IndexTTS-2/resolve/{REVISION}/folder/gpt.pth"),
        ("modelscope", "master", "models/IndexTeam/IndexTTS-2/resolve/master/folder/gpt.pth"),
    ],
)
def test_a_file_is_asked_for_by_its_stable_address_and_its_token_stays_with_the_hub(
    hub_and_cdn: tuple[Origin, Origin], kind: str, revision: str, path: str
) -> None:
    """N11."""
    hub, cdn = hub_and_cdn
    assert fetched(kind, hub.url, revision, {"HUB_TOKEN": "planted-secret"}) == BODY[10:20]
    assert hub.requests[0].path == path
    assert hub.requests[0].headers["authorization"] == "Bearer planted-secret"
    assert "authorization" not in cdn.requests[0].headers
    assert cdn.requests[0].range == (10, 20)


def test_without_a_token_public_repositories_are_still_served(hub_and_cdn: tuple[Origin, Origin]) -> None:
    hub, _ = hub_and_cdn
    assert fetched("huggingface", hub.url, REVISION, {}) == BODY[10:20]
    assert "authorization" not in hub.requests[0].headers


def test_a_signed_address_is_asked_for_anew_for_each_range(hub_and_cdn: tuple[Origin, Origin]) -> None:
    """N23."""
    hub, _ = hub_and_cdn
    for _ in range(2):
        fetched("huggingface", hub.url, REVISION, {})
    assert len(hub.requests) == 2


def test_the_token_of_the_hubs_own_client_is_used_where_it_signed_in(
    hub_and_cdn: tuple[Origin, Origin], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("planted-login")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    hub, _ = hub_and_cdn
    fetched("huggingface", hub.url, REVISION, {}, token_env="HF_TOKEN")
    assert hub.requests[0].headers["authorization"] == "Bearer planted-login"
