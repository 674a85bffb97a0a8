"""One life of a store, run as a process of its own that may be killed or failed at any system call.

    python -m tests.hub.store.life FOLDER

It pulls two versions that share a blob, moves an alias, writes the audit log, removes the older version and collects. It can be run
again on whatever an earlier run left, and then must come to the same end. Exits with the code of the error that it met.
"""

import sys
from pathlib import Path

from indextts_hub.audit import AuditLog
from indextts_hub.errors import HubError
from indextts_hub.manifest import Manifest
from indextts_hub.store import SnapshotState, Store, collect, open_store, remove_version
from tests.hub.store.shelf import manifest_of

OLD = {"config.yaml": b"version: 1\n", "model.bin": b"shared weights" * 1000}
NEW = {"config.yaml": b"version: 2\n", "model.bin": b"shared weights" * 1000, "sub/new.bin": b"new" * 1000}


def live(root: Path) -> None:
    """The whole life."""
    store = open_store(root)
    log = AuditLog(store.audit)
    old, new = manifest_of(OLD), manifest_of(NEW)
    if store.snapshots.state("v23", new) is not SnapshotState.COMPLETE:
        _pull(store, old, OLD)
        log.append("pull", "v23", details={"digest": old.digest})
        store.names.set_alias("stable", "v23", old.digest)
        _pull(store, new, NEW)
        log.append("pull", "v23", details={"digest": new.digest})
    store.names.set_alias("stable", "v23", new.digest)
    if store.snapshots.state("v23", old) is not SnapshotState.ABSENT or old.digest in store.manifests:
        remove_version(store, "v23", old.digest)
        log.append("remove", "v23", details={"digest": old.digest})
    collect(store)
    log.append("gc", "")


def _pull(store: Store, manifest: Manifest, bodies: dict[str, bytes]) -> None:
    with store.claim("v23", manifest, act="pull"):
        with store.locks.writing([file.sha256 for file in manifest.files], act="pull v23", wait=10):
            for file in manifest.files:
                if not store.blobs.has(file.sha256, file.size):
                    partial = store.partials / f"{file.sha256}.part"
                    partial.write_bytes(bodies[file.path])
                    store.blobs.commit(partial, file.sha256, file.size)
        store.snapshots.commit("v23", manifest)


if __name__ == "__main__":
    try:
        live(Path(sys.argv[1]))
    except HubError as error:
        sys.stderr.write(f"{error.code} {error.message}\n")
        sys.exit(error.exit_code)
    except OSError as error:  # the transfer's part of this life, which writes the partial with no words of its own
        sys.stderr.write(f"partial: {error}\n")
        sys.exit(6)
