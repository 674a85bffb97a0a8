"""Addresses are signed as the vendors' published examples are."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from indextts_hub.errors import UsageError
from indextts_hub.sources.context import Secret
from indextts_hub.sources.signing import SCHEMES, Signing, Terms, expiry, sign

POLICY = base64.b64encode(
    b'{"Statement":[{"Condition":{"DateGreaterThan":{"AWS:EpochTime":1600000000},"DateLessThan":{"AWS:EpochTime":1700000000}}}]}'
).decode()


def signed(scheme: str, url: str, key: str, now: int, **options: object) -> str:
    access_key = str(options.pop("access_key", ""))
    chosen = Signing.model_validate({"scheme": scheme, "key_env": "KEY", **options})
    return sign(url, Terms(chosen, Secret(key), now, "0", access_key))


@pytest.mark.parametrize(
    ("scheme", "path", "key", "now", "digest"),
    [
        ("aliyun-a", "/video/standard/1K.html", "aliyuncdnexp1234", 1444435200, "80cd3862d699b7118eed99103f2a3a4f"),
        (
            "aliyun-b",
            "/4/44/44c0909bcfc20a01afaf256ca99a8b8b.mp3",
            "aliyuncdnexp1234",
            1439596800,
            "9044548ef1527deadafa49a890a377f0",
        ),
        ("aliyun-c", "/test.flv", "aliyuncdnexp1234", 0x55CE8100, "a37fa50a5fb8f71214b1e7c95ec7a1bd"),
        ("aliyun-c-query", "/test.flv", "aliyuncdnexp1234", 0x55CE8100, "a37fa50a5fb8f71214b1e7c95ec7a1bd"),
        ("tencent-c", "/foo.jpg", "DvYmqE81E1F9R791H6lmht", 0x6694D30A, "6688749e8906a726c12fe1be3aacd016"),
        ("tencent-d", "/foo.jpg", "DvYmqE81E1F9R791H6lmht", 1721029907, "cadcec4a04e67b9c2abf4b61c642a0dd"),
    ],
)
def test_a_scheme_gives_its_published_digest(scheme: str, path: str, key: str, now: int, digest: str) -> None:
    assert digest in signed(scheme, f"https://cdn.example.com{path}", key, now)


def test_nginx_gives_its_documentations_digest() -> None:
    url = signed("nginx", "https://x/s/link", "secret", 2147483647 - 10, ttl=10, expression="{expires}{uri}127.0.0.1 {key}")
    assert url == "https://x/s/link?md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647"


@pytest.mark.parametrize(
    ("path", "key", "digest"),
    [
        ("/DIR1/dir2/vodfile.mp4", "12345678", "19eb212771e87cc3d478b9f32d6c7bf9"),
        ("/DIR1/中文/vodfile.mp4", "9388f4ba63b89bba5b9b84aa70a92eaac099d39b", "b4b7f94dd7817ce0283b5491861c3936"),
    ],
)
def test_qiniu_gives_its_published_digest(path: str, key: str, digest: str) -> None:
    assert f"sign={digest}&t=55bb9b80" in signed("qiniu-timestamp", f"https://x{path}?v=1.1", key, 0x55BB9B80 - 60, ttl=60)


def test_a_qiniu_token_stands_last_and_names_the_access_key() -> None:
    url = signed("qiniu-private", "http://x/a.jpg?v=1", "secret", 1451491200 - 60, ttl=60, access_key="AK")
    assert re.fullmatch(r"http://x/a\.jpg\?v=1&e=1451491200&token=AK:[\w-]{27}=", url)


def test_the_older_nginx_form_puts_the_digest_into_the_path() -> None:
    assert re.fullmatch(r"https://x/p/[0-9a-f]{32}/files/pdf/12", signed("nginx-path", "https://x/p/files/pdf/12", "secret", 0))


@pytest.mark.parametrize(
    ("url", "end"),
    [
        ("https://x/?X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400", datetime(2013, 5, 25, tzinfo=UTC)),
        ("https://x/?Expires=1700000000&Signature=s", datetime.fromtimestamp(1700000000, UTC)),
        ("https://x/?md5=m&expires=1700000000", datetime.fromtimestamp(1700000000, UTC)),
        ("https://x/?x-oss-expires=1700000000", datetime.fromtimestamp(1700000000, UTC)),
        ("https://x/?e=1700000000&token=t", datetime.fromtimestamp(1700000000, UTC)),
        ("https://x/?sign=s&t=6553f100", datetime.fromtimestamp(0x6553F100, UTC)),
        ("https://x/?auth_key=1444435200-0-0-aa", None),
        (f"https://x/?Policy={POLICY}&Signature=s&Key-Pair-Id=k", datetime.fromtimestamp(1700000000, UTC)),
        ("https://x/?Policy=rubbish", None),
        ("https://x/plain", None),
    ],
)
def test_what_an_address_says_of_its_end_is_read(url: str, end: datetime | None) -> None:
    assert expiry(url) == end


def test_cloudfront_verifies_what_was_signed() -> None:
    """The canned policy, signed by RSA with SHA-1, in CloudFront's own base64."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    url = signed("cloudfront", "https://d1.cloudfront.net/a.bin", pem, 1700000000 - 60, ttl=60, access_key="K2")
    query = dict(parse_qsl(urlsplit(url).query))
    assert (query["Expires"], query["Key-Pair-Id"]) == ("1700000000", "K2")
    policy = (
        b'{"Statement":[{"Resource":"https://d1.cloudfront.net/a.bin","Condition":{"DateLessThan":{"AWS:EpochTime":1700000000}}}]}'
    )
    signature = base64.b64decode(query["Signature"].translate(str.maketrans("-_~", "+=/")))
    key.public_key().verify(signature, policy, PKCS1v15(), SHA1())
    assert expiry(url) == datetime.fromtimestamp(1700000000, UTC)


def test_cloudfront_wants_an_rsa_key() -> None:
    with pytest.raises(UsageError, match="RSA"):
        signed("cloudfront", "https://x/", "topsecret", 0, access_key="K2")


def test_upyun_takes_the_middle_of_the_digest() -> None:
    middle = hashlib.md5(b"key&1700000000&/a/b.bin").hexdigest()[12:20]
    assert signed("upyun", "https://x/a/b.bin", "key", 1700000000 - 60, ttl=60) == f"https://x/a/b.bin?_upt={middle}1700000000"


@pytest.mark.parametrize("scheme", sorted(set(SCHEMES) - {"cloudfront"}))
def test_no_scheme_puts_the_key_into_the_address(scheme: str) -> None:
    assert "topsecret" not in signed(scheme, "https://x/p/a b/c.bin?x=1", "topsecret", 1700000000)
