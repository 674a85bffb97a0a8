"""Mirrors of kind `s3`: a bucket, on AWS or anything that speaks its protocol.

boto3 signs each request for itself, so no address grows old. An ETag is no digest (of a multipart upload it is none at all) and is
never taken for one: the manifest's digests count.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from indextts_hub.errors import Lied, Refused, SourceError, TooSlow, UsageError
from indextts_hub.manifest import ByteCount
from indextts_hub.sources.context import Context
from indextts_hub.sources.protocol import Body, ByteRange, Description, EntryOptions, Limits, MirrorOptions, RemoteFile, Source
from indextts_hub.sources.transport import Waiting

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

__all__ = ["BucketSource", "Entry", "Mirror", "connect"]

# What S3 and its kin say when they want patience, and when the clocks differ.
PATIENCE = frozenset({"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling", "503", "500"})
CLOCK = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
ABSENT = frozenset({"NoSuchKey", "NoSuchBucket", "404"})


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

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, object]: ...  # noqa: N803
    def get_object(self, *, Bucket: str, Key: str, Range: str) -> dict[str, object]: ...  # noqa: N803
    def close(self) -> None: ...


@dataclass(slots=True)
class BucketSource:
    """A version in a bucket. The client is made when something is first asked: importing boto3 takes a quarter of a second."""

    mirror: str
    options: Mirror
    entry: Entry
    idle_seconds: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    client: Client | None = None

    @property
    def limits(self) -> Limits:
        """What the mirror bears."""
        return self.options.limits

    def describe(self, file: RemoteFile) -> Description:
        """Ask for the object's size."""
        with self._errors(file):
            size = self._client().head_object(Bucket=self.options.bucket, Key=self._key(file))["ContentLength"]
        return Description(ByteCount(int(str(size))), ranges=True)

    @contextmanager
    def open(self, file: RemoteFile, extent: ByteRange) -> Iterator[Body]:
        """Ask for the range; what comes must be that range of an object of the right size."""
        with self._errors(file):
            span = f"bytes={extent.start}-{extent.stop - 1}"
            answer = self._client().get_object(Bucket=self.options.bucket, Key=self._key(file), Range=span)
            said, wanted = str(answer.get("ContentRange", "")), f"bytes {extent.start}-{extent.stop - 1}/{file.size}"
            stream = answer["Body"]
            try:
                if said != wanted:
                    raise Lied(
                        f"{self.mirror} sends {said!a} of {file.path} where {wanted!a} was asked for",
                        remedy="use another mirror",
                        code="E_RANGE",
                    )
                yield _Stream(self.mirror, stream, extent.size)  # type: ignore[arg-type]
            finally:
                stream.close()  # type: ignore[attr-defined]

    def close(self) -> None:
        """Close the client's connections."""
        with self.lock:
            if self.client is not None:
                self.client.close()

    def _key(self, file: RemoteFile) -> str:
        return self.entry.prefix + self.entry.locate(file)

    def _client(self) -> Client:
        with self.lock:
            if self.client is None:
                self.client = _made(self.options, self.idle_seconds)
            return self.client

    @contextmanager
    def _errors(self, file: RemoteFile) -> Iterator[None]:
        """What boto3 raises, as a source's error."""
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        try:
            yield
        except ClientError as error:
            raise self._refusal(file, error) from None
        except (NoCredentialsError, PartialCredentialsError):
            raise Refused(
                f"{self.mirror} wants credentials, and there are none",
                remedy="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or `credentials: anonymous` in the catalogue",
            ) from None
        except (ReadTimeoutError, TimeoutError):
            raise TooSlow(f"{self.mirror} fell silent", remedy="try again, or use another mirror", code="E_IDLE") from None
        except (BotoCoreError, HTTPError, OSError) as error:
            raise SourceError(
                f"the connection to {self.mirror} broke: {error}"[:200], remedy="try again", code="E_CONNECTION"
            ) from None

    def _refusal(self, file: RemoteFile, error: "ClientError") -> SourceError:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in CLOCK:
            return Refused(
                f"{self.mirror} says that this machine's clock is wrong ({code})", remedy="set the clock, then try again"
            )
        if code in PATIENCE:
            return Waiting(f"{self.mirror} asks for patience ({code})", seconds=None)
        if code in ABSENT:
            return SourceError(f"{self.mirror} does not have {file.path} ({code})", remedy="use another mirror", code="E_NOT_THERE")
        if code == "InvalidRange":
            return Lied(
                f"{self.mirror} has less of {file.path} than the manifest says", remedy="use another mirror", code="E_RANGE"
            )
        if code in {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403", "401"}:
            return Refused(
                f"{self.mirror} refuses ({code})", remedy="check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's rights"
            )
        return SourceError(f"{self.mirror} answers {code or 'an error'}", remedy="use another mirror")


@dataclass(slots=True)
class _Stream:
    """What is left of a range in boto3's stream."""

    mirror: str
    stream: "_Readable"
    left: int

    def readinto(self, buffer: memoryview, /) -> int:
        """Read on, not beyond the range."""
        if not self.left:
            return 0
        body = self.stream.read(min(len(buffer), self.left))
        if not body:
            raise SourceError(
                f"{self.mirror} closed the connection {self.left} bytes too early", remedy="try again", code="E_TRUNCATED"
            )
        buffer[: len(body)] = body
        self.left -= len(body)
        return len(body)


class _Readable(Protocol):
    def read(self, amount: int) -> bytes: ...


def _made(options: Mirror, idle_seconds: float) -> Client:
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(
        signature_version=UNSIGNED if options.credentials == "anonymous" else None,
        connect_timeout=idle_seconds,
        read_timeout=idle_seconds,
        # The transfer decides what is tried again, and where.
        retries={"total_max_attempts": 1},
        max_pool_connections=options.max_connections,
        s3={"addressing_style": "path" if options.endpoint else "auto"},
        # No checksum that only AWS computes: every byte is held to the manifest.
        response_checksum_validation="when_required",
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
    return BucketSource(name, mirror, entry, context.idle_seconds)
