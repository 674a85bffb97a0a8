"""Whom to believe: signatures and the keys that make them."""

from indextts_hub.trust.signatures import Trust, read_private_key, read_public_key, sign, verify

__all__ = ["Trust", "read_private_key", "read_public_key", "sign", "verify"]
