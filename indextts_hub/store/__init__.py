"""What was verified once stays right: blobs, manifests, snapshots, names and locks in one folder, the cache_hub.

The store needs no database, and importing it costs little: `list` and `path` start with it. See `docs/store.md`.
"""

from indextts_hub.store.admission import Told, admit, begun_of, unheard
from indextts_hub.store.adoption import Adoption, adopt
from indextts_hub.store.blobs import BlobFinding, Blobs
from indextts_hub.store.check import (
    FileFinding,
    VersionFinding,
    check_blobs,
    check_version,
    look_at_version,
    put_aside_bad,
)
from indextts_hub.store.damage import Damage, find_damage, mend_damage
from indextts_hub.store.gc import Collected, Collection, collect, plan_collection, remove_version
from indextts_hub.store.layouts import Layouts, RepoPart
from indextts_hub.store.locks import Locks
from indextts_hub.store.manifests import Manifests
from indextts_hub.store.names import Alias, Names, NamesBook, Pin, Target
from indextts_hub.store.opening import Store, open_store
from indextts_hub.store.repair import BadRange, bad_ranges, lay_out_again, seed_partial
from indextts_hub.store.scrub import ScrubReport, scrub
from indextts_hub.store.snapshots import Snapshot, Snapshots, SnapshotState

__all__ = [
    "Adoption",
    "Alias",
    "BadRange",
    "BlobFinding",
    "Blobs",
    "Collected",
    "Collection",
    "Damage",
    "FileFinding",
    "Layouts",
    "Locks",
    "Manifests",
    "Names",
    "NamesBook",
    "Pin",
    "RepoPart",
    "ScrubReport",
    "Snapshot",
    "SnapshotState",
    "Snapshots",
    "Store",
    "Target",
    "Told",
    "VersionFinding",
    "admit",
    "adopt",
    "bad_ranges",
    "begun_of",
    "check_blobs",
    "check_version",
    "collect",
    "find_damage",
    "lay_out_again",
    "look_at_version",
    "mend_damage",
    "open_store",
    "plan_collection",
    "put_aside_bad",
    "remove_version",
    "scrub",
    "seed_partial",
    "unheard",
]
