"""`catalogue`: publishing a signed catalogue, and taking one over."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CacheDir, CatalogPlace, ToJson, opened, to_days
from cli.render import table, write_json, write_line
from indextts_hub.errors import NotFound, UsageError

if TYPE_CHECKING:
    from indextts_hub.catalog import Catalog
    from indextts_hub.catalog.signed import Mark
    from indextts_hub.manifest import Json
    from indextts_hub.trust.publishing import Staged

__all__ = ["catalogue", "describe"]

catalogue = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder that it is published from.")]
Expires = Annotated[str, typer.Option(help="How long the root and the targets are good for.")]
LARGEST_ROOT = 512_000


@catalogue.command("init")
def init(
    folder: Folder,
    root_key: Annotated[list[Path], typer.Option(metavar="PUB", help="Who may change the keys (PEM, public).")],
    targets_key: Annotated[list[Path], typer.Option(metavar="PUB", help="Who may say what the versions are.")],
    online_key: Annotated[list[Path], typer.Option(metavar="PUB", help="The key at hand: says daily that this is the newest.")],
    root_threshold: Annotated[int, typer.Option(min=1, help="How many of them must sign a root.")] = 1,
    targets_threshold: Annotated[int, typer.Option(min=1, help="How many must sign the targets.")] = 1,
    expires: Expires = "365d",
) -> None:
    """Begin a signed catalogue: the first root, which still has to be signed.

    Make a key with `openssl genpkey -algorithm ed25519 -out KEY.pem`, its public half with `openssl pkey -in KEY.pem -pubout -out
    KEY.pub`. Root and targets keys are best kept off the network, by several people.
    """
    from indextts_hub.trust import read_public_key
    from indextts_hub.trust.publishing import RoleKeys, begin

    def keys(paths: list[Path], threshold: int) -> RoleKeys:
        return RoleKeys(tuple(map(read_public_key, paths)), threshold)

    online = keys(online_key, 1)
    roles = {"root": keys(root_key, root_threshold), "targets": keys(targets_key, targets_threshold)}
    begin(folder, roles | {"snapshot": online, "timestamp": online}, _later(expires))
    _say_staged(folder)


@catalogue.command("sign")
def sign(
    folder: Folder,
    key: Annotated[list[Path], typer.Option(metavar="KEY", help="An Ed25519 key (PEM) that counts for what is staged.")],
) -> None:
    """Sign the root and the targets that wait for it, as far as these keys count."""
    from indextts_hub.trust import read_private_key
    from indextts_hub.trust.publishing import sign_staged

    signed = sign_staged(folder, [read_private_key(path) for path in key])
    write_line(f"signed: {', '.join(signed)}")
    _say_staged(folder)


@catalogue.command("publish")
def publish(
    folder: Folder,
    key: Annotated[list[Path], typer.Option(metavar="KEY", help="The online key, and any that count for what is staged.")] = [],  # noqa: B006
    catalog: CatalogPlace = None,
    pickle_names: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --catalog: let pickles import only these, a line each.", show_default=False),
    ] = None,
    expires: Expires = "365d",
    fresh: Annotated[str, typer.Option(help="How long clients may go on without hearing from here.")] = "30d",
    to_json: ToJson = False,
) -> None:
    """Publish: with --catalog the versions, mirrors and revocations of that one; without, what is staged, and a newer date.

    Everything is in FOLDER/metadata and FOLDER/targets then: put both behind any web server, into a share or a bundle.
    """
    from indextts_hub.catalogues import documents_of
    from indextts_hub.trust import read_private_key
    from indextts_hub.trust.publishing import publish as published
    from indextts_hub.trust.publishing import sign_staged, stage_targets, staged

    if catalog is not None:
        stage_targets(folder, documents_of(catalog, None if pickle_names is None else _names(pickle_names)), _later(expires))
    keys = [read_private_key(path) for path in key]
    if staged(folder):
        sign_staged(folder, keys, may_be_none=True)
    done = published(folder, keys, datetime.now(UTC), timedelta(days=to_days(fresh)))
    if to_json:
        write_json({"versions": done.versions, "expires": done.expires.isoformat()})
    else:
        write_line(
            f"{', '.join(f'{role} {version}' for role, version in done.versions.items())}, good until {done.expires:%Y-%m-%d}"
        )


@catalogue.command("rotate")
def rotate(
    folder: Folder,
    role: Annotated[str, typer.Argument(help="root, targets, snapshot or timestamp.")],
    add: Annotated[list[Path], typer.Option(metavar="PUB", help="This key counts from now on (PEM, public).")] = [],  # noqa: B006
    remove: Annotated[list[str], typer.Option(metavar="ID", help="This key counts no more: its id, or the beginning.")] = [],  # noqa: B006
    threshold: Annotated[int | None, typer.Option(min=1, help="How many must sign.", show_default=False)] = None,
    expires: Expires = "365d",
) -> None:
    """Change whose keys count: the next root, to be signed by enough keys of the old one and of the new one."""
    from indextts_hub.trust import read_public_key
    from indextts_hub.trust.publishing import rotate as rotated

    if not (add or remove or threshold):
        raise UsageError("nothing would change", remedy="say --add, --remove or --threshold")
    rotated(folder, role, [read_public_key(path) for path in add], remove, threshold, _later(expires))
    _say_staged(folder)


@catalogue.command("update")
def update(
    place: Annotated[
        str | None, typer.Option("--from", metavar="PLACE", help="An address, a folder or a bundle.", show_default=False)
    ] = None,
    root: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The root to trust, the first time: 1.root.json.", show_default=False)
    ] = None,
    trust_first_use: Annotated[
        bool, typer.Option("--trust-first-use", help="The first time, trust the root that is found there; compare it later.")
    ] = False,
    cache_dir: CacheDir = None,
    to_json: ToJson = False,
) -> None:
    """Take the newest signed catalogue over. From then on it is the catalogue here, and nothing older ever is again."""
    from indextts_hub.catalogues import take_over

    given = None if root is None else _root(root)
    done = take_over(opened(cache_dir, None), place, given, trust_first_use=trust_first_use)
    if to_json:
        write_json(_document(done.mark) | {"is_new": done.is_new})
    else:
        said = "taken over" if done.is_new else "nothing is newer"
        write_line(
            f"{said}: targets {done.mark.versions['targets']}, good until {done.mark.expires:%Y-%m-%d}, from {done.mark.place}"
        )


@catalogue.command("show")
def show(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="One that is published from; without, the store's.", show_default=False),
    ] = None,
    cache_dir: CacheDir = None,
    to_json: ToJson = False,
) -> None:
    """How a signed catalogue stands: its versions, until when, whose keys count, what waits for signatures."""
    from indextts_hub.catalog.signed import read_mark
    from indextts_hub.trust.publishing import roles_of

    if folder is not None:
        if to_json:
            write_json({"roles": {role: {"keys": [*keys], "threshold": n} for role, (keys, n) in roles_of(folder).items()}})
            return
        table(
            ("ROLE", "KEYS", "MUST SIGN"),
            [(role, " ".join(k[:12] for k in keys), str(n)) for role, (keys, n) in roles_of(folder).items()],
        )
        _say_staged(folder)
        return
    mark = read_mark(opened(cache_dir, None).store.root)
    if mark is None:
        raise NotFound(
            "this store has no signed catalogue",
            remedy="take one over with `indextts-hub catalogue update --from PLACE --root FILE`",
            code="E_NO_CATALOG",
        )
    if to_json:
        write_json(_document(mark))
        return
    write_line(f"{mark.origin}, good until {mark.expires:%Y-%m-%d}, taken over {mark.seen:%Y-%m-%d} from {mark.place}")
    table(("DOCUMENT", "SHA-256"), [(name, digest[:16]) for name, digest in sorted(mark.files.items())])


def describe(catalog: "Catalog") -> "Json":
    """Which catalogue it was, and who stands by it, as the public JSON."""
    signed = catalog.signed
    by: Json = None if signed is None else {"version": signed.version, "place": signed.place, "expires": signed.expires.isoformat()}
    return {"origin": catalog.origin, "signed": by}


def _document(mark: "Mark") -> dict[str, object]:
    return {
        "place": mark.place,
        "versions": dict(mark.versions),
        "expires": mark.expires.isoformat(),
        "taken_over": mark.seen.isoformat(),
        "root": mark.first,
        "documents": dict(mark.files),
    }


def _say_staged(folder: Path) -> None:
    from indextts_hub.trust.publishing import staged

    for each in staged(folder):
        write_line(_waiting(each))


def _waiting(each: "Staged") -> str:
    if not each.missing:
        return f"{each.role} {each.version} has its signatures: `catalogue publish` puts it out"
    may = " ".join(key[:12] for key in each.unsigned)
    return f"{each.role} {each.version} lacks {each.missing} of its signatures; these keys may sign: {may}"


def _later(text: str) -> datetime:
    return (datetime.now(UTC) + timedelta(days=to_days(text))).replace(microsecond=0)


def _names(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").split()
    except (OSError, ValueError):
        raise UsageError(f"{path} can't be read as a list of names", remedy="write `module.name`, a line each") from None


def _root(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_ROOT)
    except OSError as error:
        raise UsageError(
            f"the root {path} can't be read: {error.strerror}", remedy="name the file with --root", code="E_NO_ROOT"
        ) from None
