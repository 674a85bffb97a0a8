"""What people see: tables and sizes on stdout, progress on stderr, and JSON for programs."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from indextts_hub.transfer import FileDone, FileStarted, MirrorLeft, Moved, Progress, ProgressEvent

if TYPE_CHECKING:
    from rich.progress import TaskID

__all__ = ["duration", "pulling", "size", "table", "write_json", "write_line"]


def write_json(document: object) -> None:
    """Write one JSON document on stdout."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2, default=_plain) + "\n")


def write_line(text: str) -> None:
    """Write a line on stdout."""
    sys.stdout.write(f"{text}\n")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table on stdout, as wide as what is in it; coloured on a terminal, plain elsewhere."""
    cells = [list(heads), *(list(row) for row in rows)]
    if len(cells) == 1:
        return
    if not sys.stdout.isatty():
        widths = [max(_width(row[column]) for row in cells) for column in range(len(heads))]
        for row in cells:
            line = "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
            write_line(line.rstrip())
        return
    from rich.console import Console
    from rich.table import Table

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        shown.add_column(head, overflow="fold")
    for row in cells[1:]:
        shown.add_row(*row)
    Console().print(shown)


def size(count: int) -> str:
    """Bytes as people read them: `15.3 MB`, in powers of 1,000."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def duration(seconds: float) -> str:
    """Seconds as people read them."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


@contextmanager
def pulling(*, quiet: bool, verbose: bool) -> Iterator[Progress]:
    """Progress of a pull on stderr: a bar a file and a total; on something that is no terminal a line a file."""
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _Bars(verbose=verbose) as bars:
            yield bars
    else:
        yield _Lines(verbose=verbose)


class _Lines:
    """For logs: a line when a file is done, and why a mirror was left."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose
        self._sizes: dict[str, int] = {}

    def __call__(self, event: ProgressEvent) -> None:
        match event:
            case FileStarted(path, whole, present):
                self._sizes[path] = whole
                if present:
                    sys.stderr.write(f"{path}: {size(present)} of {size(whole)} are here already\n")
            case FileDone(path):
                sys.stderr.write(f"{path}: {size(self._sizes.get(path, 0))} verified\n")
            case MirrorLeft(path, mirror, reason) if self._verbose:
                sys.stderr.write(f"{path}: left {mirror}: {reason}\n")
            case _:
                pass


class _Bars:
    """For terminals: bars with rate, time left and the mirrors that gave bytes lately."""

    def __init__(self, *, verbose: bool) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._verbose = verbose
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[mirrors]}", style="dim"),
            console=self._console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._total: TaskID | None = None
        self._mirrors: dict[str, dict[str, None]] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, event: ProgressEvent) -> None:
        match event:
            case FileStarted(path, whole, present):
                self._tasks[path] = self._bars.add_task(Path(path).name, total=whole, completed=present, mirrors="")
                self._add_to_total()
            case Moved(path, mirror, count):
                self._mirrors.setdefault(path, {})[mirror] = None
                self._bars.update(self._tasks[path], advance=count, mirrors=", ".join(self._mirrors[path]))
                if self._total is not None:
                    self._bars.update(self._total, advance=count)
            case FileDone(path):
                self._bars.update(self._tasks[path], completed=self._bars.tasks[self._tasks[path]].total)
            case MirrorLeft(path, mirror, reason) if self._verbose:
                self._console.print(f"{path}: left {mirror}: {reason}", style="yellow", markup=False)
            case _:
                pass

    def _add_to_total(self) -> None:
        """One file needs no total; with the second there is one, below the files' bars."""
        if len(self._tasks) < 2:
            return
        if self._total is not None:
            self._bars.remove_task(self._total)
        sizes = [(task.total or 0, task.completed) for task in self._bars.tasks]
        total, done = (sum(column) for column in zip(*sizes, strict=True))
        self._total = self._bars.add_task("all files", total=total, completed=done, mirrors="")


def _plain(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON")


def _width(text: str) -> int:
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
