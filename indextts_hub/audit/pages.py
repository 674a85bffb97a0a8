"""A report for people: as Markdown, and as one HTML page that can be printed and needs nothing from elsewhere. Pure."""

from collections.abc import Mapping, Sequence
from html import escape

from indextts_hub.audit.events import AuditEvent
from indextts_hub.audit.report import Report
from indextts_hub.db import FileTransfer
from indextts_hub.manifest import Json

__all__ = ["as_html", "as_markdown"]

_STYLE = (
    "body{font:15px/1.5 system-ui,'Noto Sans SC','Microsoft YaHei',sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}"
    "td,th{border-top:1px solid #ccc;padding:.3rem .6rem .3rem 0;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    "th{font-weight:600;white-space:nowrap}@media print{body{margin:0}tr{break-inside:avoid}}"
)

_Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]


def as_markdown(report: Report) -> str:
    """The report in Markdown; what comes from outside can make no markup of its own."""
    lines = [f"# {_plain(report.name)}", "", f"`sha256:{report.manifest.digest}`", ""]
    for title, head, rows in _tables(report):
        lines += [f"## {title}", ""]
        if not rows:
            lines += ["None.", ""]
            continue
        lines += [_row(head), _row(["---"] * len(head)), *(_row([_plain(cell) for cell in row]) for row in rows), ""]
    return "\n".join(lines)


def as_html(report: Report) -> str:
    """The report as one HTML page."""
    parts = []
    for title, head, rows in _tables(report):
        names = "".join(f"<th scope=col>{escape(name)}</th>" for name in head)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        table = f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>" if rows else "<p>None.</p>"
        parts.append(f"<h2>{escape(title)}</h2>{table}")
    name = escape(report.name)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title><style>{_STYLE}</style></head>'
        f"<body><h1>{name}</h1><p><code>sha256:{report.manifest.digest}</code></p>{''.join(parts)}</body></html>\n"
    )


def _ranges(transfer: FileTransfer) -> str:
    """Which bytes of a file a mirror gave, from the first to the last of each range."""
    return f": {', '.join(f'{start:,}–{stop - 1:,}' for start, stop in transfer.ranges)}" if transfer.ranges else ""


def _tables(report: Report) -> list[_Table]:
    manifest = report.manifest
    licenses = [("the whole", manifest.license), *((str(part.at), part.license) for part in manifest.parts)]
    commercial = {True: "yes", False: "no", None: "not said"}
    return [
        (
            "What it is",
            ("", ""),
            [("engine", manifest.engine), ("bytes", f"{manifest.size:,}"), ("files", str(len(manifest.files)))],
        ),
        (
            "Licences",
            ("OF", "LICENCE", "COMMERCIAL USE", "TEXT"),
            [(at, t.name, commercial[t.commercial], t.url or "") for at, t in licenses],
        ),
        ("Who accepted them", ("AT", "BY", "LICENCE"), [(f"{a.at:%Y-%m-%d %H:%M:%S}", a.by, a.license) for a in report.accepted]),
        (
            "Files",
            ("PATH", "BYTES", "SHA-256", "STATE", "FROM", "GATE"),
            [
                (
                    str(file.entry.path),
                    f"{file.entry.size:,}",
                    file.entry.sha256,
                    "present" if file.present else "absent",
                    "; ".join(f"{each.mirror} {each.bytes:,} ({at[:19]}){_ranges(each)}" for at, each in file.transfers),
                    "" if file.scan is None else file.scan.outcome,
                )
                for file in report.files
            ],
        ),
        (
            "What was done",
            ("NO.", "AT", "ACT", "BY", "OUTCOME"),
            [(str(e.seq), f"{e.at:%Y-%m-%d %H:%M:%S}", e.act, e.actor, e.outcome) for e in report.events],
        ),
        (
            "When it was served",
            ("NO.", "AT", "AS", "BY"),
            [(str(e.seq), f"{e.at:%Y-%m-%d %H:%M:%S}", e.subject, e.actor) for e in report.served],
        ),
        ("Who vouched for it", ("AT", "ACT", "BY"), [_vouched(signature) for signature in report.signatures()]),
        (
            "Where it comes from and what became of it",
            ("NO.", "AT", "ACT", "SUBJECT", "FROM", "TO"),
            [(str(e.seq), f"{e.at:%Y-%m-%d %H:%M:%S}", e.act, e.subject, *_steps(e)) for e in report.lineage],
        ),
        (
            "What it spoke",
            ("TASK", "AT", "ASKED BY", "SHA-256 OF THE AUDIO"),
            [(u.id, f"{u.created:%Y-%m-%d %H:%M:%S}", u.asker, u.audio_sha256 or "") for u in report.utterances],
        ),
        ("The log", ("EVENTS", "HEAD"), [(str(report.log_events), report.log_head)]),
    ]


def _vouched(signature: Mapping[str, Json]) -> tuple[str, str, str]:
    signers = signature.get("signers")
    by = ", ".join(map(str, signers)) if isinstance(signers, list) else str(signature.get("catalogue"))
    return str(signature["at"])[:19], str(signature["act"]), by


def _steps(event: AuditEvent) -> tuple[str, str]:
    """The digests of what was before and what came of it."""
    details = event.details
    if event.act == "serve":
        return str(details.get("before")), str(details.get("digest"))
    return str(details.get("from")), str(details.get("to"))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    return "".join(f"\\{character}" if character in r"\`*_{}[]<>#|!" else character for character in text).replace("\n", " ")
