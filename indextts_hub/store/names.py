"""Aliases and pins: one small file, replaced whole, that outlives the database.

An alias is a movable name for one version's digest and remembers where it was; a pin says 'never collect'. Both are roots: what
they name is kept. The file is written only under the store's `roots` lock.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from indextts_hub.errors import HubError, NotFound, StorageError, UsageError
from indextts_hub.manifest import Digest, Json, canonical_json, check_digest, load_strict_json
from indextts_hub.reference import check_name
from indextts_hub.store.blobs import open_regular
from indextts_hub.store.durable import write_durably
from indextts_hub.store.locks import Locks, who
from indextts_hub.store.trouble import storage_errors

__all__ = ["Alias", "Names", "NamesBook", "Pin", "Target"]

SCHEMA = 1
# 10,000 names with full trails; the file is read at every command's start.
LARGEST_BOOK = 32 * 2**20
# What `alias rollback` can go back to. Every move is in the audit log for good.
LONGEST_TRAIL = 32


@dataclass(frozen=True, slots=True)
class Target:
    """Where an alias points: a version's name and digest, since when and by whom it was set.

    Attributes:
        at: UTC, ISO 8601.
        by: `user@host`.
    """

    version: str
    digest: Digest
    at: str
    by: str


@dataclass(frozen=True, slots=True)
class Alias:
    """An alias, where it points, and where it pointed before, the latest last."""

    name: str
    target: Target
    trail: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Pin:
    """A version that is never collected."""

    version: str
    digest: Digest
    at: str
    by: str


@dataclass(frozen=True, slots=True)
class NamesBook:
    """All names of a store at one moment. Pure: changes give a new book."""

    aliases: dict[str, Alias] = field(default_factory=dict)
    pins: dict[Digest, Pin] = field(default_factory=dict)

    def roots(self) -> frozenset[Digest]:
        """The digests of versions that an alias or a pin names."""
        return frozenset(alias.target.digest for alias in self.aliases.values()) | frozenset(self.pins)

    def aliases_of(self, digest: Digest) -> tuple[str, ...]:
        """The names of the aliases that point at the digest, sorted."""
        return tuple(sorted(name for name, alias in self.aliases.items() if alias.target.digest == digest))


@dataclass(frozen=True, slots=True)
class Names:
    """The names file of one store."""

    path: Path
    locks: Locks

    def read(self) -> NamesBook:
        """Read all names.

        Raises:
            StorageError: E_NAMES, if the file is lost or damaged: what it protects is then unknown, and nothing is collected.
        """
        try:
            with open_regular(self.path) as file, storage_errors(self.path):
                body = file.read(LARGEST_BOOK + 1)
            return _read_book(load_strict_json(body, largest=LARGEST_BOOK))
        except NotFound:
            raise _damaged(self.path, "it is lost") from None
        except (HubError, LookupError, TypeError, ValueError) as error:
            raise _damaged(self.path, str(error)) from error

    def set_alias(self, name: str, version: str, digest: Digest) -> Alias:
        """Point `name` at a version, and remember where it pointed.

        Raises:
            UsageError: E_REFERENCE, if `name` can't be a name.
            Busy, StorageError: nothing has changed.
        """
        check_name(name)
        check_name(version)
        with self.locks.roots(act=f"alias set {name}"):
            book = self.read()
            old = book.aliases.get(name)
            if old is not None and (old.target.version, old.target.digest) == (version, digest):
                return old
            trail = (*old.trail, old.target)[-LONGEST_TRAIL:] if old is not None else ()
            alias = Alias(name, Target(version, digest, _now(), who()), trail)
            self._write(replace(book, aliases=book.aliases | {name: alias}))
            return alias

    def roll_back_alias(self, name: str) -> Alias:
        """Point `name` where it pointed before; said again, it goes back one more.

        Raises:
            NotFound: E_NO_ALIAS.
            UsageError: E_NO_EARLIER, if it never pointed elsewhere.
            Busy, StorageError: nothing has changed.
        """
        with self.locks.roots(act=f"alias rollback {name}"):
            book = self.read()
            old = _existing(book, name)
            if not old.trail:
                raise UsageError(
                    f"the alias {name} never pointed elsewhere",
                    remedy=f"set it with `indextts-hub alias set {name} REF`",
                    code="E_NO_EARLIER",
                )
            earlier = old.trail[-1]
            alias = Alias(name, replace(earlier, at=_now(), by=who()), old.trail[:-1])
            self._write(replace(book, aliases=book.aliases | {name: alias}))
            return alias

    def remove_alias(self, name: str) -> Alias:
        """Forget an alias; return what it was.

        Raises:
            NotFound: E_NO_ALIAS.
            Busy, StorageError: nothing has changed.
        """
        with self.locks.roots(act=f"alias rm {name}"):
            book = self.read()
            old = _existing(book, name)
            self._write(replace(book, aliases={key: alias for key, alias in book.aliases.items() if key != name}))
            return old

    def pin(self, version: str, digest: Digest) -> Pin:
        """Never collect this version.

        Raises:
            Busy, StorageError: nothing has changed.
        """
        check_name(version)
        with self.locks.roots(act=f"pin {version}"):
            book = self.read()
            if digest in book.pins:
                return book.pins[digest]
            pin = Pin(version, digest, _now(), who())
            self._write(replace(book, pins=book.pins | {digest: pin}))
            return pin

    def unpin(self, digest: Digest) -> Pin | None:
        """Let this version be collected again; None if it was not pinned.

        Raises:
            Busy, StorageError: nothing has changed.
        """
        with self.locks.roots(act="unpin"):
            book = self.read()
            if digest in book.pins:
                self._write(replace(book, pins={key: pin for key, pin in book.pins.items() if key != digest}))
            return book.pins.get(digest)

    def start(self) -> None:
        """Write an empty book, for a new store or one whose names are lost.

        Raises:
            StorageError: the disk would not take it.
        """
        self._write(NamesBook())

    def _write(self, book: NamesBook) -> None:
        write_durably(self.path, canonical_json(_book_json(book)) + b"\n")


def _existing(book: NamesBook, name: str) -> Alias:
    try:
        return book.aliases[name]
    except KeyError:
        raise NotFound(
            f"there is no alias {name[:80]!a} in the store",
            remedy="see `indextts-hub list` for those there are",
            code="E_NO_ALIAS",
        ) from None


def _book_json(book: NamesBook) -> Json:
    return {
        "schema": SCHEMA,
        "aliases": {
            name: {"target": _target_json(alias.target), "trail": [_target_json(target) for target in alias.trail]}
            for name, alias in book.aliases.items()
        },
        "pins": [_target_json(pin) for pin in sorted(book.pins.values(), key=lambda pin: pin.digest)],
    }


def _target_json(target: Target | Pin) -> Json:
    return {"version": target.version, "digest": target.digest, "at": target.at, "by": target.by}


def _read_book(document: Json) -> NamesBook:
    match document:
        case {"schema": 1, "aliases": dict(aliases), "pins": list(pins)}:
            return NamesBook(
                {check_name(name): _read_alias(name, entry) for name, entry in aliases.items()},
                {pin.digest: pin for pin in (Pin(*_read_target(entry)) for entry in pins)},
            )
        case _:
            raise ValueError("it is of another format")


def _read_alias(name: str, entry: Json) -> Alias:
    match entry:
        case {"target": target, "trail": list(trail)}:
            return Alias(name, Target(*_read_target(target)), tuple(Target(*_read_target(old)) for old in trail))
        case _:
            raise ValueError(f"the alias {name} is damaged")


def _read_target(entry: Json) -> tuple[str, Digest, str, str]:
    match entry:
        case {"version": str(version), "digest": str(digest), "at": str(at), "by": str(by)}:
            return check_name(version), check_digest(digest), at, by
        case _:
            raise ValueError("a target is damaged")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _damaged(path: Path, why: str) -> StorageError:
    return StorageError(
        f"{path} can't be used: {why}",
        remedy="put a copy of it back, or run `indextts-hub doctor --rebuild`, which forgets all aliases and pins",
        code="E_NAMES",
    )
