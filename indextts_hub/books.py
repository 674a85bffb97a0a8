"""What the hub writes down: events into the log, before an act is reported done, and the particulars into the database.

Importing this room costs nothing; the database's library is imported by the method that needs it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from indextts_hub.catalog import Version
from indextts_hub.errors import PolicyError, StorageError
from indextts_hub.manifest import Digest, Json, Manifest
from indextts_hub.store import Damage, Store
from indextts_hub.store.locks import who
from indextts_hub.transfer import Scores, TransferredFile

if TYPE_CHECKING:
    from indextts_hub.gate import Findings

__all__ = ["Books"]


@dataclass(frozen=True, slots=True)
class Books:
    """The log and the database of one hub."""

    store: Store
    database_url: str

    def log(
        self,
        act: str,
        subject: str,
        outcome: str = "done",
        details: Mapping[str, Json] | None = None,
        actor: str | None = None,
    ) -> None:
        """Write an event down; it is on the disk when this returns. Without an actor it was this process's user.

        Raises:
            Busy, IntegrityError, StorageError: it can't be written, and the act must not be reported done.
        """
        from indextts_hub.audit import AuditLog

        AuditLog(self.store.audit).append(act, subject, outcome=outcome, details=details, actor=actor)

    def held(self, findings: "Findings") -> "Findings":
        """What the gate found, held to the names that the signed catalogue lets pickles import as well.

        Raises:
            IntegrityError, StorageError: the signed catalogue is damaged.
        """
        from indextts_hub.catalog.signed import allowed_names

        names = allowed_names(self.store.root) if findings.imports else None
        return findings if names is None else findings.held_to(names)

    def let_in(self, digest: Digest, findings: "Findings") -> None:
        """Write down what the gate found in a file that is to come in, and hold it to the signed catalogue.

        Raises:
            UnsafeFile: E_PICKLE, if the signed catalogue lets in less than the gate.
            Busy, IntegrityError, StorageError: it can't be written down.
        """
        from indextts_hub.gate import assert_let_in

        held = self.held(findings)
        self.log_findings(digest, held)
        assert_let_in(held)

    def log_findings(self, digest: Digest, findings: "Findings", picklescan: str | None = None) -> None:
        """Write down what the gate found in a file; of one that holds nothing to look at, nothing.

        Args:
            picklescan: what it says, if it was asked.

        Raises:
            Busy, IntegrityError, StorageError: it can't be written.
        """
        from indextts_hub.gate import Form

        problem = findings.problem
        if problem is None and findings.form is Form.OTHER:
            return
        details: dict[str, Json] = {"sha256": digest, "form": str(findings.form), "imports": [*findings.imports]}
        if problem is not None:
            details |= {"problem": problem.what, "where": problem.where}
        if picklescan is not None:
            details["picklescan"] = picklescan
        self.log("scan", findings.path, "done" if problem is None else problem.code, details)

    def record_pull(
        self,
        name: str,
        manifest: Manifest,
        outcome: str,
        at: datetime,
        seconds: float,
        files: Sequence[TransferredFile],
        catalog: str,
    ) -> None:
        """Write a pull down: an event, and what each mirror gave.

        Args:
            outcome: `done`, or the code of the error.
            at: when it began.
            catalog: which catalogue said what the version is.

        Raises:
            Busy, IntegrityError, StorageError: it can't be written.
        """
        from indextts_hub.db import FileTransfer, PullRecord, open_database, record_pull

        fetched, wasted = sum(file.fetched for file in files), sum(file.wasted for file in files)
        mirrors: list[Json] = [*sorted({use.name for file in files for use in file.sources if use.bytes})]
        details: dict[str, Json] = {"files": len(files), "bytes_fetched": fetched, "mirrors": mirrors, "catalogue": catalog}
        self.log("pull", f"{name}@sha256:{manifest.digest}", outcome, details)
        transfers = tuple(
            FileTransfer(file.entry.path, file.entry.sha256, use.name, use.bytes, use.chunks, use.errors, use.ranges)
            for file in files
            for use in file.sources
        )
        record = PullRecord(at, who(), name, manifest.digest, outcome, seconds, manifest.size, fetched, wasted, transfers)
        with closing(open_database(self.database_url)) as database:
            record_pull(database, record)

    def is_accepted(self, digest: Digest) -> bool:
        """Whether somebody accepted the licence of a version here.

        Raises:
            Busy, StorageError: the database can't be used.
        """
        from indextts_hub.db import accepted_licenses, open_database

        with closing(open_database(self.database_url)) as database:
            return bool(accepted_licenses(database, digest))

    def hold_to_license(self, version: Version, *, accepts: bool) -> None:
        """Go on only if somebody accepted the licence, now or before; who did is written down once.

        Raises:
            PolicyError: E_LICENSE.
            Busy, IntegrityError, StorageError: it can't be written down.
        """
        from indextts_hub.db import AcceptedLicense, accept_license, accepted_licenses, open_database

        digest, terms = version.manifest.digest, version.license
        with closing(open_database(self.database_url)) as database:
            if accepted_licenses(database, digest):
                return
            if not accepts:
                raise PolicyError(
                    f"{version.name} comes under {terms.name}, which must be accepted: {terms.url or 'see `show`'}",
                    remedy=f"read it (`indextts-hub show {version.name}`), then pull with --accept-license",
                    code="E_LICENSE",
                )
            self.log("accept license", f"{version.name}@sha256:{digest}", details={"license": terms.name, "url": terms.url})
            accept_license(database, AcceptedLicense(datetime.now(UTC), who(), version.name, digest, terms.name[:255], terms.url))

    def check_database(self) -> Damage | None:
        """What is wrong with the database; None if nothing is."""
        from indextts_hub.db.rebuild import check_database

        try:
            check_database(self.database_url)
        except StorageError as error:
            return Damage("database", "the database", error.message, error.remedy)
        return None

    def rebuild_database(self) -> None:
        """Put a damaged database aside and begin a new one; the log's events are copied into it.

        Raises:
            Busy, StorageError: it can't be moved or made.
        """
        from indextts_hub.audit import AuditLog
        from indextts_hub.audit.search import copy_events
        from indextts_hub.db import open_database
        from indextts_hub.db.rebuild import put_database_aside

        put_database_aside(self.database_url, self.store.blobs.quarantine)
        with closing(open_database(self.database_url)) as database:
            copy_events(AuditLog(self.store.audit), database)

    @contextmanager
    def scores(self) -> Iterator[Scores]:
        """What is remembered of the mirrors; what is learned within is remembered at the end.

        Raises:
            Busy, StorageError: the database can't be used.
        """
        from indextts_hub.db import open_database
        from indextts_hub.transfer.remembered import remembered_scores

        with closing(open_database(self.database_url)) as database, remembered_scores(database) as scores:
            yield scores
