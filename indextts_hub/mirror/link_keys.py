"""The keys that links are signed with: each is made from a secret of the store and a word that the database keeps of the link.

So whoever reads the database, or a backup of it, can sign nothing; whoever reads the store's folder has the files anyway.
"""

import hmac
import os
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.db.links import LinkRecord
from indextts_hub.errors import NotFound, StorageError
from indextts_hub.sources.context import Secret
from indextts_hub.store.blobs import open_regular
from indextts_hub.store.durable import write_durably
from indextts_hub.store.opening import KEY_OF_LINKS
from indextts_hub.store.trouble import storage_errors

__all__ = ["LinkKeys", "link_keys"]

BYTES = 32


@dataclass(frozen=True, slots=True)
class LinkKeys:
    """The keys of one store's links."""

    secret: Secret

    def of(self, link: LinkRecord) -> Secret:
        """The key of a link: HMAC-SHA-256 of its id and seed, 24 bytes of it as URL-safe base64."""
        made = hmac.digest(bytes.fromhex(self.secret.value), f"{link.id}.{link.seed}".encode(), "sha256")
        return Secret(urlsafe_b64encode(made[:24]).decode())


def link_keys(store: Path) -> LinkKeys:
    """The keys of the links of the store at this folder; its secret is made on first use.

    Raises:
        StorageError: E_KEY if the secret is damaged, else as `storage_errors`.
    """
    path = store / KEY_OF_LINKS
    try:
        with open_regular(path) as file, storage_errors(path):
            secret = file.read(BYTES + 1)
    except NotFound:
        secret = os.urandom(BYTES)
        write_durably(path, secret, mode=0o600)
    if len(secret) != BYTES:
        raise StorageError(f"{path} is no secret", remedy="put a copy of it back; or remove it, and all links end", code="E_KEY")
    return LinkKeys(Secret(secret.hex()))
