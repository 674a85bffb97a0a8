"""Somebody who publishes a signed catalogue, and whoever would like to: the keys are at hand, so that anything can be signed."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.formats import encode_canonical
from securesystemslib.signer._crypto_signer import CryptoSigner
from securesystemslib.signer._key import SSlibKey

from indextts_hub.catalog.checking import manifest_name
from indextts_hub.catalog.reading import read_catalog
from indextts_hub.catalog.signed import Mark, read_mark
from indextts_hub.catalog.tree import read_tree
from indextts_hub.manifest import Json, canonical_json
from indextts_hub.store import open_store
from indextts_hub.trust.places import Carried, Folder, Place
from indextts_hub.trust.publishing import RoleKeys, begin, publish, rotate, sign_staged, stage_targets
from indextts_hub.trust.updating import Update, update

NOW = datetime.now(UTC).replace(microsecond=0)
YEAR = timedelta(days=365)
MONTH = timedelta(days=30)
BODY = b"weights"


@cache
def key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())


def public(name: str) -> SSlibKey:
    return SSlibKey.from_crypto(key(name).public_key())


def keys(*names: str, threshold: int = 1) -> RoleKeys:
    return RoleKeys(tuple(map(public, names)), threshold)


def catalogue(title: str = "one", body: bytes = BODY) -> dict[str, bytes]:
    """The documents of a catalogue with one version, `tiny`."""
    file: dict[str, Json] = {"path": "model.bin", "size": len(body), "sha256": sha256(body).hexdigest()}
    version: dict[str, Json] = {
        "title": title,
        "engine": "fastspeech2",
        "license": {"name": "MIT"},
        "sources": [{"mirror": "cdn"}],
        "files": [file],
    }
    document: dict[str, Json] = {
        "schema": 1,
        "mirrors": {"cdn": {"kind": "http", "base": "https://cdn.example.com"}},
        "versions": {"tiny": version},
    }
    text = canonical_json(document)
    found = read_catalog("a catalogue", lambda place, _: read_tree(text, place)).versions["tiny"]
    return {"mirrors.json": text, manifest_name("tiny"): found.manifest.canonical()}


class Publisher:
    """A folder that a catalogue is published from, by keys called `r1`, `r2` (both must sign roots), `t` and `online`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        begin(
            folder,
            {
                "root": keys("r1", "r2", threshold=2),
                "targets": keys("t"),
                "snapshot": keys("online"),
                "timestamp": keys("online"),
            },
            NOW + YEAR,
        )
        sign_staged(folder, [key("r1"), key("r2")])
        self.publish(catalogue())
        self.first_root = (folder / "metadata" / "1.root.json").read_bytes()

    def publish(
        self, documents: Mapping[str, bytes] | None = None, *more: str, fresh: timedelta = MONTH, expires: timedelta = YEAR
    ) -> None:
        if documents is not None:
            stage_targets(self.folder, documents, NOW + expires)
            sign_staged(self.folder, [key("t"), *map(key, more)], may_be_none=True)
        publish(self.folder, [key("online"), *map(key, more)], datetime.now(UTC), fresh)

    def rotate(
        self, role: str, add: tuple[str, ...] = (), remove: tuple[str, ...] = (), signed_by: tuple[str, ...] = ("r1", "r2")
    ) -> None:
        rotate(self.folder, role, [public(name) for name in add], [public(name).keyid for name in remove], None, NOW + YEAR)
        sign_staged(self.folder, [key(name) for name in signed_by])

    @property
    def place(self) -> Folder:
        return Folder(self.folder)

    def files(self) -> dict[str, bytes]:
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in self.folder.rglob("*.json")}

    def tampered(self, name: str, change: Callable[[dict[str, Json]], object], *signed_by: str) -> Carried:
        """A place that has other metadata under a name: its `signed` part changed, and signed again by these keys."""
        files = self.files()
        document = json.loads(files[name])
        change(document["signed"])
        body = encode_canonical(document["signed"]).encode()
        document["signatures"] = [CryptoSigner(key(who)).sign(body).to_dict() for who in signed_by]
        return Carried("a hostile place", files | {name: json.dumps(document).encode()})


class Client:
    """A store that trusts the publisher's first root."""

    def __init__(self, root: Path, publisher: Publisher) -> None:
        self.root = open_store(root).root
        self.publisher = publisher

    @property
    def mark(self) -> Mark | None:
        return read_mark(self.root)

    def update(self, place: Place | None = None, now: datetime | None = None) -> Update:
        mark = self.mark
        root = self.publisher.first_root if mark is None else None
        return update(self.root, place or self.publisher.place, mark, root, now or datetime.now(UTC))
