"""Signing what the log is now, so that whoever keeps the note can prove later that it was changed.

The key signs for this store only and lies beside the log, readable by its owner. Whoever has it can sign anything; but not make
an old checkpoint, that somebody else keeps, agree with a log that was rewritten.
"""

import base64
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from indextts_hub.audit.log import AuditLog, assert_right
from indextts_hub.audit.verify import Checkpoint, VerifierKey, open_checkpoint
from indextts_hub.errors import IntegrityError, NotFound, StorageError
from indextts_hub.store.blobs import open_regular
from indextts_hub.store.durable import write_durably
from indextts_hub.store.trouble import storage_errors

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["LogKey", "log_key", "newest_checkpoint", "sign_checkpoint"]

KEY = "log.key"
CHECKPOINT = "checkpoint"
# Notes are a few hundred bytes; keys 32.
_LARGEST = 2**16


@dataclass(frozen=True, slots=True)
class LogKey:
    """The key that signs a store's checkpoints, and what others need to check them."""

    verifier: VerifierKey
    private: "Ed25519PrivateKey" = field(repr=False)

    def sign(self, checkpoint: Checkpoint) -> str:
        """The checkpoint as a signed note."""
        body = checkpoint.body()
        signature = base64.b64encode(self.verifier.hash() + self.private.sign(body.encode())).decode()
        return f"{body}\n— {self.verifier.name} {signature}\n"


def log_key(folder: Path) -> LogKey:
    """The key of the log in `folder`, made on first use.

    Raises:
        StorageError: E_KEY if it is damaged, else as `storage_errors`.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path = folder / KEY
    try:
        with open_regular(path) as file, storage_errors(path):
            secret = file.read(_LARGEST)
    except NotFound:
        secret = os.urandom(32)
        write_durably(path, secret, mode=0o600)
    if len(secret) != 32:
        raise StorageError(
            f"{path} is no key",
            remedy="put a copy of it back; or move it away for a new one, and tell those who keep checkpoints",
            code="E_KEY",
        )
    private = Ed25519PrivateKey.from_private_bytes(secret)
    public = private.public_key().public_bytes_raw()
    return LogKey(VerifierKey(f"indextts-hub/{hashlib.sha256(public).hexdigest()[:16]}", public), private)


def sign_checkpoint(log: AuditLog, key: LogKey) -> str:
    """Read the whole log and sign what it is now; return the signed note, which is also kept beside the log.

    Raises:
        IntegrityError: E_LOG, if the log is damaged or does not continue what was signed last: such a log is never signed.
        StorageError: as `storage_errors`.
    """
    last = newest_checkpoint(log, key)
    finding = log.verify([] if last is None else [last])
    assert_right(finding)
    note = key.sign(Checkpoint(key.verifier.name, finding.events, finding.root))
    write_durably(log.folder / CHECKPOINT, note.encode())
    return note


def newest_checkpoint(log: AuditLog, key: LogKey) -> Checkpoint | None:
    """What was signed last; None if nothing was.

    Raises:
        IntegrityError: E_CHECKPOINT, if what is kept was not signed by this key.
        StorageError: as `storage_errors`.
    """
    path = log.folder / CHECKPOINT
    try:
        with open_regular(path) as file, storage_errors(path):
            return open_checkpoint(file.read(_LARGEST).decode(), [key.verifier])
    except NotFound:
        return None
    except ValueError as error:
        raise IntegrityError(
            f"{path} is no checkpoint of this log: {error}",
            remedy="put a copy of it back, or ask those who keep one",
            code="E_CHECKPOINT",
        ) from None
