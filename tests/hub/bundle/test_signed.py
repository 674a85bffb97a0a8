"""Who said that a bundle is right: the keys that were asked for, enough of them, and nobody else; and nothing older than before."""

from pathlib import Path

import pytest

from indextts_hub.bundle.tar import header, padding
from indextts_hub.errors import HubError, PolicyError, StorageError, UsageError
from indextts_hub.trust import Trust, read_private_key, read_public_key, sign, verify
from tests.hub.bundle.carrier import FILES, NOW, Carrier, Signer, nothing_is_visible, trust


@pytest.fixture
def signers(tmp_path: Path) -> tuple[Signer, Signer, Signer]:
    return Signer(tmp_path), Signer(tmp_path), Signer(tmp_path)


def refuse(carrier: Carrier, wanted: Trust, code: str = "E_SIGNATURE") -> None:
    with pytest.raises(HubError) as refused:
        carrier.read(trust=wanted)
    assert refused.value.code == code
    assert nothing_is_visible(carrier.there)


def test_a_bundle_that_is_signed_by_enough_keys_is_taken_in(carrier: Carrier, signers: tuple[Signer, Signer, Signer]) -> None:
    ours, second, _ = signers
    carrier.write([carrier.version()], keys=(ours.private, second.private), created=NOW)
    report = carrier.read(trust=trust(*signers, threshold=2))
    assert report.signers == tuple(sorted((ours.public.keyid, second.public.keyid)))


def test_one_that_is_not_is_refused(carrier: Carrier, signers: tuple[Signer, Signer, Signer]) -> None:
    """B08: unsigned; by an unknown key; one of two; by a revoked key; by one key that is named twice."""
    ours, second, third = signers
    version = carrier.version()
    carrier.write([version])
    refuse(carrier, trust(ours))
    carrier.write([version], keys=(ours.private,), created=NOW)
    refuse(carrier, trust(second))
    refuse(carrier, trust(ours, second, threshold=2))
    refuse(carrier, trust(ours, second, revoked=[ours]))
    refuse(carrier, trust(ours, ours, threshold=2))
    carrier.write([version], keys=(ours.private, ours.private), created=NOW)
    refuse(carrier, trust(ours, third, threshold=2))


def test_a_signature_over_another_bundle_does_not_count(carrier: Carrier, signers: tuple[Signer, Signer, Signer]) -> None:
    ours = signers[0]
    carrier.write([carrier.version()], keys=(ours.private,), created=NOW)
    signed = carrier.bundle.read_bytes()
    carrier.write([carrier.version("v24", {**FILES, "x": b"x"})], keys=(ours.private,), created=NOW)
    other = carrier.bundle.read_bytes()
    start, stop = other.index(b"index.dsse.json"), other.index(b"blobs/sha256/")
    taken = signed[signed.index(b"index.dsse.json") : signed.index(b"blobs/sha256/")]
    carrier.bundle.write_bytes(other[:start] + taken + other[stop:])
    refuse(carrier, trust(ours), "E_BUNDLE")


def test_an_older_bundle_of_the_same_signer_is_no_news(carrier: Carrier, signers: tuple[Signer, Signer, Signer]) -> None:
    """B09: replaying last year's bundle does not bring last year's version back."""
    ours = signers[0]
    old, new = carrier.version(files={"a.bin": b"old"}), carrier.version(files={"a.bin": b"new"})
    carrier.write([new], keys=(ours.private,), created=NOW)
    carrier.read(trust=trust(ours))
    carrier.write([old], keys=(ours.private,), created=NOW - 1000)
    with pytest.raises(PolicyError) as refused:
        carrier.read(trust=trust(ours))
    assert refused.value.code == "E_ROLLBACK"
    assert carrier.read(trust=trust(ours), allow_older=True).added == 1
    carrier.write([old], keys=(ours.private,), created=NOW + 1000)
    carrier.read(trust=trust(ours))


def test_marks_that_are_damaged_are_said_to_be(carrier: Carrier, signers: tuple[Signer, Signer, Signer]) -> None:
    """S22."""
    carrier.write([carrier.version()], keys=(signers[0].private,), created=NOW)
    (carrier.there.root / "bundles.json").write_bytes(b"{")
    with pytest.raises(StorageError, match=r"bundles\.json"):
        carrier.read(trust=trust(signers[0]))


def test_an_envelope_holds_what_was_signed_and_is_the_same_each_time(signers: tuple[Signer, Signer, Signer]) -> None:
    ours = signers[0]
    envelope = sign(b"said", "text/x", [ours.private])
    assert envelope == sign(b"said", "text/x", [ours.private])
    assert verify(envelope, "text/x", trust(ours)) == (b"said", (ours.public.keyid,))
    with pytest.raises(PolicyError):
        verify(envelope, "text/y", trust(ours))
    for rubbish in (b"", b"{}", b"[]", envelope[:-5], envelope.replace(b"sig", b"gis")):
        with pytest.raises(PolicyError):
            verify(rubbish, "text/x", trust(ours))


def test_what_is_no_key_is_said_to_be_none(tmp_path: Path, signers: tuple[Signer, Signer, Signer]) -> None:
    (tmp_path / "rubbish.pem").write_bytes(b"-----BEGIN PRIVATE KEY-----\n")
    for read in (read_private_key, read_public_key):
        for place in (tmp_path / "rubbish.pem", tmp_path / "absent.pem"):
            with pytest.raises(UsageError, match="key"):
                read(place)
    with pytest.raises(UsageError, match="private"):
        read_private_key(signers[0].place)


def test_a_script_that_nobody_signed_can_not_be_slipped_into_a_signed_bundle(
    carrier: Carrier, signers: tuple[Signer, Signer, Signer]
) -> None:
    """B07: what people would run as `install_offline.sh` must be named by the index."""
    ours = signers[0]
    carrier.write([carrier.version()], keys=(ours.private,), created=NOW)
    body, evil = carrier.bundle.read_bytes(), b"#!/bin/sh\nexit 1\n"
    at = body.index(b"blobs/sha256/")
    carrier.bundle.write_bytes(body[:at] + header("install_offline.sh", len(evil)) + evil + bytes(padding(len(evil))) + body[at:])
    refuse(carrier, trust(ours), "E_BUNDLE")
