"""The audit log: `audit/log.jsonl` of a store, one event a line, appended and never rewritten.

1.  An event is on the disk before the act is reported done: `append` returns after the sync.
2.  One writer at a time; each line names the digest of the one before.
3.  A line without its line feed was being written when the power went: nobody was told that it was done, so it is cut off
    before the next is written. Nothing else is ever removed.
4.  The log is read as bytes that anyone may have changed; `verify` says which line is the first that can't be.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from indextts_hub.audit.events import FIRST, LARGEST_LINE, AuditEvent, encode_event, line_digest, parse_event
from indextts_hub.audit.verify import Checkpoint, LogFinding, check_lines
from indextts_hub.errors import IntegrityError, NotFound
from indextts_hub.manifest import Digest, Json
from indextts_hub.store.blobs import open_regular
from indextts_hub.store.durable import sync_descriptor, sync_folder
from indextts_hub.store.locks import exclusive, who
from indextts_hub.store.trouble import storage_errors

__all__ = ["AuditLog", "assert_right"]

LOG = "log.jsonl"
# An append takes milliseconds; a queue of a hundred writers is through in a few seconds.
APPEND_WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The log in `folder`."""

    folder: Path

    @property
    def path(self) -> Path:
        """The file of events."""
        return self.folder / LOG

    def append(
        self,
        act: str,
        subject: str,
        *,
        outcome: str = "done",
        details: Mapping[str, Json] | None = None,
        actor: str | None = None,
        at: datetime | None = None,
    ) -> AuditEvent:
        """Write down that something was done or refused; when this returns, it is on the disk.

        Args:
            outcome: `done`, or the code of the error.
            details: whatever else is worth knowing; never a secret.
            actor: `user@host` of this process if None.
            at: now if None.

        Raises:
            StorageError: it could not be written; the act must not be reported done.
            IntegrityError: E_LOG, if the last line is damaged: nothing is written behind it.
            Busy: E_BUSY, if another process holds the log for longer than half a minute.
        """
        with self._writing() as file:
            last = self._last(file)
            event = AuditEvent(
                seq=0 if last is None else last[0].seq + 1,
                at=at or datetime.now(UTC),
                actor=actor or who(),
                act=act,
                subject=subject,
                outcome=outcome,
                details=details or {},
                previous=FIRST if last is None else last[1],
            )
            self._write(file, encode_event(event))
            return event

    def events(self) -> Iterator[AuditEvent]:
        """Every event from the first on, as far as the log reads; see `verify` for whether it is to be believed.

        Raises:
            IntegrityError: E_EVENT, at a line that is none.
            StorageError: as `storage_errors`.
        """
        for line in self.lines():
            yield parse_event(line)

    def lines(self, start: int = 0) -> Iterator[bytes]:
        """The bytes of every whole line, each with its line feed, as they stand in the file.

        Args:
            start: at which byte of the file a line begins.

        Raises:
            StorageError: as `storage_errors`.
        """
        for line in self._read(start):
            if line.endswith(b"\n"):
                yield line

    def verify(self, checkpoints: Sequence[Checkpoint] = ()) -> LogFinding:
        """Read every line and check it, its number and the chain, and that the log was what earlier checkpoints say.

        Raises:
            StorageError: the log can't be read.
        """
        return check_lines(self._read(), checkpoints)

    def _read(self, start: int = 0) -> Iterator[bytes]:
        try:
            file = open_regular(self.path)
        except NotFound:
            return
        with file, storage_errors(self.path), os.fdopen(os.dup(file.fileno()), "rb") as buffered:
            buffered.seek(start)
            while line := buffered.readline(LARGEST_LINE):
                yield line

    @contextmanager
    def _writing(self) -> Iterator[BinaryIO]:
        with (
            exclusive(self.folder / "log.lock", act="write the audit log", wait=APPEND_WAIT_SECONDS),
            storage_errors(self.path),
        ):
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
            new = not self.path.exists()
            with os.fdopen(os.open(self.path, flags, 0o644), "r+b", buffering=0) as file:
                if new:
                    sync_folder(self.folder)
                yield file

    def _last(self, file: BinaryIO) -> tuple[AuditEvent, Digest] | None:
        size = file.seek(0, os.SEEK_END)
        # Most lines are a few hundred bytes; only after a long one is more read.
        for length in (2**16, 2 * LARGEST_LINE):
            start = max(0, size - length)
            file.seek(start)
            whole, feed, torn = _read_whole(file, size - start).rpartition(b"\n")
            _, earlier_feed, line = whole.rpartition(b"\n")
            if earlier_feed or start == 0:
                break
        else:
            raise _damaged("it has a line longer than any event")
        if torn:
            file.truncate(size - len(torn))
        if not feed:
            return None
        try:
            return parse_event(line + b"\n"), line_digest(line + b"\n")
        except IntegrityError:
            raise _damaged("its last line is no event") from None

    def _write(self, file: BinaryIO, line: bytes) -> None:
        end = file.seek(0, os.SEEK_END)
        try:
            written = 0
            while written < len(line):
                written += file.write(line[written:])
            sync_descriptor(file.fileno())
        except OSError:
            # What was not synced was not done: the line goes, and if even that fails the next writer cuts what is torn.
            file.truncate(end)
            raise


def assert_right(finding: LogFinding) -> None:
    """Go on only with a log that is as it was written.

    Raises:
        IntegrityError: E_LOG.
    """
    if not finding.ok:
        raise IntegrityError(
            f"the audit log is wrong at event {finding.first_bad}: {finding.problem}",
            remedy="see `indextts-hub audit verify`; put the log back from a copy",
            code="E_LOG",
        )


def _read_whole(file: BinaryIO, size: int) -> bytes:
    parts = []
    while size > 0 and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _damaged(why: str) -> IntegrityError:
    return IntegrityError(
        f"the audit log is damaged: {why}",
        remedy="see `indextts-hub audit verify`; put the log back from a copy, or move it away to begin a new one",
        code="E_LOG",
    )
