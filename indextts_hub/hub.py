"""The hub: its verbs, each a straight line over the rooms below. `Hub.pull` is the one to read first."""

import glob
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from indextts_hub.accounts import HubFile, Listed, PullOptions, PullReport, check_locked
from indextts_hub.books import Books
from indextts_hub.catalog import Catalog, Version, find_catalog, load_catalog
from indextts_hub.connections import Connections
from indextts_hub.errors import HubError, NotFound, PolicyError, UsageError
from indextts_hub.manifest import ByteCount, ChunkDigests, Digest, FileEntry, Manifest
from indextts_hub.reference import VersionRef
from indextts_hub.sources import huggingface
from indextts_hub.store import (
    Adoption,
    Alias,
    Collection,
    Damage,
    Pin,
    RepoPart,
    ScrubReport,
    Snapshot,
    Store,
    VersionFinding,
    admit,
    adopt,
    check_version,
    collect,
    find_damage,
    lay_out_again,
    look_at_version,
    mend_damage,
    open_store,
    plan_collection,
    put_aside_bad,
    remove_version,
    scrub,
    seed_partial,
)
from indextts_hub.transfer import (
    FilePlan,
    Plan,
    Progress,
    ScoresInMemory,
    Silent,
    TransferOptions,
    TransferredFile,
    transfer,
)

__all__ = ["Hub", "HubFile", "Listed", "PullOptions", "PullReport"]

# Files fetched together: each has a lock and a partial open, and many systems give a process 256 or 1,024 open files.
BATCH = 100


class Hub:
    """A store, a catalogue and what connects them. Opening is lazy: nothing is read before a verb needs it."""

    def __init__(
        self,
        cache_dir: Path | str | None = None,
        catalog: Path | str | None = None,
        *,
        database_url: str | None = None,
        wait: float = 600.0,
    ) -> None:
        """Args: `cache_dir`, `catalog`, `database_url` as in `Settings`, which fill in what is None; `wait` seconds for a lock."""
        if cache_dir is None or catalog is None or database_url is None:
            from indextts_hub.settings import Settings

            settings = Settings()
            cache_dir, catalog = cache_dir or settings.cache, catalog or settings.catalog
            database_url = database_url or settings.database_url
        self._root = Path(cache_dir)
        self._catalog = None if catalog is None else str(catalog)
        self.database_url = database_url or f"sqlite:///{self._root.absolute() / 'hub.sqlite3'}"
        self._wait = wait

    @cached_property
    def store(self) -> Store:
        """The store.

        Raises:
            StorageError: the folder is none, or can't be used.
        """
        return open_store(self._root)

    @cached_property
    def books(self) -> Books:
        """The log and the database."""
        return Books(self.store, self.database_url)

    @cached_property
    def catalog(self) -> Catalog:
        """The catalogue.

        Raises:
            UsageError: E_CATALOG.
        """
        return load_catalog(find_catalog(self._catalog, os.environ, self._root), self._root)

    def reread_catalog(self) -> None:
        """Forget what was read of the catalogue: it has become another one."""
        self.__dict__.pop("catalog", None)

    def pull(self, reference: str, options: PullOptions = PullOptions(), progress: Progress = Silent()) -> Snapshot:  # noqa: B008 - frozen values
        """Fetch what is missing of a version, verify it, and lay it out.

        Raises:
            HubError: see the exit codes; what arrived is kept, and a second call goes on from there.
        """
        return self.pull_reporting(reference, options, progress).snapshot

    def pull_reporting(self, reference: str, options: PullOptions, progress: Progress) -> PullReport:
        """As `pull`, with an account of what was done."""
        started, at = time.monotonic(), datetime.now(UTC)
        version = self._resolved(reference, options)
        manifest, name = version.manifest, version.name
        wanted = self._chosen(version, options)
        with self.store.claim(name, manifest, act="pull"):
            transferred: list[TransferredFile] = []
            findings, absent = self.books.let_in, self._absent(wanted)
            is_new = not self.store.snapshots.path(name, manifest.digest).exists()
            try:
                with self.books.scores() if absent else nullcontext(ScoresInMemory()) as scores:
                    for start in range(0, len(absent), BATCH):
                        with (
                            self._missing(name, absent[start : start + BATCH]) as missing,
                            self._planned(version, missing, options) as plan,
                        ):
                            moving = TransferOptions(options.jobs, options.rate)
                            for file in transfer(plan, self.store.partials, moving, scores, progress):
                                admit(self.store.blobs, file.path, file.entry.path, file.entry.sha256, file.entry.size, findings)
                                transferred.append(file)
                snapshot = self.store.snapshots.commit(name, manifest, {file.path for file in wanted})
            except HubError as error:
                self.books.record_pull(name, manifest, error.code, at, time.monotonic() - started, transferred, self.catalog.origin)
                raise
        fetched = {file.entry.sha256 for file in transferred}
        report = PullReport(
            snapshot,
            tuple(file for file in wanted if file.sha256 not in fetched),
            tuple(transferred),
            time.monotonic() - started,
        )
        if absent or is_new:
            self.books.record_pull(name, manifest, "done", at, report.seconds, transferred, self.catalog.origin)
        return report

    def plan(self, reference: str, options: PullOptions) -> list[HubFile]:
        """What a pull would fetch, without asking anybody."""
        version = self._resolved(reference, options)
        return [HubFile(file, self.store.blobs.has(file.sha256, file.size)) for file in self._chosen(version, options)]

    def list_versions(self, *, all_known: bool = False) -> Iterator[Listed]:
        """The versions in the store, by name; with `all_known` those too that the catalogue has and the store has not."""
        book = self.store.names.read()
        there = set()
        for name, digest in self.store.snapshots.list():
            there.add((name, digest))
            yield self._listed(name, self.store.manifests.read(digest), book.aliases_of(digest), pinned=digest in book.pins)
        if all_known:
            for version in self.catalog.versions.values():
                if (version.name, version.manifest.digest) not in there:
                    yield self._listed(version.name, version.manifest, version.aliases, pinned=False)

    def revocation(self, name: str, digest: Digest) -> str | None:
        """Why the catalogue does not want a version to be used any more; None if it has nothing against it."""
        known = self.catalog.versions.get(name)
        return known.revoked.get(digest) if known else None

    def snapshot(self, reference: str) -> Snapshot:
        """A version as it lies in the store.

        Raises:
            NotFound: E_NO_SNAPSHOT, with the command that fetches it.
        """
        name, digest = self.locate(reference)
        return self.store.snapshots.get(name, digest)

    def locate(self, reference: str) -> tuple[str, Digest]:
        """The name and digest of a version in the store that a reference means: an alias, a name, a name and a digest.

        Raises:
            NotFound: E_NO_SNAPSHOT or E_NO_VERSION.
        """
        ref = VersionRef.parse(reference)
        prefix = ref.digest_prefix or ""
        if (alias := self.store.names.read().aliases.get(ref.name)) and alias.target.digest.startswith(prefix):
            return alias.target.version, alias.target.digest
        known = self.catalog.versions
        name = next((v.name for v in known.values() if ref.name == v.name or ref.name in v.aliases), ref.name)
        found = [digest for at, digest in self.store.snapshots.list() if at == name and digest.startswith(prefix)]
        if not found:
            if name not in known:
                self.catalog.version(name)  # raises, with the nearest name
            raise NotFound(f"{ref} is not in the store", remedy=f"get it with `indextts-hub pull {ref}`", code="E_NO_SNAPSHOT")
        current = known[name].manifest.digest if name in known else None
        newest = max(found, key=lambda digest: self.store.snapshots.path(name, digest).stat().st_mtime)
        return name, current if current in found else newest

    def describe(self, reference: str) -> tuple[Listed, Manifest, Version | None]:
        """What a version is, from the store or, where it is not there, from the catalogue."""
        try:
            name, digest = self.locate(reference)
            manifest = self.store.manifests.read(digest)
        except NotFound:
            version = self._version(VersionRef.parse(reference))
            return self._listed(version.name, version.manifest, version.aliases, pinned=False), version.manifest, version
        book = self.store.names.read()
        known = self.catalog.versions.get(name)
        return self._listed(name, manifest, book.aliases_of(digest), pinned=digest in book.pins), manifest, known

    def look(self, references: Sequence[str]) -> list[VersionFinding]:
        """Look at the names and sizes of some versions' files, or of all."""
        return [look_at_version(self.store, name, digest) for name, digest in self.located(references)]

    def verify(self, references: Sequence[str], hashed: Callable[[int], None] = lambda _: None) -> list[VersionFinding]:
        """Hash every file of some versions again, or of all. In a store that can't be written no event is."""
        findings = [check_version(self.store, name, digest, hashed) for name, digest in self.located(references)]
        if self.store.can_be_written():
            for finding in findings:
                self.books.log("verify", f"{finding.version}@sha256:{finding.digest}", "done" if finding.ok else "E_INTEGRITY")
        return findings

    def put_aside(self, findings: Iterable[VersionFinding]) -> None:
        """Take the bad blobs that `verify` found out of use: their versions are degraded until they are mended."""
        bad = [file for finding in findings for file in finding.files if not file.ok]
        if bad and self.store.can_be_written():
            for digest in put_aside_bad(self.store, bad):
                self.books.log("quarantine", digest)

    def repair(self, findings: Iterable[VersionFinding], options: PullOptions, progress: Progress) -> list[PullReport]:
        """Put bad blobs aside and fetch what is bad of them: only the bad chunks, where chunks have digests.

        Every version that has one of these blobs is mended.
        """
        reports = []
        for finding in findings:
            if finding.ok:
                continue
            reference = f"{finding.version}@sha256:{finding.digest}"
            aside = put_aside_bad(self.store, finding.files)
            for file in self._version(VersionRef.parse(reference)).manifest.files:
                if file.sha256 in aside:
                    seed_partial(self.store, aside[file.sha256], file)
            here = tuple(glob.escape(file.path) for file in finding.files)
            # Whoever has the version accepted its licence when it was pulled.
            chosen = replace(options, include=here, exclude=(), locked=None, accept_license=True)
            reports.append(self.pull_reporting(reference, chosen, progress))
            lay_out_again(self.store, {file.expected for file in finding.files if not file.ok})
        return reports

    def adopt(self, reference: str, folder: Path) -> Adoption:
        """Take over what a folder, of checkpoints or a Hugging Face cache, has of a version; the folder stays as it is."""
        version = self._version(VersionRef.parse(reference))
        adoption = adopt(self.store, version.name, version.manifest, folder, wait=self._wait, told=self.books.let_in)
        self.books.log("adopt", f"{version.name}@sha256:{version.manifest.digest}", details={"files": len(adoption.adopted)})
        return adoption

    def scrub(self, budget: float) -> ScrubReport:
        """Hash blobs again for `budget` seconds, those longest not looked at first; bad ones are put aside."""
        report = scrub(self.store, budget=budget)
        self.books.log("scrub", "store", "E_INTEGRITY" if report.bad else "done", {"blobs": report.checked, "bad": len(report.bad)})
        return report

    def damage(self) -> tuple[Damage, ...]:
        """What is lost, damaged or out of place, in the store and in the database; bytes are `verify`'s."""
        database = self.books.check_database()
        return (*find_damage(self.store), *([database] if database else []))

    def mend(self) -> None:
        """Mend what can be mended from what is left; `damage` then says what can't."""
        mend_damage(self.store, [version.manifest for version in self.catalog.versions.values()])
        if self.books.check_database():
            self.books.rebuild_database()
        self.books.log("doctor --rebuild", "store")

    def hugging_face_cache(self, reference: str) -> Path:
        """A version as a cache of the Hugging Face client: the folder for HF_HUB_CACHE.

        Raises:
            NotFound: E_NO_REPO, if the catalogue knows no Hugging Face repository of it.
        """
        snapshot = self.snapshot(reference)
        known = self.catalog.versions.get(snapshot.version)
        parts = [
            RepoPart(str(part.at), source.repo, source.revision)
            for part in (known.parts if known is not None and known.manifest.digest == snapshot.digest else ())
            for source in part.sources
            if isinstance(source, huggingface.Entry)
        ]
        if not parts:
            raise NotFound(
                f"the catalogue knows no Hugging Face repository of {reference}",
                remedy=f"use the plain folder: `indextts-hub path {reference}`",
                code="E_NO_REPO",
            )
        return self.store.layouts.hugging_face(snapshot, list(dict.fromkeys(parts)))

    def known(self, reference: str) -> Version:
        """The catalogue's version that a reference means; NotFound: E_NO_VERSION, if it has none."""
        return self._version(VersionRef.parse(reference))

    def chunk_digests(self, reference: str, size: ByteCount) -> dict[Digest, ChunkDigests]:
        """The digests of each chunk of `size` bytes, of every file of a version in the store, hashed again from end to end.

        Raises:
            IntegrityError: E_INTEGRITY, if a file is not what the manifest says.
        """
        manifest = self.store.manifests.read(self.locate(reference)[1])
        return {digest: self.store.blobs.chunk_digests(digest, size) for digest, _ in manifest.blobs()}

    def pin(self, reference: str) -> Pin:
        """Keep a version from being collected."""
        name, digest = self.locate(reference)
        pin = self.store.names.pin(name, digest)
        self.books.log("pin", f"{name}@sha256:{digest}")
        return pin

    def unpin(self, reference: str) -> None:
        """Let a version be collected again."""
        name, digest = self.locate(reference)
        self.store.names.unpin(digest)
        self.books.log("unpin", f"{name}@sha256:{digest}")

    def set_alias(self, alias: str, reference: str) -> Alias:
        """Make an alias name a version that is in the store."""
        name, digest = self.locate(reference)
        moved = self.store.names.set_alias(alias, name, digest)
        self.books.log("alias set", alias, details={"version": name, "digest": digest})
        return moved

    def remove_alias(self, alias: str) -> None:
        """Forget an alias."""
        self.store.names.remove_alias(alias)
        self.books.log("alias rm", alias)

    def roll_back_alias(self, alias: str) -> Alias:
        """Make an alias name what it named before."""
        moved = self.store.names.roll_back_alias(alias)
        self.books.log("alias rollback", alias, details={"version": moved.target.version, "digest": moved.target.digest})
        return moved

    def lock(self) -> dict[str, Digest]:
        """The digest of each version in the store, the catalogue's own where there are several."""
        return dict(sorted((name, self.locate(name)[1]) for name in {name for name, _ in self.store.snapshots.list()}))

    def outdated(self) -> list[tuple[str, Digest, Digest]]:
        """Versions in the store whose digest in the catalogue is another: name, what is here, what there is."""
        known = self.catalog.versions
        here = self.lock()
        return [
            (name, digest, known[name].manifest.digest)
            for name, digest in here.items()
            if name in known and known[name].manifest.digest != digest
        ]

    def remove(self, reference: str) -> None:
        """Take a version's files away; `gc` frees the space."""
        name, digest = self.locate(reference)
        remove_version(self.store, name, digest)
        self.books.log("remove", f"{name}@sha256:{digest}")

    def gc(self, *, dry_run: bool = False, keep: int | None = None) -> Collection:
        """Collect what no version needs; `keep`: of each name, all but so many of the newest versions too."""
        if dry_run:
            return plan_collection(self.store, keep=keep)
        collected = collect(self.store, keep=keep)
        self.books.log("gc", "store", details={"freed_bytes": collected.freed_bytes, "versions": [*collected.versions]})
        return collected

    def located(self, references: Sequence[str]) -> list[tuple[str, Digest]]:
        """As `locate` for each; all versions in the store, if none is named."""
        return [self.locate(reference) for reference in references] or list(self.store.snapshots.list())

    def _resolved(self, reference: str, options: PullOptions) -> Version:
        """The catalogue's version that a reference means, held to the lock file and the licence."""
        version = self._version(VersionRef.parse(reference))
        if not self.store.snapshots.path(version.name, version.manifest.digest).exists():
            self.catalog.check_fresh(datetime.now(UTC))
        if options.locked is not None:
            check_locked(version, options.locked)
        if reason := version.revoked.get(version.manifest.digest):
            raise PolicyError(f"{version.name} was revoked: {reason}", remedy="pull another version", code="E_REVOKED")
        if version.accept and not options.offline:
            self.books.hold_to_license(version, accepts=options.accept_license)
        return version

    def _version(self, ref: VersionRef) -> Version:
        alias = self.store.names.read().aliases.get(ref.name)
        version = self.catalog.version(alias.target.version if alias else ref.name)
        pinned = alias.target.digest if alias else Digest(ref.digest_prefix or "")
        if not version.manifest.digest.startswith(pinned):
            raise NotFound(
                f"{ref} is not what the catalogue has: {version.name}@sha256:{version.manifest.digest[:12]}",
                remedy="use a catalogue that has it, or import a bundle of it",
                code="E_NO_VERSION",
            )
        return version

    def _chosen(self, version: Version, options: PullOptions) -> list[FileEntry]:
        chosen = [file for file in version.manifest.files if options.chooses(file.path)]
        if not chosen:
            raise UsageError("no file of the version is chosen", remedy="look at --include and --exclude", code="E_NOTHING_CHOSEN")
        return chosen

    def _absent(self, wanted: Iterable[FileEntry]) -> list[FileEntry]:
        """What is not here, each content once."""
        return list({file.sha256: file for file in wanted if not self.store.blobs.has(file.sha256, file.size)}.values())

    @contextmanager
    def _missing(self, name: str, absent: Sequence[FileEntry]) -> Iterator[list[FileEntry]]:
        """What is still not here; nobody else fetches it meanwhile."""
        with self.store.locks.writing((file.sha256 for file in absent), act=f"pull {name}", wait=self._wait):
            # Somebody else may have brought it while this process waited.
            yield self._absent(absent)

    @contextmanager
    def _planned(self, version: Version, missing: Sequence[FileEntry], options: PullOptions) -> Iterator[Plan]:
        """The files to fetch, each with the sources that may have it."""
        if missing and options.offline:
            raise PolicyError(
                f"{len(missing)} files of {version.name} are not here, and --offline forbids to fetch them",
                remedy="import a bundle with `indextts-hub import FILE`, or pull without --offline",
                code="E_OFFLINE",
            )
        with Connections(self.catalog, options.sources) as connections:
            yield Plan(tuple(FilePlan(file, connections.of(version, file)) for file in missing))

    def _listed(self, name: str, manifest: Manifest, aliases: Sequence[str], *, pinned: bool) -> Listed:
        return Listed(
            name,
            manifest.digest,
            tuple(aliases),
            pinned,
            manifest.engine,
            manifest.size,
            self.store.snapshots.state(name, manifest),
            self.store.snapshots.path(name, manifest.digest),
        )
