"""A browser with the page open against the real service with the tests' small engine."""

import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from zlib import crc32

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from indextts_hub.db import open_database, sqlite_url
from indextts_hub.db.tasks import SpokenTask, TaskSettings, task_row
from tests.synth.service.conftest import RunningService, service

__all__ = ["service"]

# A machine that runs much else beside takes its time; what comes sooner is not waited for.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Debian's own browser where it is installed, else the one that `playwright install chromium` brought.
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            # With a microphone of Chromium's own, which beeps.
            args=[
                "--autoplay-policy=no-user-gesture-required",
                "--mute-audio",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
            ],
        )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, service: RunningService) -> Iterator[Page]:
    with opened(browser, service.address) as page:
        yield page


@contextmanager
def opened(browser: Browser, address: str, locale: str = "zh-CN") -> Iterator[Page]:
    """The page as a reader opens it; any trouble on the browser's console, and any request to elsewhere, fails the test."""
    context = browser.new_context(locale=locale, base_url=address)
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/")
    yield page
    context.close()
    # A request that is refused or broken off, or a version that is still being loaded, is no trouble of the page.
    assert [
        complaint
        for complaint in complaints
        if not re.search(r"status of (404|422|503)|ERR_FAILED|ERR_INTERNET_DISCONNECTED", complaint)
    ] == []
    assert [url for url in asked if not url.startswith((address, "blob:" + address))] == []


def spoken(page: Page, text: str, **settings: object) -> str:
    """Speak a text over HTTP, as another program would have; its task's id."""
    answer = page.request.post("/synthesize", data={"text": text, **settings})
    assert answer.ok, answer.text()
    return str(answer.json()["id"])


def remembered(service: RunningService, text: str, count: int) -> None:
    """Put tasks that failed into the history, a month old, the last one the latest: `TEXT 0`, `TEXT 1`, …"""
    began = datetime.now(UTC) - timedelta(days=30)
    with closing(open_database(sqlite_url(service.folder / "hub.sqlite3"))) as database, database.session() as session:
        for number in range(count):
            task = SpokenTask(
                id=f"{crc32(text.encode()):08x}{number:06}", created=began + timedelta(seconds=number), status="failed",
                text=f"{text} {number}", model="sine", settings=TaskSettings("wav"), error="it was made for a test",
            )  # fmt: skip
            session.add(task_row(task))


def playing(page: Page, selector: str) -> None:
    """Wait until a player sounds."""
    page.locator(selector).evaluate(
        "audio => audio.currentTime > 0 || new Promise(heard => audio.addEventListener('timeupdate', heard, {once: true}))"
    )
