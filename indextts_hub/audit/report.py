"""What is known of one version, from the log and the database: which bytes, from where, let in by whom, and what they spoke.

The same state gives the same report: nothing of the moment of asking is in it. What the log says counts; the database adds the
particulars of transfers and syntheses.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from indextts_hub.audit.events import AuditEvent
from indextts_hub.audit.log import AuditLog, assert_right
from indextts_hub.db import AcceptedLicense, Database, FileTransfer, PullRecord, accepted_licenses, pulls_of
from indextts_hub.db.tasks import Utterance, utterances_of
from indextts_hub.manifest import Digest, FileEntry, Json, License, Manifest
from indextts_hub.store import Store

__all__ = ["FileOrigin", "Report", "gather"]


@dataclass(frozen=True, slots=True)
class FileOrigin:
    """One file of a version.

    Attributes:
        present: whether it is in the store.
        transfers: what each mirror gave of it, with the moment of each pull, the first first.
        scan: what the gate found in it last; None if it holds nothing to look at, or came before there was a gate.
    """

    entry: FileEntry
    present: bool
    transfers: tuple[tuple[str, FileTransfer], ...]
    scan: AuditEvent | None


@dataclass(frozen=True, slots=True)
class Report:
    """All of it.

    Attributes:
        events: those of the version, the first first.
        served: those that say when it began to be served under which name.
        lineage: those that say what was made of its files, or they of what, and what it took the place of.
        utterances: what it spoke and is still remembered, the first first.
        log_events, log_head: how long the log is, and the digest of its last line.
    """

    name: str
    manifest: Manifest
    accepted: tuple[AcceptedLicense, ...]
    files: tuple[FileOrigin, ...]
    events: tuple[AuditEvent, ...]
    served: tuple[AuditEvent, ...]
    lineage: tuple[AuditEvent, ...]
    utterances: tuple[Utterance, ...]
    log_events: int
    log_head: str

    def signatures(self) -> Iterator[dict[str, Json]]:
        """Who vouched for it: the keys that had signed the bundle it came in, the signed catalogue it was pulled by."""
        for event in self.events:
            signers, catalogue = event.details.get("signers"), event.details.get("catalogue")
            if signers:
                yield {"at": event.at.isoformat(), "act": event.act, "signers": signers}
            if isinstance(catalogue, str) and catalogue.startswith("signed:") and event.outcome == "done":
                yield {"at": event.at.isoformat(), "act": event.act, "catalogue": catalogue}

    def document(self) -> dict[str, Json]:
        """The report as JSON."""
        manifest = self.manifest
        return {
            "version": self.name,
            "digest": manifest.digest,
            "engine": manifest.engine,
            "size": manifest.size,
            "license": _license(manifest.license),
            "part_licenses": [{"at": part.at, **_license(part.license)} for part in manifest.parts],
            "accepted": [{"at": each.at.isoformat(), "by": each.by, "license": each.license} for each in self.accepted],
            "files": [_file(file) for file in self.files],
            "events": [_event(event) for event in self.events],
            "served": [_event(event) for event in self.served],
            "signatures": [*self.signatures()],
            "lineage": [_event(event) for event in self.lineage],
            "speech": [
                {"task": each.id, "at": each.created.isoformat(), "asker": each.asker, "audio_sha256": each.audio_sha256}
                for each in self.utterances
            ],
            "log": {"events": self.log_events, "head": self.log_head},
        }


def gather(log: AuditLog, database: Database, store: Store, name: str, manifest: Manifest) -> Report:
    """Gather what is known of a version.

    Raises:
        IntegrityError: E_LOG, if the log is damaged: nothing is reported from it then.
        StorageError: the log or the database can't be read.
    """
    finding = log.verify()
    assert_right(finding)
    version = f"{name}@sha256:{manifest.digest}"
    digests = {file.sha256 for file in manifest.files}
    events, served, lineage, scans = [], [], [], dict[str, AuditEvent]()
    for event in log.events():
        scanned = event.details.get("sha256")
        if event.subject == version:
            events.append(event)
        elif event.act == "scan" and isinstance(scanned, str) and scanned in digests:
            scans[scanned] = event
        elif event.act == "serve" and event.details.get("digest") == manifest.digest:
            served.append(event)
            if event.details.get("before") not in {None, manifest.digest}:
                lineage.append(event)
        elif event.act == "convert" and digests & {str(event.details.get("from")), str(event.details.get("to"))}:
            lineage.append(event)
    pulls = tuple(reversed(pulls_of(database, manifest.digest)))
    files = tuple(
        FileOrigin(file, store.blobs.has(file.sha256, file.size), tuple(_transfers(pulls, file.sha256)), scans.get(file.sha256))
        for file in manifest.files
    )
    accepted = tuple(accepted_licenses(database, manifest.digest))
    spoken = utterances_of(database, manifest.digest)
    return Report(
        name, manifest, accepted, files, tuple(events), tuple(served), tuple(lineage), spoken, finding.events, finding.head
    )


def _transfers(pulls: Iterable[PullRecord], sha256: Digest) -> Iterator[tuple[str, FileTransfer]]:
    for pull in pulls:
        for transfer in pull.transfers:
            if transfer.sha256 == sha256:
                yield pull.at.isoformat(), transfer


def _file(file: FileOrigin) -> Json:
    entry = file.entry
    gave: list[Json] = [
        {
            "at": at,
            "mirror": each.mirror,
            "bytes": each.bytes,
            "chunks": each.chunks,
            "errors": [*each.errors],
            "ranges": [[*extent] for extent in each.ranges],
        }
        for at, each in file.transfers
    ]
    scan: Json = None
    if file.scan is not None:
        scan = {"at": file.scan.at.isoformat(), "outcome": file.scan.outcome, "form": file.scan.details.get("form")}
    state = "present" if file.present else "absent"
    return {"path": entry.path, "size": entry.size, "sha256": entry.sha256, "state": state, "from": gave, "scan": scan}


def _license(terms: License) -> dict[str, Json]:
    return {"name": terms.name, "url": terms.url, "commercial": terms.commercial}


def _event(event: AuditEvent) -> Json:
    return {
        "seq": event.seq,
        "at": event.at.isoformat(),
        "actor": event.actor,
        "act": event.act,
        "subject": event.subject,
        "outcome": event.outcome,
        "details": dict(event.details),
    }
