"""Protected links: what each allows, and how much of it was used. Values in, values out, no rows.

A use is an answer from a file's first byte on. What goes on with a file, as a broken download and one over several connections do,
is no use of its own; so that nobody lives on that alone, all answers together give at most twice the file for each use.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import and_, col, or_, select, update

from indextts_hub.db.models import Link
from indextts_hub.db.session import Database
from indextts_hub.errors import NotFound

__all__ = ["LinkRecord", "add_link", "find_link", "give_back", "list_links", "revoke_link", "take"]

# Of each use: room for a download that breaks and is taken up again.
GENEROSITY = 2


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """A link.

    Attributes:
        digest: of the version's manifest.
        path: of the file in the version; None: all of its files.
        scheme: how its addresses are signed (`indextts_hub.sources.signing`).
        seed: what its key is made from, with a secret that is not in the database (`indextts_hub.mirror.link_keys`).
        ttl: seconds that a signature counts, where it does not name its own end.
        address: of the client, or the network it must be in; None: any.
        referers: hosts whose pages may lead here, `*.` for what is below one; none: any.
        empty_referer: whether a client that names no page is let in all the same.
        uses: how often it may be used; None: any number. `used`: how often it was; `given`: bytes, where uses are counted.
    """

    id: str
    created: datetime
    expires: datetime
    version: str
    digest: str
    path: str | None
    scheme: str
    seed: str
    ttl: int
    address: str | None = None
    referers: tuple[str, ...] = ()
    empty_referer: bool = True
    uses: int | None = None
    used: int = 0
    given: int = 0
    revoked: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        """Whether it counts at `now`."""
        return self.revoked is None and now < self.expires

    @property
    def is_used_up(self) -> bool:
        """Whether it has no use left; what was begun may still go on."""
        return self.uses is not None and self.used >= self.uses


_COLUMNS = tuple(LinkRecord.__dataclass_fields__)


def add_link(database: Database, link: LinkRecord) -> None:
    """Write a link down.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        session.add(Link(**{name: getattr(link, name) for name in _COLUMNS} | {"referers": list(link.referers)}))


def find_link(database: Database, id_: str) -> LinkRecord:
    """The link of this id.

    Raises:
        NotFound: E_NO_LINK.
        StorageError: as `Database.reading`.
    """
    with database.reading() as session:
        return _record(_found(session.get(Link, id_), id_))


def list_links(database: Database) -> list[LinkRecord]:
    """All links that ever were, the latest first."""
    with database.reading() as session:
        return [_record(row) for row in session.exec(select(Link).order_by(col(Link.created).desc(), col(Link.id)))]


def revoke_link(database: Database, id_: str, now: datetime) -> LinkRecord:
    """Let a link count no more.

    Raises:
        NotFound: E_NO_LINK.
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        row = _found(session.get(Link, id_), id_)
        row.revoked = row.revoked or now
        session.add(row)
        return _record(row)


def take(database: Database, id_: str, *, begins: bool, count: int, size: int) -> bool:
    """Take `count` bytes of a file of `size` bytes from what a link with counted uses has left; False if it has not.

    Args:
        begins: whether the answer begins at the file's start, which is a use.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    # Compared and counted in one statement: of two that ask for the last use at once, one gets it.
    used = col(Link.used) + (1 if begins else 0)
    enough = [used <= col(Link.uses), col(Link.given) + count <= col(Link.uses) * GENEROSITY * size]
    with database.session() as session:
        counted = update(Link).where(col(Link.id) == id_, or_(col(Link.uses).is_(None), and_(*enough)))
        return session.exec(counted.values(used=used, given=col(Link.given) + count)).rowcount == 1


def give_back(database: Database, id_: str, count: int, *, use: bool = False) -> None:
    """Give back what was taken and not sent; with `use` the use, too, which was none.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        changed = update(Link).where(col(Link.id) == id_)
        session.exec(changed.values(given=col(Link.given) - count, used=col(Link.used) - (1 if use else 0)))


def _found(row: Link | None, id_: str) -> Link:
    if row is None:
        raise NotFound(f"there is no link {id_[:40]!a}", remedy="see `indextts-hub links list`", code="E_NO_LINK")
    return row


def _record(row: Link) -> LinkRecord:
    return LinkRecord(**{name: getattr(row, name) for name in _COLUMNS} | {"referers": tuple(row.referers)})
