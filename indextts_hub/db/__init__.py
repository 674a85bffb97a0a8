"""The database: who pulled what from where, how mirrors did, who accepted which licence, and what was spoken.

Imported only where something is written to it or asked of it: importing SQLModel takes longer than `list` may take in all.
"""

from indextts_hub.db.history import (
    AcceptedLicense,
    FileTransfer,
    PullRecord,
    accept_license,
    accepted_licenses,
    pulls_of,
    record_pull,
    transfers_of_blob,
)
from indextts_hub.db.models import Event, LicenseAcceptance, MirrorScore, Pull, Task, Transfer
from indextts_hub.db.scores import MirrorRecord, read_mirror_records, write_mirror_records
from indextts_hub.db.session import Database, open_database, sqlite_url

__all__ = [
    "AcceptedLicense",
    "Database",
    "Event",
    "FileTransfer",
    "LicenseAcceptance",
    "MirrorRecord",
    "MirrorScore",
    "Pull",
    "PullRecord",
    "Task",
    "Transfer",
    "accept_license",
    "accepted_licenses",
    "open_database",
    "pulls_of",
    "read_mirror_records",
    "record_pull",
    "sqlite_url",
    "transfers_of_blob",
    "write_mirror_records",
]
