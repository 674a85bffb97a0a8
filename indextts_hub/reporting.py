"""Reports on versions, and how two of them differ: a line over the store, the log and the database."""

from contextlib import closing

from indextts_hub.audit import AuditLog
from indextts_hub.audit.report import Report, gather
from indextts_hub.db import open_database
from indextts_hub.difference import Change, differences
from indextts_hub.hub import Hub
from indextts_hub.manifest import Json

__all__ = ["compare_versions", "report_on"]


def report_on(hub: Hub, reference: str) -> Report:
    """What is known of a version, be it here or only in the catalogue.

    Raises:
        NotFound: there is no such version.
        IntegrityError: E_LOG. StorageError: the log or the database can't be read.
    """
    listed, manifest, _ = hub.describe(reference)
    with closing(open_database(hub.database_url)) as database:
        return gather(AuditLog(hub.store.audit), database, hub.store, listed.version, manifest)


def compare_versions(before: Report, after: Report) -> dict[str, Json]:
    """What an auditor of `before` must look at anew in `after`: other bytes, other terms, files that the gate had no say in."""
    changed = [each for each in differences(before.manifest, after.manifest) if each.change is not Change.SAME]
    scans = {file.entry.path: file.scan for file in after.files}
    files: list[Json] = [
        {
            "path": each.path,
            "change": str(each.change),
            "before": None if each.before is None else each.before.sha256,
            "after": None if each.after is None else each.after.sha256,
            "scan": None if (scan := scans.get(each.path)) is None else scan.outcome,
        }
        for each in changed
    ]
    old, new = before.document(), after.document()
    terms: list[Json] = [
        {"what": key, "before": old[key], "after": new[key]}
        for key in ("engine", "license", "part_licenses")
        if old[key] != new[key]
    ]
    return {
        "before": {"version": before.name, "digest": before.manifest.digest},
        "after": {"version": after.name, "digest": after.manifest.digest},
        "files": files,
        "terms": terms,
    }
