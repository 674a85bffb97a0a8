"""axe finds nothing wrong in any view, in either theme, wide or narrow, in both languages."""

import io
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import Browser, Page, expect

from tests.synth.audio.voices import tone
from tests.synth.service.conftest import RunningService, sine_service
from tests.web.conftest import opened, spoken
from tests.web.lent import lend_from

pytestmark = pytest.mark.slow

WEB = Path(__file__).parents[2] / "web"
AXE = Path("node_modules") / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core's script: the one beside the page's sources, else installed as they lock it."""
    if (WEB / AXE).exists():
        return (WEB / AXE).read_text("utf-8")
    folder = tmp_path_factory.mktemp("axe")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(WEB / name, folder / name)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True)
    return (folder / AXE).read_text("utf-8")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """The service that is a mirror as well."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "slow").write_text("0.3")
    for mark in ("moods", "clones", "able"):
        (folder / mark).touch()
    lend_from(folder)
    with sine_service(folder, "lends") as running:
        yield running


@pytest.fixture(params=["zh-CN", "en"])
def reader(request: pytest.FixtureRequest, browser: Browser, service: RunningService) -> Iterator[Page]:
    with opened(browser, service.address, request.param) as page:
        yield page


def speak(page: Page) -> None:
    page.goto("/#speak")
    page.locator("#text").fill("你好。世界再见。")
    for folded in ("#marks", "#mix", "#finer-said"):
        page.locator(folded).evaluate("inside => { inside.closest('details').open = true; }")
    page.locator("#emotions input").nth(3).check()
    page.locator("#do-speak").click()
    expect(page.locator("#takes .player[data-state=ready]").first).to_be_visible()


def script(page: Page) -> None:
    page.goto("/#script")
    page.locator("#paste-script").click()
    page.locator("#pasted").fill("甲：你好。\n乙：再见。\n甲：好。\n乙：好。")
    page.locator("#pasting .main").click()
    page.locator("#join-lines").click()
    expect(page.locator("#joined .player[data-state=ready]")).to_be_visible()
    page.locator("#lines .play").first.click()


def naming(page: Page) -> None:
    page.goto("/#speak")
    page.locator("#templates .keeper").click()
    expect(page.locator("#naming")).to_be_visible()


def history(page: Page) -> None:
    spoken(page, "一条。两条。")
    page.request.post("/synthesize", data={"text": "出错"})
    page.goto("/#history")
    expect(page.locator("#rows > li[data-id]").nth(1)).to_be_visible()
    page.locator("#rows [data-act=tick]:not(:disabled)").first.check()
    page.locator("#rows [data-act=play]:not(:disabled)").first.click()


def trash(page: Page) -> None:
    page.request.delete(f"/api/tasks/{spoken(page, '不要了')}")
    page.goto("/#history?trash=1")
    expect(page.locator("#rows > li[data-id]").first).to_be_visible()


def undo(page: Page) -> None:
    spoken(page, "要删")
    page.goto("/#history?q=要删")
    page.locator("#rows [data-act=delete]").first.click()
    expect(page.locator("#notice")).to_have_class("shown")


def nothing(page: Page) -> None:
    page.goto("/#history?q=没有这样的文字")
    expect(page.locator("#nothing")).to_be_visible()


def compare(page: Page) -> None:
    one, other = spoken(page, "同一句。两遍。"), spoken(page, "同一句。两遍。", speed=1.5)
    page.goto(f"/#compare?a={one}&b={other}")
    expect(page.locator("#sides .player[data-state=ready]")).to_have_count(2)


def voices(page: Page) -> None:
    page.goto("/#voices")
    if not page.request.get("/api/voices").json()["voices"]:
        about = {"name": "王小明", "person": "王小明", "statement": "我同意。", "language": "zh-CN"}
        page.request.post("/api/voices", multipart={**about, "clip": {"name": "a.wav", "mimeType": "audio/wav", "buffer": clip()}})
        page.reload()
    expect(page.locator("#kept > li")).to_be_visible()
    page.locator("#clip").set_input_files({"name": "a.wav", "mimeType": "audio/wav", "buffer": clip()})
    expect(page.locator("#trim")).to_be_visible()


def clip() -> bytes:
    with io.BytesIO() as file:
        soundfile.write(file, tone(24_000, 2.0), 24_000, format="WAV")
        return file.getvalue()


def models(page: Page) -> None:
    page.goto("/#models")
    expect(page.locator("#models > li").first).to_be_visible()


def mirrors(page: Page) -> None:
    page.goto("/#mirrors")
    expect(page.locator("#mirrors > li").first).to_be_visible()


def audit(page: Page) -> None:
    page.goto("/#audit")
    expect(page.locator("#deeds tr").first).to_be_visible()
    page.locator("#deeds summary").first.click()


def report(page: Page) -> None:
    page.goto("/#report")
    expect(page.locator("#report h2")).to_be_visible()


def settings(page: Page) -> None:
    page.goto("/#settings")
    expect(page.locator("#examples pre").first).to_be_visible()
    expect(page.locator("#who")).not_to_be_empty()


def docs(page: Page) -> None:
    page.goto("/docs")
    expect(page.locator(".endpoint").first).to_be_visible()


VIEWS = [speak, naming, script, history, trash, undo, nothing, compare, voices, models, mirrors, audit, report, settings, docs]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
@pytest.mark.network
def test_axe_finds_nothing(reader: Page, axe: str, view: Callable[[Page], None]) -> None:
    view(reader)
    # Evaluated, not added as a script: the page's content policy refuses what is not its own.
    reader.evaluate(axe)
    for theme in ("light", "dark"):
        for width in (1280, 390):
            reader.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
            reader.set_viewport_size({"width": width, "height": 844})
            found = reader.evaluate(
                "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
                ".map(rule => [rule.id, ...rule.nodes.slice(0, 3).map(node => node.html.slice(0, 160) + node.failureSummary)])"
            )
            assert found == [], (theme, width)


@pytest.mark.parametrize("width", [360, 1280, 3840])
def test_no_view_needs_scrolling_sideways(reader: Page, width: int) -> None:
    reader.set_viewport_size({"width": width, "height": 844})
    for view in (speak, script, history, trash, nothing, compare, voices, models, mirrors, audit, report, settings):
        view(reader)
        assert not reader.evaluate("document.documentElement.scrollWidth > innerWidth"), view.__name__
