"""How new the newest signed bundle was: `bundles.json` in the store. Who signs v23 today does not sign last year's v23 as news.

For each signer and each version's name: when the newest bundle was made, and which digest it gave the name. An older bundle of the
same signer that gives the name another digest is refused; one that gives the same is harmless.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.bundle.contents import Contents
from indextts_hub.errors import NotFound, PolicyError, StorageError
from indextts_hub.manifest import Json, canonical_json
from indextts_hub.store import Store
from indextts_hub.store.blobs import open_regular
from indextts_hub.store.durable import write_durably
from indextts_hub.store.opening import BUNDLES
from indextts_hub.store.trouble import storage_errors

__all__ = ["Marks"]

LARGEST = 16 << 20


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one store."""

    store: Store

    def check(self, contents: Contents, signers: tuple[str, ...]) -> None:
        """Refuse a bundle that would bring an older state of a version back.

        Raises:
            PolicyError: E_ROLLBACK.
            StorageError: E_STORE_FORMAT, if the marks are damaged.
        """
        marks = self._read()
        for signer in signers:
            for version in contents.versions:
                created, digest = marks.get(signer, {}).get(version.name, (0, ""))
                if (contents.created or 0) < created and digest != version.manifest.digest:
                    raise PolicyError(
                        f"this bundle's {version.name} is older than the one that the same key signed before",
                        remedy="get the newest bundle; --allow-older takes this one all the same",
                        code="E_ROLLBACK",
                    )

    def advance(self, contents: Contents, signers: tuple[str, ...]) -> None:
        """Note what was taken in. A mark never goes back.

        Raises:
            StorageError: the disk would not take it.
        """
        if not signers:
            return
        with self.store.locks.roots(act="import"):
            marks = self._read()
            for signer in signers:
                for version in contents.versions:
                    known = marks.setdefault(signer, {})
                    known[version.name] = max(known.get(version.name, (0, "")), (contents.created or 0, version.manifest.digest))
            document: dict[str, Json] = {
                signer: {name: [created, digest] for name, (created, digest) in known.items()} for signer, known in marks.items()
            }
            write_durably(self._path, canonical_json({"schema": 1, "marks": document}))

    @property
    def _path(self) -> Path:
        return self.store.root / BUNDLES

    def _read(self) -> dict[str, dict[str, tuple[int, str]]]:
        try:
            with open_regular(self._path) as file, storage_errors(self._path):
                marks = json.loads(file.read(LARGEST))["marks"]
        except NotFound:
            return {}
        except (ValueError, LookupError, TypeError):
            raise StorageError(
                f"{self._path} is damaged: it can't be told which bundles are older than those that were taken in",
                remedy="put a copy of it back; or remove it, and the next bundle counts as the newest",
                code="E_STORE_FORMAT",
            ) from None
        return {str(s): {str(n): (int(mark[0]), str(mark[1])) for n, mark in known.items()} for s, known in marks.items()}
