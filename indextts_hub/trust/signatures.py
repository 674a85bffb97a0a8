"""Ed25519 signatures over a document, in a DSSE envelope: who said that it is right.

The envelope: https://github.com/secure-systems-lab/dsse, as securesystemslib writes it. Keys are PEM files, as
`openssl genpkey -algorithm ed25519 -out KEY` and `openssl pkey -in KEY -pubout` write them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from indextts_hub.errors import IntegrityError, PolicyError, UsageError
from indextts_hub.manifest import canonical_json, load_strict_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.signer._key import Key

__all__ = ["Trust", "read_private_key", "read_public_key", "sign", "verify"]

LARGEST_ENVELOPE = 64 << 20
LARGEST_KEY = 1 << 16
_MAKE = "make one with `openssl genpkey -algorithm ed25519 -out KEY.pem`, and `openssl pkey -in KEY.pem -pubout -out KEY.pub`"


@dataclass(frozen=True, slots=True)
class Trust:
    """Who is believed.

    Attributes:
        keys: whose signatures count.
        revoked: keys whose signatures count no more, even if they are among `keys`.
        threshold: how many of the keys must have signed.
    """

    keys: tuple["Key", ...]
    revoked: tuple["Key", ...] = ()
    threshold: int = 1


def read_private_key(path: Path) -> "Ed25519PrivateKey":
    """Read an Ed25519 key to sign with, PEM without a password.

    Raises:
        UsageError: E_KEY.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_read(path), None)
    except (ValueError, TypeError):
        raise UsageError(f"{path} is no private key in PEM without a password", remedy=_MAKE, code="E_KEY") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path} is no Ed25519 key", remedy=_MAKE, code="E_KEY")
    return key


def read_public_key(path: Path) -> "Key":
    """Read an Ed25519 key to verify with, PEM.

    Raises:
        UsageError: E_KEY.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer._key import SSlibKey

    try:
        key = load_pem_public_key(_read(path))
    except ValueError:
        raise UsageError(f"{path} is no public key in PEM", remedy=_MAKE, code="E_KEY") from None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{path} is no Ed25519 key", remedy=_MAKE, code="E_KEY")
    public: Key = SSlibKey.from_crypto(key)
    return public


def sign(payload: bytes, kind: str, keys: Sequence["Ed25519PrivateKey"]) -> bytes:
    """An envelope around a document; the same keys over the same bytes give the same envelope.

    Args:
        kind: the document's media type, which is signed with it.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer._crypto_signer import CryptoSigner

    envelope = Envelope(payload, kind, {})
    for key in keys:
        envelope.sign(CryptoSigner(key))
    return canonical_json(envelope.to_dict())


def verify(envelope: bytes, kind: str, trust: Trust) -> tuple[bytes, tuple[str, ...]]:
    """Open an envelope that enough of the trusted keys have signed.

    Returns:
        the document, and the ids of the keys whose signatures counted.

    Raises:
        PolicyError: E_SIGNATURE, with how many signatures count and how many must.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import FormatError, VerificationError

    revoked = {key.keyid for key in trust.revoked}
    keys = list({key.keyid: key for key in trust.keys if key.keyid not in revoked}.values())
    if not 1 <= trust.threshold <= len(keys):
        raise PolicyError(
            f"{trust.threshold} signatures are wanted, and {len(keys)} keys are given that count",
            remedy="give as many --verify-key as signatures are wanted",
            code="E_SIGNATURE",
        )
    try:
        load_strict_json(envelope, largest=LARGEST_ENVELOPE)
        opened = Envelope.from_dict(json.loads(envelope))
        if opened.payload_type != kind:
            raise VerificationError
        accepted = opened.verify(keys, trust.threshold)
    except (VerificationError, FormatError, IntegrityError, ValueError, LookupError, TypeError, AttributeError):
        raise PolicyError(
            f"it is not signed by {trust.threshold} of the {len(keys)} keys that count",
            remedy="get it from who signs it, and verify with their key",
            code="E_SIGNATURE",
        ) from None
    return opened.payload, tuple(sorted(accepted))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_KEY)
    except OSError as error:
        raise UsageError(f"the key {path} can't be read: {error.strerror}", remedy=_MAKE, code="E_KEY") from None
