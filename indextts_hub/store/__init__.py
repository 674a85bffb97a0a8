"""What was verified once stays right: blobs, manifests, snapshots, names and locks in one folder, the cache_hub.

The store needs no database, and importing it costs little: `list` and `path` start with it. See `docs/store.md`.
"""

from indextts_hub.store.blobs import BlobFinding, Blobs
from indextts_hub.store.gc import Collected, Collection, collect, plan_collection, remove_version
from indextts_hub.store.locks import Locks
from indextts_hub.store.manifests import Manifests
from indextts_hub.store.names import Alias, Names, NamesBook, Pin, Target
from indextts_hub.store.opening import Store, open_store
from indextts_hub.store.snapshots import Snapshot, Snapshots, SnapshotState

__all__ = [
    "Alias",
    "BlobFinding",
    "Blobs",
    "Collected",
    "Collection",
    "Locks",
    "Manifests",
    "Names",
    "NamesBook",
    "Pin",
    "Snapshot",
    "SnapshotState",
    "Snapshots",
    "Store",
    "Target",
    "collect",
    "open_store",
    "plan_collection",
    "remove_version",
]
