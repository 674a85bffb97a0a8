"""What our sources sign, our links accept, and nothing that was changed on the way."""

import time
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indextts_hub.mirror.signed import SCHEMES, bare_path, check
from indextts_hub.sources.context import Secret
from indextts_hub.sources.signing import Signing, Terms, sign

KEY = Secret("planted-key")
NOW = 1_800_000_000
# Aliyun's type B counts minutes.
COARSE = 60


def signing(scheme: str, ttl: int = 1800) -> Signing:
    return Signing.model_validate({"scheme": scheme, "key_env": "K", "ttl": ttl})


def target(scheme: str, path: str = "/links/0123/folder/model%20%E4%B8%AD.bin", *, now: int = NOW, key: Secret = KEY) -> str:
    split = urlsplit(sign(f"http://hub{path}", Terms(signing(scheme), key, now, "b1946ac9")))
    return split.path + (f"?{split.query}" if split.query else "")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_a_source_signs_is_good_until_it_ends(scheme: str) -> None:
    asked = target(scheme)
    assert check(asked, signing(scheme), KEY, NOW) == "good"
    assert check(asked, signing(scheme), KEY, NOW + 1800 - COARSE) == "good"
    assert check(asked, signing(scheme), KEY, NOW + 1801) == "ended"
    assert check(asked, signing(scheme), Secret("another"), NOW) == "wrong"
    assert bare_path(urlsplit(asked).path) == "/links/0123/folder/model%20%E4%B8%AD.bin"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_another_path_with_the_same_signature_is_wrong(scheme: str) -> None:
    for old, new in (("model", "other"), ("0123", "0124"), ("/links", "/hub"), ("?", "?x=1&")):
        asked = target(scheme)
        if old in asked:
            assert check(asked.replace(old, new, 1), signing(scheme), KEY, NOW) == "wrong"


@pytest.mark.parametrize("scheme", SCHEMES)
@given(at=st.integers(0, 200), by=st.integers(1, 127))
def test_no_changed_character_is_accepted(scheme: str, at: int, by: int) -> None:
    asked = target(scheme)
    at %= len(asked)
    changed = asked[:at] + chr((ord(asked[at]) + by) % 128) + asked[at + 1 :]
    # What only encodes the same path otherwise is the same path.
    if changed.lower() != asked.lower():
        assert check(changed, signing(scheme), KEY, NOW) != "good"


@pytest.mark.parametrize("scheme", SCHEMES)
@given(junk=st.text(st.characters(codec="latin-1"), max_size=200))
def test_anything_at_all_may_be_asked(scheme: str, junk: str) -> None:
    assert check("/" + junk, signing(scheme), KEY, int(time.time())) == "wrong"


@pytest.mark.parametrize("scheme", [name for name in SCHEMES if name.startswith(("aliyun", "tencent"))])
def test_a_signature_from_the_future_does_not_live_longer(scheme: str) -> None:
    assert check(target(scheme, now=NOW + 3600), signing(scheme), KEY, NOW) == "ended"
    assert check(target(scheme, now=NOW + 120), signing(scheme), KEY, NOW) == "good"


def test_a_client_that_encodes_the_path_otherwise_is_understood() -> None:
    assert check(target("nginx").replace("%E4%B8%AD", "%e4%b8%ad"), signing("nginx"), KEY, NOW) == "good"
