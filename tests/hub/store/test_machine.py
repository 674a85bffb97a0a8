"""Whatever is pulled, removed, named, damaged, mended and collected in whatever order: the store is what a simple model says."""

import hashlib
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from indextts_hub.bundle import BundledVersion, ExportOptions, ImportOptions, export_bundle, import_bundle
from indextts_hub.errors import NotFound, PolicyError, UsageError
from indextts_hub.manifest import Digest, Manifest
from indextts_hub.store import (
    SnapshotState,
    adopt,
    check_version,
    collect,
    lay_out_again,
    open_store,
    plan_collection,
    put_aside_bad,
    remove_version,
)
from indextts_hub.transfer import Silent
from tests.hub.store.shelf import Shelf, manifest_of

BODIES = (b"one", b"two", b"three")
# Versions that share what they have: all ways to give two files two of three contents.
VERSIONS = {f"v{i}{j}": {"a": BODIES[i], "b": BODIES[j]} for i in range(3) for j in range(3)}
MANIFESTS = {name: manifest_of(files) for name, files in VERSIONS.items()}

names = st.sampled_from(sorted(VERSIONS))
aliases = st.sampled_from(["stable", "edge"])


class StoreMachine(RuleBasedStateMachine):
    """The model: which versions are here, which names point where, which contents are damaged on the disk."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.store = open_store(self.folder / "hub")
        self.shelf = Shelf(self.store)
        self.here: set[str] = set()
        self.aliases: dict[str, list[str]] = {}
        self.pins: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    @rule(name=names)
    def pull(self, name: str) -> None:
        with self.store.claim(name, MANIFESTS[name], act="pull"):
            for body in VERSIONS[name].values():
                self.shelf.blob(body)
            self.store.snapshots.commit(name, MANIFESTS[name])
        self.here.add(name)

    @rule(name=names)
    def take_over(self, name: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for path, body in VERSIONS[name].items():
                Path(folder, path).write_bytes(body)
            assert adopt(self.store, name, MANIFESTS[name], Path(folder), wait=1).missing == ()
        self.here.add(name)

    @precondition(lambda self: self.here)
    @rule(data=st.data())
    def export(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.here)))
        bundle = self.folder / f"{name}.tar"
        before = bundle.read_bytes() if bundle.exists() else None
        export_bundle(self.store, [BundledVersion(name, MANIFESTS[name])], [], bundle, ExportOptions(), Silent())
        assert before in {None, bundle.read_bytes()}

    @rule(name=names)
    def bring_back(self, name: str) -> None:
        bundle = self.folder / f"{name}.tar"
        if bundle.exists():
            import_bundle(self.store, bundle, ImportOptions(wait=1), 0, Silent())
            self.here.add(name)

    @rule(name=names)
    def remove(self, name: str) -> None:
        digest = MANIFESTS[name].digest
        try:
            remove_version(self.store, name, digest)
        except NotFound:
            assert name not in self.here
        except PolicyError:
            assert digest in self.named()
        else:
            assert digest not in self.named()
            self.here.remove(name)

    @rule()
    def collect_all(self) -> None:
        planned = plan_collection(self.store)
        assert collect(self.store) == planned
        assert {digest for digest, _ in self.store.blobs} == {f.sha256 for m in self.manifests() for f in m.files}
        assert plan_collection(self.store).removed == ()

    @rule(keep=st.integers(0, 1))
    def collect_old(self, keep: int) -> None:
        collect(self.store, keep=keep)
        if keep == 0:
            self.here = {name for name in self.here if MANIFESTS[name].digest in self.named()}

    @rule(alias=aliases, name=names)
    def point(self, alias: str, name: str) -> None:
        self.store.names.set_alias(alias, name, MANIFESTS[name].digest)
        trail = self.aliases.setdefault(alias, [])
        if trail[-1:] != [name]:
            trail.append(name)

    @rule(alias=aliases)
    def go_back(self, alias: str) -> None:
        try:
            self.store.names.roll_back_alias(alias)
        except NotFound:
            assert alias not in self.aliases
        except UsageError:
            assert len(self.aliases[alias]) == 1
        else:
            self.aliases[alias].pop()

    @precondition(lambda self: self.aliases)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        alias = data.draw(st.sampled_from(sorted(self.aliases)))
        self.store.names.remove_alias(alias)
        del self.aliases[alias]

    @rule(name=names, kept=st.booleans())
    def pin(self, name: str, kept: bool) -> None:
        if kept:
            self.store.names.pin(name, MANIFESTS[name].digest)
            self.pins.add(name)
        else:
            self.store.names.unpin(MANIFESTS[name].digest)
            self.pins.discard(name)

    @precondition(lambda self: self.here)
    @rule(data=st.data())
    def damage_and_mend(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.here)))
        body = data.draw(st.sampled_from(sorted(VERSIONS[name].values())))
        blob = self.store.blobs.path(Digest(hashlib.sha256(body).hexdigest()))
        blob.chmod(0o644)
        blob.write_bytes(body.upper())
        put_aside_bad(self.store, check_version(self.store, name, MANIFESTS[name].digest).files)
        assert self.store.snapshots.state(name, MANIFESTS[name]) is SnapshotState.DEGRADED
        lay_out_again(self.store, [self.shelf.blob(body)])

    @invariant()
    def what_is_here_is_whole(self) -> None:
        if not hasattr(self, "folder"):
            return
        assert {name for name, _ in self.store.snapshots.list()} == self.here
        for name in self.here:
            assert self.store.snapshots.state(name, MANIFESTS[name]) is SnapshotState.COMPLETE
            path = self.store.snapshots.path(name, MANIFESTS[name].digest)
            assert {file: (path / file).read_bytes() for file in VERSIONS[name]} == VERSIONS[name]
        book = self.store.names.read()
        assert {alias: entry.target.version for alias, entry in book.aliases.items()} == {a: t[-1] for a, t in self.aliases.items()}

    def named(self) -> set[Digest]:
        return {MANIFESTS[name].digest for name in (*self.pins, *(trail[-1] for trail in self.aliases.values()))}

    def manifests(self) -> list[Manifest]:
        return [MANIFESTS[name] for name in self.here]


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
