"""The hub: its verbs, each a straight line over the rooms below. `Hub.pull` is the one to read first."""

import fnmatch
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from indextts_hub.catalog import Catalog, Version, find_catalog, load_catalog
from indextts_hub.errors import HubError, IntegrityError, NotFound, PolicyError, UsageError
from indextts_hub.manifest import Digest, FileEntry, Json, Manifest
from indextts_hub.reference import VersionRef
from indextts_hub.sources import Context, RemoteFile, Source, connect
from indextts_hub.store import (
    Alias,
    Collection,
    Pin,
    Snapshot,
    SnapshotState,
    Store,
    VersionFinding,
    check_version,
    collect,
    look_at_version,
    open_store,
    plan_collection,
    put_aside_bad,
    remove_version,
    seed_partial,
)
from indextts_hub.transfer import (
    FilePlan,
    Plan,
    Progress,
    Scores,
    ScoresInMemory,
    Silent,
    TransferOptions,
    TransferredFile,
    transfer,
)

__all__ = ["Hub", "HubFile", "Listed", "PullOptions", "PullReport"]


@dataclass(frozen=True, slots=True)
class PullOptions:
    """How to pull.

    Attributes:
        include, exclude: globs over the files' paths; without `include` all files.
        sources: names of the mirrors that may be asked; empty: all.
        jobs: connections at once.
        rate: bytes a second over all of them, or None.
        offline: ask no mirror; only what is here counts.
        locked: the lock file that fixes the digests, or None.
        accept_license: the user accepts the licences that must be accepted.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    jobs: int = 16
    rate: int | None = None
    offline: bool = False
    locked: Path | None = None
    accept_license: bool = False

    def chooses(self, path: str) -> bool:
        """Whether a file is wanted."""
        included = not self.include or any(fnmatch.fnmatchcase(path, glob) for glob in self.include)
        return included and not any(fnmatch.fnmatchcase(path, glob) for glob in self.exclude)


@dataclass(frozen=True, slots=True)
class PullReport:
    """What a pull did.

    Attributes:
        present: files whose content was here already.
        transferred: what was fetched, each content once.
        seconds: how long it took.
    """

    snapshot: Snapshot
    present: tuple[FileEntry, ...]
    transferred: tuple[TransferredFile, ...]
    seconds: float

    @property
    def bytes_fetched(self) -> int:
        """Bytes that arrived, the useless ones included."""
        return sum(file.fetched for file in self.transferred)

    @property
    def bytes_wasted(self) -> int:
        """Bytes that arrived and were of no use."""
        return sum(file.wasted for file in self.transferred)


@dataclass(frozen=True, slots=True)
class Listed:
    """A version in the store or in the catalogue."""

    version: str
    digest: Digest
    aliases: tuple[str, ...]
    pinned: bool
    engine: str
    size: int
    state: SnapshotState
    path: Path


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a version and whether its content is here."""

    entry: FileEntry
    present: bool


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
    def catalog(self) -> Catalog:
        """The catalogue.

        Raises:
            UsageError: E_CATALOG.
        """
        return load_catalog(find_catalog(self._catalog, os.environ))

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
        with self.store.claim(name, manifest, act="pull"), self._missing(name, wanted) as missing:
            transferred: list[TransferredFile] = []
            try:
                with self._planned(version, missing, options) as plan, self._scores(missing) as scores:
                    for file in transfer(plan, self.store.partials, TransferOptions(options.jobs, options.rate), scores, progress):
                        self.store.blobs.commit(file.path, file.entry.sha256, file.entry.size)
                        transferred.append(file)
                snapshot = self.store.snapshots.commit(name, manifest, {file.path for file in wanted})
            except HubError as error:
                self._record("pull", name, manifest, at, transferred, started, outcome=error.code)
                raise
        fetched = {file.entry.sha256 for file in transferred}
        report = PullReport(
            snapshot,
            tuple(file for file in wanted if file.sha256 not in fetched),
            tuple(transferred),
            time.monotonic() - started,
        )
        if transferred or missing:
            self._record("pull", name, manifest, at, transferred, started, outcome="done")
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

    def verify(
        self, references: Sequence[str], *, quick: bool = False, hashed: Callable[[int], None] = lambda _: None
    ) -> list[VersionFinding]:
        """Hash every file of some versions again, or of all; `quick`: look at names and sizes only."""
        versions = [self.locate(reference) for reference in references] or list(self.store.snapshots.list())
        if quick:
            return [look_at_version(self.store, name, digest) for name, digest in versions]
        findings = [check_version(self.store, name, digest, hashed) for name, digest in versions]
        for finding in findings:
            outcome = "done" if finding.ok else "E_INTEGRITY"
            self._log("verify", f"{finding.version}@sha256:{finding.digest}", outcome)
        return findings

    def repair(self, findings: Iterable[VersionFinding], options: PullOptions, progress: Progress) -> list[PullReport]:
        """Put bad blobs aside and fetch what is bad of them: only the bad chunks, where chunks have digests."""
        reports = []
        for finding in findings:
            if finding.ok:
                continue
            aside = put_aside_bad(self.store, finding.files)
            manifest = self.store.manifests.read(finding.digest)
            known = self._resolved(f"{finding.version}@sha256:{finding.digest}", options).manifest
            for file in known.files:
                if file.sha256 in aside:
                    seed_partial(self.store, aside[file.sha256], file)
            paths = tuple(file.path for file in manifest.files)
            chosen = PullOptions(paths, (), options.sources, options.jobs, options.rate, options.offline, None, accept_license=True)
            reports.append(self.pull_reporting(f"{finding.version}@sha256:{finding.digest}", chosen, progress))
        return reports

    def pin(self, reference: str) -> Pin:
        """Keep a version from being collected."""
        name, digest = self.locate(reference)
        pin = self.store.names.pin(name, digest)
        self._log("pin", f"{name}@sha256:{digest}")
        return pin

    def unpin(self, reference: str) -> None:
        """Let a version be collected again."""
        name, digest = self.locate(reference)
        self.store.names.unpin(digest)
        self._log("unpin", f"{name}@sha256:{digest}")

    def set_alias(self, alias: str, reference: str) -> Alias:
        """Make an alias name a version that is in the store."""
        name, digest = self.locate(reference)
        moved = self.store.names.set_alias(alias, name, digest)
        self._log("alias set", alias, details={"version": name, "digest": digest})
        return moved

    def remove_alias(self, alias: str) -> None:
        """Forget an alias."""
        self.store.names.remove_alias(alias)
        self._log("alias rm", alias)

    def roll_back_alias(self, alias: str) -> Alias:
        """Make an alias name what it named before."""
        moved = self.store.names.roll_back_alias(alias)
        self._log("alias rollback", alias, details={"version": moved.target.version, "digest": moved.target.digest})
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
        self._log("remove", f"{name}@sha256:{digest}")

    def gc(self, *, dry_run: bool = False, keep: int | None = None) -> Collection:
        """Collect what no version needs; `keep`: of each name, all but so many of the newest versions too."""
        if dry_run:
            return plan_collection(self.store, keep=keep)
        collected = collect(self.store, keep=keep)
        self._log("gc", "store", details={"freed_bytes": collected.freed_bytes})
        return collected

    def _resolved(self, reference: str, options: PullOptions) -> Version:
        """The catalogue's version that a reference means, held to the lock file and the licence."""
        version = self._version(VersionRef.parse(reference))
        if options.locked is not None:
            _check_locked(version, options.locked)
        if version.accept and not options.accept_license and not options.offline:
            self._check_accepted(version)
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

    def _check_accepted(self, version: Version) -> None:
        from indextts_hub.db import accepted_licenses, open_database

        database = open_database(self.database_url)
        try:
            accepted = accepted_licenses(database, version.manifest.digest)
        finally:
            database.close()
        if not accepted:
            raise PolicyError(
                f"{version.name} comes under {version.license.name}, which must be accepted: {version.license.url or 'see `show`'}",
                remedy=f"read it (`indextts-hub show {version.name}`), then pull with --accept-license",
                code="E_LICENSE",
            )

    @contextmanager
    def _missing(self, name: str, wanted: Sequence[FileEntry]) -> Iterator[list[FileEntry]]:
        """What is not here, each content once; nobody else fetches it meanwhile."""
        absent = {file.sha256: file for file in wanted if not self.store.blobs.has(file.sha256, file.size)}
        with self.store.locks.writing(absent, act=f"pull {name}", wait=self._wait):
            # Somebody else may have brought it while this process waited.
            yield [file for file in absent.values() if not self.store.blobs.has(file.sha256, file.size)]

    @contextmanager
    def _planned(self, version: Version, missing: Sequence[FileEntry], options: PullOptions) -> Iterator[Plan]:
        """The files to fetch, each with the sources that may have it."""
        if missing and options.offline:
            raise PolicyError(
                f"{len(missing)} files of {version.name} are not here, and --offline forbids to fetch them",
                remedy="import a bundle with `indextts-hub import FILE`, or pull without --offline",
                code="E_OFFLINE",
            )
        with ExitStack() as closing:
            made: dict[tuple[str, str], Source] = {}
            yield Plan(tuple(FilePlan(file, tuple(self._sources(version, file, options, made, closing))) for file in missing))

    def _sources(
        self, version: Version, file: FileEntry, options: PullOptions, made: dict[tuple[str, str], Source], closing: ExitStack
    ) -> Iterator[tuple[RemoteFile, Source]]:
        context = Context()
        for remote, entry in version.places(file):
            if options.sources and entry.mirror not in options.sources:
                continue
            key = (entry.mirror, entry.model_dump_json())
            if key not in made:
                made[key] = connect(entry.mirror, self.catalog.mirrors[entry.mirror], entry, context)
                closing.callback(made[key].close)
            yield remote, made[key]

    @contextmanager
    def _scores(self, missing: Sequence[FileEntry]) -> Iterator[Scores]:
        if not missing:
            yield ScoresInMemory()
            return
        from indextts_hub.db import open_database
        from indextts_hub.transfer.remembered import remembered_scores

        database = open_database(self.database_url)
        try:
            with remembered_scores(database) as scores:
                yield scores
        finally:
            database.close()

    def _record(
        self,
        act: str,
        name: str,
        manifest: Manifest,
        at: datetime,
        files: Sequence[TransferredFile],
        started: float,
        *,
        outcome: str,
    ) -> None:
        """Write an event into the log, durable before the act is reported done, and the particulars into the database."""
        from indextts_hub.db import FileTransfer, PullRecord, open_database, record_pull
        from indextts_hub.store.locks import who

        fetched, wasted = sum(file.fetched for file in files), sum(file.wasted for file in files)
        mirrors = sorted({use.name for file in files for use in file.sources if use.bytes})
        self._log(
            act,
            f"{name}@sha256:{manifest.digest}",
            outcome,
            {"files": len(files), "bytes_fetched": fetched, "mirrors": list(mirrors)},
        )
        transfers = tuple(
            FileTransfer(file.entry.path, file.entry.sha256, use.name, use.bytes, use.chunks, use.errors)
            for file in files
            for use in file.sources
        )
        seconds = time.monotonic() - started
        database = open_database(self.database_url)
        try:
            record_pull(
                database, PullRecord(at, who(), name, manifest.digest, outcome, seconds, manifest.size, fetched, wasted, transfers)
            )
        finally:
            database.close()

    def _log(self, act: str, subject: str, outcome: str = "done", details: Mapping[str, Json] | None = None) -> None:
        from indextts_hub.audit import AuditLog

        AuditLog(self.store.audit).append(act, subject, outcome=outcome, details=details)

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


def _check_locked(version: Version, lock: Path) -> None:
    try:
        fixed = json.loads(lock.read_bytes())["versions"].get(version.name)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(f"{lock} is no lock file: {error}", remedy="write one with `indextts-hub lock`", code="E_LOCK") from None
    if fixed != version.manifest.digest:
        raise IntegrityError(
            f"{version.name} is {version.manifest.digest[:12]} in the catalogue and {str(fixed)[:12]} in {lock.name}",
            remedy="use the catalogue that the lock was made with, or write a new lock",
            code="E_LOCKED",
        )
