"""`outdated` and `watch`: what is newer than what is here."""

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CacheDir, CatalogPlace, ToJson, opened, read_settings, to_time
from cli.render import table, write_json, write_line
from indextts_hub.errors import SourceError

if TYPE_CHECKING:
    from indextts_hub.watching import Newer

__all__ = ["outdated", "watch"]

AskUpstream = Annotated[
    bool, typer.Option("--upstream", help="Also ask the Hugging Face Hub and ModelScope whether what is pinned has moved on.")
]


def outdated(
    upstream: AskUpstream = False, cache_dir: CacheDir = None, catalog: CatalogPlace = None, to_json: ToJson = False
) -> None:
    """Versions that are here and that the catalogue has with another digest; with --upstream, repositories that moved on."""
    from indextts_hub.watching import look

    newer = look(opened(cache_dir, catalog), upstream=upstream)
    if to_json:
        document = newer.document()
        write_json(document if upstream else document["versions"])
        return
    if newer.versions:
        table(("VERSION", "HERE", "CATALOGUE"), [(name, here[:12], there[:12]) for name, here, there in newer.versions])
    else:
        write_line("Everything here is what the catalogue has.")
    if newer.upstream:
        _show_upstream(newer)


def _show_upstream(newer: "Newer") -> None:
    rows = []
    for each in newer.upstream:
        state = "moved" if each.moved else "as pinned"
        if each.error is not None:
            state = f"can't be told: {each.error.message}"
        files = str(len(each.files)) if each.latest and each.moved else "-"
        rows.append((each.version, each.mirror, each.repo, each.pinned[:12], (each.latest or "-")[:12], files, state))
    table(("VERSION", "MIRROR", "REPOSITORY", "PINNED", "NOW", "FILES", "STATE"), rows)


def watch(
    every: Annotated[str, typer.Option("--every", help="How often to look: 30m, 6h, 1d.")] = "6h",
    webhook: Annotated[
        str | None, typer.Option("--webhook", metavar="URL", help="Where to tell it, in JSON; better set INDEXTTS_HUB_WEBHOOK.")
    ] = None,
    upstream: AskUpstream = False,
    once: Annotated[bool, typer.Option("--once", help="Look once, for a timer of your own.")] = False,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
) -> None:
    """Look again and again for what is newer, and tell it where it has changed: on stdout, and to a webhook if there is one.

    What went wrong is said and tried again the next time; with --once it ends with the error.
    """
    from indextts_hub.errors import HubError
    from indextts_hub.sources.context import Secret
    from indextts_hub.watching import look, post

    seconds = to_time(every)
    settings = read_settings(webhook=webhook)
    url = Secret(settings.webhook.get_secret_value()) if settings.webhook else None
    key = Secret(settings.webhook_key.get_secret_value()) if settings.webhook_key else None
    told: list[str] = []
    while True:
        try:
            # Opened each time: the catalogue is read anew, and it is what changes.
            newer = look(opened(cache_dir, catalog), upstream=upstream)
            if newer.lines() != told:
                for line in newer.lines() or ["Nothing is newer any more."]:
                    write_line(line)
                sys.stdout.flush()
                if url is not None and newer.anything:
                    post(url, key, newer)
                told = newer.lines()
            if once:
                _check_all_told(newer)
        except HubError as error:
            if once:
                raise
            sys.stderr.write(f"{error.code}: {error.message}; {error.remedy}\n")
        if once:
            return
        time.sleep(seconds)


def _check_all_told(newer: "Newer") -> None:
    failed = [each for each in newer.upstream if each.error is not None]
    if failed:
        raise SourceError(
            f"{len(failed)} of {len(newer.upstream)} repositories can't be asked: {failed[0].error and failed[0].error.message}",
            remedy="see `indextts-hub outdated --upstream`",
            code="E_NO_SOURCE",
        )
