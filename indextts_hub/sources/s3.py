"""Mirrors of kind `s3`: a bucket, on AWS or anything that speaks its protocol.

boto3 signs each request for itself, so no address grows old, and the bytes come as from any web server. An ETag is no digest (of a
multipart upload it is none at all) and is never taken for one: the manifest's digests count.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol
from urllib.parse import urlsplit

from indextts_hub.errors import Refused, UsageError
from indextts_hub.manifest import ByteCount
from indextts_hub.sources.context import Context
from indextts_hub.sources.protocol import Body, ByteRange, Description, EntryOptions, Limits, MirrorOptions, RemoteFile, Source
from indextts_hub.sources.transport import Request, Transport

__all__ = ["BucketSource", "Entry", "Mirror", "bucket_client", "connect"]

# Each signature is used at once; the bound is for one that leaks.
SIGNED_SECONDS = 300


class Mirror(MirrorOptions):
    """`endpoint`: its address, AWS's own if there is none; `credentials`: from the environment, a `profile`, or none at all."""

    kind: Literal["s3"]
    bucket: str
    endpoint: str | None = None
    region: str | None = None
    credentials: Literal["env", "profile", "anonymous"] = "env"
    profile: str | None = None


class Entry(EntryOptions):
    """`prefix`: put in front of the path."""

    prefix: str = ""


class Client(Protocol):
    """What is used of boto3's client, which has no types."""

    def generate_presigned_url(self, ClientMethod: str, Params: dict[str, str], ExpiresIn: int) -> str: ...  # noqa: N803
    def close(self) -> None: ...


@dataclass(slots=True)
class BucketSource:
    """A version in a bucket. The client is made when something is first asked: importing boto3 takes a quarter of a second."""

    mirror: str
    options: Mirror
    entry: Entry
    transport: Transport
    lock: threading.Lock = field(default_factory=threading.Lock)
    client: Client | None = None

    @property
    def limits(self) -> Limits:
        """What the mirror bears."""
        return self.options.limits

    def describe(self, file: RemoteFile) -> Description:
        """Ask for the object's size."""
        with self._refusals():
            size = self.transport.size(self._request(file, "head_object"))
        return Description(None if size is None else ByteCount(size), ranges=True)

    @contextmanager
    def open(self, file: RemoteFile, extent: ByteRange) -> Iterator[Body]:
        """Ask for the range."""
        with self._refusals(), self.transport.open(self._request(file, "get_object"), extent, file.size) as answer:
            yield answer

    def address(self, file: RemoteFile) -> str | None:
        """The object's address, if the bucket is read without credentials."""
        if self.options.credentials != "anonymous":
            return None
        return self._request(file, "get_object").url

    def close(self) -> None:
        """Close the connections that lie idle."""
        self.transport.close()
        with self.lock:
            if self.client is not None:
                self.client.close()

    def _key(self, file: RemoteFile) -> str:
        return self.entry.prefix + self.entry.locate(file)

    def _request(self, file: RemoteFile, method: str) -> Request:
        from botocore.exceptions import NoCredentialsError, PartialCredentialsError

        with self.lock:
            self.client = self.client or bucket_client(self.options)
        named = {"Bucket": self.options.bucket, "Key": self._key(file)}
        try:
            return Request(self.mirror, self.client.generate_presigned_url(method, Params=named, ExpiresIn=SIGNED_SECONDS))
        except (NoCredentialsError, PartialCredentialsError):
            raise Refused(
                f"{self.mirror} wants credentials, and there are none",
                remedy="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or `credentials: anonymous` in the catalogue",
            ) from None

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """What a refusal means here."""
        try:
            yield
        except Refused as error:
            if "clock" not in error.remedy:
                error.remedy = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's rights"
            raise


def bucket_client(options: Mirror, *, read_timeout: float = 60.0) -> Client:
    """boto3's client for a bucket, which also lets files be put there."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(
        signature_version=UNSIGNED if options.credentials == "anonymous" else "s3v4",
        # The server then checks each part against the digest that is signed with it.
        s3={"addressing_style": "path" if options.endpoint else "auto", "payload_signing_enabled": True},
        # Newer clients add checksums in a form that many servers that only speak the protocol do not know.
        request_checksum_calculation="when_required",
        read_timeout=read_timeout,
    )
    session = boto3.Session(profile_name=options.profile if options.credentials == "profile" else None)
    client: Client = session.client("s3", endpoint_url=options.endpoint, region_name=options.region, config=config)
    return client


def connect(name: str, mirror: MirrorOptions, entry: EntryOptions, context: Context) -> Source:
    """Make the source of a version in a bucket.

    Raises:
        UsageError: E_CATALOG, if a profile is wanted and none is named.
    """
    assert isinstance(mirror, Mirror)  # noqa: S101 - the catalogue has checked them against this module's models
    assert isinstance(entry, Entry)  # noqa: S101
    if mirror.credentials == "profile" and not mirror.profile:
        raise UsageError(f"the mirror {name} wants a profile, and none is named", remedy="give it as `profile:`", code="E_CATALOG")
    transport = Transport(context.private_hosts | {urlsplit(mirror.endpoint or "").hostname or ""}, context.idle_seconds)
    return BucketSource(name, mirror, entry, transport)
