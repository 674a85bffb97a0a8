"""What an HTTP answer means, before a byte of it is used: the range that was asked for, or why not."""

import re
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from time import time

from indextts_hub.errors import Expired, Lied, Refused, SourceError
from indextts_hub.sources.protocol import ByteRange

__all__ = ["Waiting", "check_range", "check_unchanged", "is_range", "name_disguise", "status_error", "strong_etag"]

# Signed addresses and tokens are good for minutes: a clock that is further off explains a refusal.
CLOCK_SKEW_SECONDS = 300.0
LARGEST_ERROR = 4096
_PAGES = {b"<!doctype": "an HTML page", b"<html": "an HTML page", b"<?xml": "an XML document", b'{"': "a JSON document"}
_LFS = b"version https://git-lfs.github.com/spec/"


class Waiting(SourceError):
    """The mirror asks for patience: too many requests, or trouble of its own.

    Attributes:
        seconds: what its `Retry-After` asks for, or None.
    """

    default_code = "E_WAIT"

    def __init__(self, message: str, *, seconds: float | None) -> None:
        super().__init__(message, remedy="try again later, or use another mirror")
        self.seconds = seconds


def check_unchanged(mirror: str, validator: str | None, response: HTTPResponse) -> None:
    """Hold an answer to `If-Range: validator`.

    Raises:
        SourceError: E_CHANGED, if it comes from another state of the file.
    """
    # What sends no ETag with a range, or a weak one, has at least looked at the one it was sent.
    said = strong_etag(response)
    if response.status in {200, 206} and (not is_range(response) or said not in {None, validator}):
        raise SourceError(f"{mirror} has another file now than it had before", remedy="use another mirror", code="E_CHANGED")


def is_range(response: HTTPResponse) -> bool:
    """Whether a successful answer is a range: some servers of the S3 kind send one with 200."""
    return response.status == 206 or (response.status == 200 and "Content-Range" in response.headers)


def strong_etag(response: HTTPResponse) -> str | None:
    """The answer's ETag, if it is a strong one."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else None


def check_range(mirror: str, response: HTTPResponse, extent: ByteRange, size: int) -> None:
    """Hold an answer to the question, before a byte of it is used.

    Args:
        extent: what was asked for.
        size: of the whole file in bytes, by the manifest.

    Raises:
        SourceError: `Lied` if it is something else; E_NO_RANGES; or what its status says.
    """
    if is_range(response):
        if response.headers.get_content_type() == "multipart/byteranges":
            raise Lied(f"{mirror} sends a bundle of ranges where one was asked for", remedy="use another mirror", code="E_RANGE")
        said = response.headers.get("Content-Range", "")
        if said.replace(" ", "") not in {f"bytes{extent.start}-{extent.stop - 1}/{total}" for total in (size, "*")}:
            raise Lied(
                f"{mirror} sends the range {said!a} where another was asked for", remedy="use another mirror", code="E_RANGE"
            )
    elif response.status != 200:
        raise status_error(mirror, response)
    if (encoding := response.headers.get("Content-Encoding", "identity").lower()) not in {"identity", ""}:
        raise Lied(f"{mirror} sends the file encoded as {encoding[:20]!a}", remedy="use another mirror", code="E_ENCODED")
    _check_length(mirror, response, extent, size)
    if not is_range(response) and extent.start:
        raise SourceError(f"{mirror} serves no ranges", remedy="use another mirror", code="E_NO_RANGES")


def _check_length(mirror: str, response: HTTPResponse, extent: ByteRange, size: int) -> None:
    lengths = set(response.headers.get_all("Content-Length", []))
    expected = extent.size if is_range(response) else size
    if lengths and lengths != {str(expected)}:
        what = (
            "a page, not weights,"
            if response.headers.get_content_type() in {"text/html", "application/json"}
            else "something else:"
        )
        raise Lied(
            f"{mirror} sends {what} {' and '.join(sorted(lengths))} bytes long where {expected} belong",
            remedy="use another mirror; a page often means that a login or an agreement is wanted",
            code="E_SIZE_MISMATCH",
        )


def name_disguise(head: bytes) -> str | None:
    """What the first bytes of a file are, if they are no weights but a page, a message or a pointer."""
    start = head.lstrip()[:64].lower()
    if start.startswith(_LFS):
        return "a Git LFS pointer"
    return next((name for mark, name in _PAGES.items() if start.startswith(mark)), None)


def status_error(mirror: str, response: HTTPResponse) -> SourceError:
    """What a status other than that of success means."""
    status, said = response.status, _said(response)
    if status in {401, 403, 407, 451}:
        clocks = _clock_difference(response.headers.get("Date"))
        return Refused(
            f"{mirror} refuses with {status}{said}{clocks}",
            remedy="set this machine's clock" if clocks else "check the mirror's credentials and rights",
            code=f"E_HTTP_{status}",
        )
    if status == 410:
        return Expired(f"{mirror} says that the link is over (410)", remedy="resolve the link again")
    if status == 404:
        return SourceError(f"{mirror} does not have the file (404)", remedy="use another mirror", code="E_NOT_THERE")
    if status == 416:
        return Lied(f"{mirror} has less of the file than the manifest says (416)", remedy="use another mirror", code="E_RANGE")
    if status in {408, 425, 429} or status >= 500:
        return Waiting(f"{mirror} answers {status}{said}", seconds=_retry_after(response.headers.get("Retry-After")))
    if region := response.headers.get("x-amz-bucket-region"):
        return SourceError(
            f"{mirror} has its bucket in another region", remedy=f"set `region: {region[:40]!a}`", code=f"E_HTTP_{status}"
        )
    return SourceError(f"{mirror} answers {status}{said}", remedy="use another mirror", code=f"E_HTTP_{status}")


def _said(response: HTTPResponse) -> str:
    """The code in an XML error, as S3 and its kin send it, for the message; else nothing."""
    if response.headers.get_content_type() not in {"application/xml", "text/xml"}:
        return ""
    with suppress(OSError, HTTPException):
        if code := re.search(rb"<Code>([A-Za-z0-9.]{1,60})</Code>", response.read(LARGEST_ERROR)):
            return f" ({code[1].decode()})"
    return ""


def _retry_after(text: str | None) -> float | None:
    if not text:
        return None
    with suppress(ValueError):
        return max(0.0, float(text))
    with suppress(ValueError):
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    return None


def _clock_difference(date: str | None) -> str:
    """Words for how far this machine's clock is from the mirror's; none if they agree, or the mirror does not tell."""
    with suppress(ValueError, TypeError):
        ahead = time() - parsedate_to_datetime(date or "").timestamp()
        if abs(ahead) > CLOCK_SKEW_SECONDS:
            return f"; this machine's clock is {abs(ahead) / 60:.0f} minutes {'ahead of' if ahead > 0 else 'behind'} the mirror's"
    return ""
