"""From files to a `Catalog`: included files are joined, and mirrors and sources are checked by their kinds."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from pydantic import JsonValue

from indextts_hub.catalog.schema import CatalogModel, FileModel, LicenseModel, PartModel, VersionModel, nearest, validated
from indextts_hub.catalog.tree import Location, Tree
from indextts_hub.catalog.versions import Catalog, Part, Version
from indextts_hub.errors import HubError
from indextts_hub.manifest import ByteCount, ChunkDigests, FileEntry, Json, License, Manifest, PartLicense, check_digest
from indextts_hub.paths import portable_path
from indextts_hub.reference import check_name
from indextts_hub.sources import EntryOptions, MirrorOptions, kind_module

__all__ = ["read_catalog", "read_flat"]

DEEPEST_INCLUDE = 8


def read_catalog(place: str, open_tree: Callable[[str, str | None], Tree]) -> Catalog:
    """Read the catalogue at `place` with all it includes. What a file says itself stands before what it includes.

    Args:
        open_tree: reads a document, given its place and the place that includes it (None for the first).

    Raises:
        UsageError: E_CATALOG with file, line and column.
    """
    mirrors: dict[str, MirrorOptions] = {}
    sheets = _sheets(place, open_tree)
    for sheet, model in sheets:
        for name, options in model.mirrors.items():
            if name not in mirrors:
                mirrors[name] = _mirror(sheet, name, options)
    versions: dict[str, Version] = {}
    sheet_of: dict[str, Tree] = {}
    for sheet, model in sheets:
        for name, version in model.versions.items():
            if name not in versions:
                versions[name], sheet_of[name] = _version(sheet, name, version, mirrors), sheet
    _check_aliases(versions, sheet_of)
    return Catalog(mirrors, versions, sheets[0][0].origin)


def read_flat(place: str, open_tree: Callable[[str, str | None], Tree]) -> Json:
    """The catalogue at `place` and all it includes as one document, which includes nothing and means the same.

    Raises:
        UsageError: as `read_catalog`.
    """
    mirrors: dict[str, Json] = {}
    versions: dict[str, Json] = {}
    for _, model in _sheets(place, open_tree):
        for name, options in model.mirrors.items():
            mirrors.setdefault(name, options)
        for name, version in model.versions.items():
            versions.setdefault(name, version.model_dump(mode="json", exclude_unset=True))
    return {"schema": 1, "mirrors": mirrors, "versions": versions}


def _sheets(place: str, open_tree: Callable[[str, str | None], Tree]) -> list[tuple[Tree, CatalogModel]]:
    """Each document of a catalogue once, those that include before those that are included."""
    sheets: list[tuple[Tree, CatalogModel]] = []
    tree = open_tree(place, None)
    _collect(tree, open_tree, sheets, (tree.origin,))
    return sheets


def _collect(
    tree: Tree, open_tree: Callable[[str, str | None], Tree], sheets: list[tuple[Tree, CatalogModel]], above: tuple[str, ...]
) -> None:
    model = validated(CatalogModel, tree, tree.value if tree.value is not None else {}, ())
    sheets.append((tree, model))
    for number, place in enumerate(model.include):
        included = open_tree(place, tree.origin)
        if included.origin in above or len(above) >= DEEPEST_INCLUDE:
            raise tree.error(("include", number), f"{place} includes itself", remedy="take one include: out")
        if all(included.origin != sheet.origin for sheet, _ in sheets):
            _collect(included, open_tree, sheets, (*above, included.origin))


def _mirror(tree: Tree, name: str, options: dict[str, JsonValue]) -> MirrorOptions:
    at: Location = ("mirrors", name)
    with _pointing(tree, (".key", *at)):
        check_name(name)
    kind = options.get("kind")
    if not isinstance(kind, str):
        raise tree.error(at, "the key 'kind' is missing", remedy="say what kind of mirror it is: `kind: http`")
    with _pointing(tree, (*at, "kind")):
        model = kind_module(kind).Mirror
    mirror = validated(model, tree, options, at)
    if mirror.runs_program and urlsplit(tree.origin).scheme in {"http", "https", "signed"}:
        raise tree.error(
            at, "a catalogue of somebody else's may not name a program to run", remedy="use a catalogue of your own for it"
        )
    return mirror


def _version(tree: Tree, name: str, model: VersionModel, mirrors: Mapping[str, MirrorOptions]) -> Version:
    at: Location = ("versions", name)
    with _pointing(tree, (".key", *at)):
        check_name(name)
    parts = tuple(_part(tree, where, part, mirrors) for where, part in _part_models(tree, at, model))
    with _pointing(tree, at):
        manifest = Manifest(
            engine=model.engine,
            license=_license(model.license),
            files=tuple(file for part in parts for file in part.files),
            parts=tuple(_part_licenses(parts)),
        )
    with _pointing(tree, (*at, "revoked")):
        revoked = {check_digest(each.digest): each.reason for each in model.revoked}
    accept = model.license.accept or any(part.accept for part in parts)
    return Version(name, model.title, model.aliases, manifest.license, accept, manifest, parts, model.license.note, revoked)


def _part_models(tree: Tree, at: Location, model: VersionModel) -> Iterator[tuple[Location, PartModel]]:
    if model.parts is not None:
        if model.files is not None or model.sources is not None:
            raise tree.error(at, "both 'parts' and 'files' or 'sources'", remedy="put the files and sources into a part")
        yield from (((*at, "parts", number), part) for number, part in enumerate(model.parts))
    elif not model.files or not model.sources:
        raise tree.error(at, "a version without files or sources", remedy="give it files: and sources:, or parts:")
    else:
        yield at, PartModel(sources=model.sources, files=model.files)


def _part(tree: Tree, at: Location, model: PartModel, mirrors: Mapping[str, MirrorOptions]) -> Part:
    if model.at:
        with _pointing(tree, (*at, "at")):
            portable_path(model.at)
    elif model.license is not None:
        raise tree.error((*at, "license"), "the part at the top has the version's licence", remedy="write it at the version")
    files = tuple(_file(tree, (*at, "files", number), model.at, file) for number, file in enumerate(model.files))
    own: dict[str, tuple[EntryOptions, ...]] = {
        entry.path: _sources(tree, (*at, "files", number, "sources"), file.sources, mirrors)
        for number, (file, entry) in enumerate(zip(model.files, files, strict=True))
        if file.sources is not None
    }
    return Part(
        at=model.at,
        files=files,
        sources=_sources(tree, (*at, "sources"), model.sources, mirrors),
        license=None if model.license is None else _license(model.license),
        accept=model.license is not None and model.license.accept,
        own_sources=own,
    )


def _file(tree: Tree, at: Location, folder: str, model: FileModel) -> FileEntry:
    with _pointing(tree, (*at, "path")):
        path = portable_path(f"{folder}/{model.path}" if folder else model.path)
    with _pointing(tree, (*at, "sha256")):
        digest = check_digest(model.sha256)
    chunks = None
    if model.chunks is not None:
        with _pointing(tree, (*at, "chunks")):
            chunks = ChunkDigests(ByteCount(model.chunks.size), tuple(map(check_digest, model.chunks.sha256)))
            chunks.check_covers(model.size)
    with _pointing(tree, (*at, "size")):
        return FileEntry(path, ByteCount(model.size), digest, chunks)


def _sources(
    tree: Tree, at: Location, entries: tuple[dict[str, JsonValue], ...], mirrors: Mapping[str, MirrorOptions]
) -> tuple[EntryOptions, ...]:
    return tuple(_source(tree, (*at, number), entry, mirrors) for number, entry in enumerate(entries))


def _source(tree: Tree, at: Location, entry: dict[str, JsonValue], mirrors: Mapping[str, MirrorOptions]) -> EntryOptions:
    mirror = entry.get("mirror")
    if not isinstance(mirror, str):
        raise tree.error(at, "the key 'mirror' is missing", remedy="name one of the catalogue's mirrors")
    if mirror not in mirrors:
        raise tree.error((*at, "mirror"), f"there is no mirror {mirror[:60]!a}", remedy=nearest(mirror, sorted(mirrors)))
    return validated(kind_module(mirrors[mirror].kind).Entry, tree, entry, at)


def _part_licenses(parts: tuple[Part, ...]) -> Iterator[PartLicense]:
    folders = [part.at for part in parts]
    for part in parts:
        if part.license is not None:
            # Where two parts share a folder, each licence is that of single files.
            alone = folders.count(part.at) == 1
            for at in [part.at] if alone else [file.path for file in part.files]:
                yield PartLicense(portable_path(at), part.license)


def _check_aliases(versions: Mapping[str, Version], sheet_of: Mapping[str, Tree]) -> None:
    taken = {name: name for name in versions}
    for name, version in versions.items():
        for number, alias in enumerate(version.aliases):
            at: Location = ("versions", name, "aliases", number)
            with _pointing(sheet_of[name], at):
                check_name(alias)
            if alias in taken:
                raise sheet_of[name].error(at, f"the name {alias} is taken by {taken[alias]}", remedy="use another alias")
            taken[alias] = name


def _license(model: LicenseModel) -> License:
    return License(model.name, model.url, model.commercial)


@contextmanager
def _pointing(tree: Tree, at: Location) -> Iterator[None]:
    """Say where in the file it stands what breaks a rule of the hub."""
    try:
        yield
    except HubError as error:
        raise tree.error(at, error.message, remedy=error.remedy) from None
