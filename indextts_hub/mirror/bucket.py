"""Putting files into a bucket: in parts, several at once; an upload that broke off goes on with the parts that are missing.

A part that is there already counts if its ETag is the MD5 of what belongs there, as most servers have it; where they have something
else it is sent again. Whether the object is right in the end, whoever called finds out by reading it.
"""

import hashlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, ClassVar

from indextts_hub.errors import Refused, SourceError
from indextts_hub.manifest import ByteCount, Manifest
from indextts_hub.sources.protocol import RemoteFile
from indextts_hub.sources.s3 import Entry, Mirror, bucket_client
from indextts_hub.transfer.pacing import Bucket

__all__ = ["BucketDestination"]

# S3 takes at least 5 MiB and at most 10,000 parts; 16 MiB are a second on a fast link, and four of them under way are 64 MiB.
PART = 16 << 20
MOST_PARTS = 9_000
# One part may take that long on a slow link: 16 MiB at 30 KB/s.
READ_SECONDS = 600


@dataclass(slots=True)
class BucketDestination:
    """A bucket. The client is made when something is first put."""

    mirror: str
    options: Mirror
    entry: Entry
    lock: threading.Lock = field(default_factory=threading.Lock)
    client: Any = None  # boto3 has no types
    verifies: ClassVar[bool] = False

    def put(self, file: RemoteFile, blob: BinaryIO) -> int:
        """Upload the blob, or what is missing of it."""
        with _refusals(self.mirror):
            self.client = self.client or bucket_client(self.options, read_timeout=READ_SECONDS)
            named = {"Bucket": self.options.bucket, "Key": self.entry.prefix + self.entry.locate(file)}
            size = part_size(file.size)
            if file.size <= size:
                self.client.put_object(**named, Body=blob.read(), Metadata={"sha256": file.sha256})
                return file.size
            return self._in_parts(named, file, blob, size)

    def finish(self, version: str, manifest: Manifest) -> None:
        """Nothing: the objects say it all."""

    def close(self) -> None:
        """Close the client's connections."""
        if self.client is not None:
            self.client.close()

    def _in_parts(self, named: dict[str, str], file: RemoteFile, blob: BinaryIO, size: int) -> int:
        upload, there = self._begun(named, file)
        pace, reading = Bucket(self.options.limit_rate), threading.Lock()

        def sent(number: int) -> tuple[dict[str, object], int]:
            with reading:
                blob.seek((number - 1) * size)
                body = blob.read(size)
            etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
            if there.get(number) == (etag, len(body)):
                return {"PartNumber": number, "ETag": f'"{etag}"'}, 0
            time.sleep(pace.wait_for(len(body)))
            told = self.client.upload_part(**named, UploadId=upload, PartNumber=number, Body=body)
            return {"PartNumber": number, "ETag": told["ETag"]}, len(body)

        pool = ThreadPoolExecutor(self.options.max_connections)
        try:
            done = list(pool.map(sent, range(1, -(-file.size // size) + 1)))
        finally:
            # What failed stops what has not begun; the parts that arrived stay for the next time.
            pool.shutdown(cancel_futures=True)
        self.client.complete_multipart_upload(**named, UploadId=upload, MultipartUpload={"Parts": [part for part, _ in done]})
        return sum(count for _, count in done)

    def _begun(self, named: dict[str, str], file: RemoteFile) -> tuple[str, dict[int, tuple[str, int]]]:
        """The upload to go on with and the parts it has, MD5 and size; a new one where there is none."""
        from botocore.exceptions import ClientError

        pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=named["Bucket"], Prefix=named["Key"])
        try:
            begun = [each for page in pages for each in page.get("Uploads", ()) if each["Key"] == named["Key"]]
        except ClientError:
            # Some servers have no list where nothing was ever begun, and some keys may put but not list: then all of it is sent.
            begun = []
        if not begun:
            return str(self.client.create_multipart_upload(**named, Metadata={"sha256": file.sha256})["UploadId"]), {}
        latest = max(begun, key=lambda each: each["Initiated"])["UploadId"]
        parts = self.client.get_paginator("list_parts").paginate(**named, UploadId=latest)
        found = (part for page in parts for part in page.get("Parts", ()))
        return str(latest), {part["PartNumber"]: (part["ETag"].strip('"'), part["Size"]) for part in found}


def part_size(size: ByteCount) -> int:
    """The size of a part: the same each time, so that an upload can be taken up again."""
    return max(PART, -(-size // MOST_PARTS))


@contextmanager
def _refusals(mirror: str) -> Iterator[None]:
    """What boto3 says, as a source's error; what it sent is never repeated."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

    try:
        yield
    except (NoCredentialsError, PartialCredentialsError):
        raise Refused(
            f"{mirror} wants credentials, and there are none", remedy="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from None
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))[:60]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status in {401, 403}:
            raise Refused(
                f"{mirror} refuses what is put there: {code!a}", remedy="check credentials and the right to write"
            ) from None
        raise SourceError(f"{mirror} would not take it: {code!a}", remedy="run it again: it goes on from there") from None
    except BotoCoreError as error:
        raise SourceError(
            f"{mirror} can't be reached: {type(error).__name__}", remedy="run it again: it goes on from there", code="E_CONNECT"
        ) from None
