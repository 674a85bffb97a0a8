"""Bringing files to another hub: its manifest first, then each file in parts, from where the other has it."""

import json
import time
from dataclasses import dataclass, field
from random import Random
from typing import BinaryIO, ClassVar, Self
from urllib.parse import quote, urlsplit

from indextts_hub.errors import Lied, Refused, SourceError
from indextts_hub.manifest import Manifest
from indextts_hub.sources import Context, RemoteFile
from indextts_hub.sources.hub import Mirror
from indextts_hub.sources.transport import Request, Transport
from indextts_hub.transfer.pacing import Bucket, backoff

__all__ = ["HubDestination"]

# At 50 KB/s a part takes as long as the other side waits for one; less at a time would cost a fast link its speed.
PART = 4 << 20
# Tries without a byte of progress; between them a link has time to come back.
TRIES = 5
# The other side hashes a whole file before it answers its last part.
IDLE_SECONDS = 600.0


@dataclass(slots=True)
class HubDestination:
    """A version on another hub."""

    mirror: str
    base: str
    manifest: Manifest
    secrets: dict[str, str] = field(repr=False)
    transport: Transport = field(repr=False)
    pace: Bucket = field(repr=False)
    announced: bool = False
    verifies: ClassVar[bool] = True

    @classmethod
    def connect(cls, name: str, mirror: Mirror, version: str, manifest: Manifest) -> Self:
        """The destination of a version; nothing is sent yet.

        Raises:
            UsageError: E_SECRET, if the variable of the key is not set.
        """
        context = Context(idle_seconds=IDLE_SECONDS)
        secrets = {"Authorization": f"Bearer {context.secret(mirror.token_env, name).value}"} if mirror.token_env else {}
        transport = Transport(frozenset({urlsplit(mirror.endpoint).hostname or ""}), context.idle_seconds)
        base = f"{mirror.endpoint.rstrip('/')}/hub/versions/{version}/sha256/{manifest.digest}"
        return cls(name, base, manifest, secrets, transport, Bucket(mirror.limit_rate))

    def put(self, file: RemoteFile, blob: BinaryIO) -> int:
        """Send what the other hub has not of a file; when it has all of it, it has verified it."""
        self._announce()
        url, moved, failures, here = f"{self.base}/files/{quote(file.path)}", 0, 0, self._here(file)
        while here < file.size:
            blob.seek(here)
            body = blob.read(min(PART, file.size - here))
            time.sleep(self.pace.wait_for(len(body)))
            extent = {"Content-Range": f"bytes {here}-{here + len(body) - 1}/{file.size}"}
            try:
                here = self._number(Request(self.mirror, url, extent, self.secrets, body=body, method="PUT"), file)
            except (Refused, Lied):
                raise
            except SourceError:
                failures += 1
                if failures == TRIES:
                    raise
                time.sleep(backoff(failures, Random()))  # noqa: S311 - when to try again is no secret
                here = self._here(file)
                continue
            moved, failures = moved + len(body), 0
        return moved

    def finish(self, version: str, manifest: Manifest) -> None:  # noqa: ARG002 - it was made for them
        """Announce the version once more: what is there of it is laid out.

        Raises:
            SourceError: E_NOT_THERE, if the other hub lacks files all the same.
        """
        self.announced = False
        if missing := self._announce():
            raise SourceError(f"{self.mirror} has lost {missing} files of it again", remedy="run it again", code="E_NOT_THERE")

    def close(self) -> None:
        """Close the connections that lie idle."""
        self.transport.close()

    def _announce(self) -> int:
        if self.announced:
            return 0
        body = self._asked(Request(self.mirror, self.base, secrets=self.secrets, body=self.manifest.canonical(), method="PUT"))
        self.announced = True
        missing = body.get("missing")
        return len(missing) if isinstance(missing, list) else 0

    def _here(self, file: RemoteFile) -> int:
        return self._number(Request(self.mirror, f"{self.base}/files/{quote(file.path)}", secrets=self.secrets), file)

    def _number(self, request: Request, file: RemoteFile) -> int:
        here = self._asked(request).get("here")
        if not isinstance(here, int) or not 0 <= here <= file.size:
            raise Lied(f"{self.mirror} does not say how much of {file.path} it has", remedy="look whether it is a hub")
        return here

    def _asked(self, request: Request) -> dict[str, object]:
        try:
            answer = json.loads(self.transport.document(request))
        except ValueError:
            raise Lied(f"{self.mirror} does not answer in JSON", remedy="look whether it is a hub") from None
        return answer if isinstance(answer, dict) else {}
