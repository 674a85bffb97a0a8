"""The verbs that carry versions to other machines and take them in: a line over the bundle, the store and the log."""

import time
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from indextts_hub.bundle import (
    BundledVersion,
    ExportOptions,
    ExportReport,
    ImportOptions,
    ImportReport,
    LogState,
    export_bundle,
    import_bundle,
    whole,
)
from indextts_hub.connections import Connections
from indextts_hub.errors import HubError
from indextts_hub.hub import Hub
from indextts_hub.manifest import Json
from indextts_hub.metalink import LinkedFile, metalink
from indextts_hub.transfer import Progress

__all__ = ["export_versions", "import_versions", "metalink_of", "to_export"]


def to_export(hub: Hub, references: Sequence[str]) -> list[BundledVersion]:
    """Versions that are whole in the store.

    Raises:
        NotFound: E_NO_SNAPSHOT, E_NO_BLOB.
    """
    found = [hub.locate(reference) for reference in references]
    return [whole(hub.store, BundledVersion(name, hub.store.manifests.read(digest))) for name, digest in found]


def export_versions(
    hub: Hub,
    versions: Sequence[BundledVersion],
    bases: Sequence[BundledVersion],
    output: Path,
    options: ExportOptions,
    progress: Progress,
    *,
    witness: bool = False,
) -> ExportReport:
    """Write versions into a bundle, without the files that `bases` have, and write it down.

    Args:
        witness: put in what the audit log is now, so that whoever takes it in is a witness; the bundle is another each time then.

    Raises:
        NotFound, IntegrityError, StorageError: as `export_bundle`; nothing is written then.
    """
    if witness:
        options = replace(options, log=_log_state(hub))
    report = export_bundle(hub.store, versions, bases, output, options, progress)
    for version in versions:
        hub.books.log("export", f"{version.name}@sha256:{version.manifest.digest}", details={"bundle": report.digest})
    return report


def metalink_of(hub: Hub, reference: str) -> bytes:
    """A Metalink of a version, with the addresses that need no secret, and with pieces where chunk digests are known.

    Raises:
        NotFound: E_NO_ADDRESS, if a file has no such address.
    """
    version = hub.known(reference)
    with Connections(hub.catalog) as connections:
        return metalink([LinkedFile.of(file, connections.of(version, file)) for file in version.manifest.files])


def import_versions(hub: Hub, path: Path, options: ImportOptions, progress: Progress) -> ImportReport:
    """Take a bundle's versions in, and write down who let them in.

    Raises:
        HubError: as `import_bundle`; no version appears then.
    """
    try:
        report = import_bundle(hub.store, path, options, time.time(), progress, hub.books.let_in)
    except HubError as error:
        hub.books.log("import", path.name, error.code)
        raise
    details: dict[str, Json] = {"from": path.name, "signers": [*report.signers], "blobs_added": report.added}
    if report.log is not None:
        # Line feeds are not kept as they are in an event, and a note without them is none.
        details |= {"checkpoint": b64encode(report.log.checkpoint.encode()).decode(), "log_key": report.log.key}
    for each in report.snapshots:
        hub.books.log("import", f"{each.version}@sha256:{each.digest}", details=details)
    return report


def _log_state(hub: Hub) -> LogState:
    from indextts_hub.audit import AuditLog
    from indextts_hub.audit.checkpoints import log_key, sign_checkpoint

    log = AuditLog(hub.store.audit)
    key = log_key(log.folder)
    return LogState(sign_checkpoint(log, key), str(key.verifier))
