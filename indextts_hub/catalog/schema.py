"""What may stand in a catalogue, and saying where it does not: file, line, column, and the nearest right key."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from indextts_hub.catalog.tree import Location, Tree

__all__ = ["CatalogModel", "ChunksModel", "FileModel", "LicenseModel", "PartModel", "VersionModel", "nearest", "validated"]

Model = TypeVar("Model", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LicenseModel(_Strict):
    """`accept`: whether it must be accepted before a pull; `commercial`: left out where the licence does not say plainly.

    `note`: what a reader should know of it, in words. It is no part of the manifest: rewording it makes no other version.
    """

    name: str
    url: str | None = None
    commercial: bool | None = None
    accept: bool = False
    note: str | None = None


class ChunksModel(_Strict):
    """`size`: bytes of each chunk but the last."""

    size: int = Field(ge=1)
    sha256: tuple[str, ...]


class FileModel(_Strict):
    """A file of a part; `sources` are its own, instead of the part's."""

    path: str
    size: int
    sha256: str
    chunks: ChunksModel | None = None
    sources: tuple[dict[str, JsonValue], ...] | None = None


class PartModel(_Strict):
    """Files from one origin, laid out below `at`."""

    at: str = ""
    license: LicenseModel | None = None
    sources: tuple[dict[str, JsonValue], ...] = Field(min_length=1)
    files: tuple[FileModel, ...] = Field(min_length=1)


class RevokedModel(_Strict):
    """A digest that this name had and that is not to be used any more, and why."""

    digest: str
    reason: str


class VersionModel(_Strict):
    """A version: `sources` and `files` are one part at its top, or there are `parts`."""

    title: str
    engine: str
    license: LicenseModel
    aliases: tuple[str, ...] = ()
    revoked: tuple[RevokedModel, ...] = ()
    parts: tuple[PartModel, ...] | None = Field(default=None, min_length=1)
    sources: tuple[dict[str, JsonValue], ...] | None = None
    files: tuple[FileModel, ...] | None = None


class CatalogModel(_Strict):
    """A whole file."""

    schema_: int = Field(alias="schema", ge=1, le=1)
    include: tuple[str, ...] = ()
    mirrors: dict[str, dict[str, JsonValue]] = {}
    versions: dict[str, VersionModel] = {}


def validated(model: type[Model], tree: Tree, value: object, at: Location) -> Model:
    """Read `value`, which stands at `at`, as a `model`.

    Raises:
        UsageError: E_CATALOG, for the first thing that is wrong.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        # A misspelt key is also a missing one: the former is what the reader wrote.
        first = min(found, key=lambda each: each["type"] != "extra_forbidden")
        location = (*at, *first["loc"])
        if first["type"] == "extra_forbidden":
            known = sorted(_keys(model, first["loc"][:-1]))
            key = str(first["loc"][-1])
            raise tree.error((".key", *location), f"there is no key {key[:60]!r} here", remedy=nearest(key, known)) from None
        if first["type"] == "missing":
            message, remedy = f"the key {first['loc'][-1]!r} is missing", "add it"
        else:
            message = f"{'.'.join(str(part) for part in first['loc']) or 'it'}: {first['msg']}"
            remedy = "write it in quotes" if first["type"] == "string_type" else "see docs/catalogue.md for what may stand here"
        raise tree.error(location, message, remedy=remedy) from None


def nearest(word: str, known: list[str]) -> str:
    """A remedy that names the known word nearest to `word`, or all of them."""
    if close := get_close_matches(word, known, 1):
        return f"did you mean {close[0]}?"
    return f"known here: {', '.join(known) or 'nothing'}"


def _keys(model: type[BaseModel], location: tuple[str | int, ...]) -> set[str]:
    models: list[type[BaseModel]] = [model]
    for part in location:
        fields = [field for each in models for name, field in each.model_fields.items() if part in {name, field.alias}]
        if fields:
            models = [found for field in fields for found in _models(field.annotation)]
    return {field.alias or name for each in models for name, field in each.model_fields.items()}


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
