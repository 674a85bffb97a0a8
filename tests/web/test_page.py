"""The page in a real browser, against the real service with the tests' small engine."""

import gzip
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import Browser, Page, expect

from indextts_hub.db import open_database, sqlite_url
from indextts_hub.db.keys import Scope, create_key
from tests.synth.audio.voices import tone
from tests.synth.service.conftest import RunningService, configured_service, sine_service
from tests.web.conftest import playing, spoken

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"


@pytest.mark.slow
def test_a_text_is_typed_a_button_is_pressed_and_it_is_heard(page: Page) -> None:
    page.get_by_label("文本").fill("你好。世界再见。")
    page.get_by_role("radio", name="高兴").check()
    page.get_by_role("button", name="合成").click()
    playing(page, "#takes audio")
    audio = page.locator("#takes audio")
    assert audio.evaluate("audio => audio.currentTime > 0")
    expect(page.locator("#takes > li")).to_contain_text("AI 生成")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载").click()
    assert re.fullmatch(r"speech-[0-9a-f]{8}\.wav", download.value.suggested_filename)


@pytest.mark.slow
def test_the_keyboard_is_enough(page: Page) -> None:
    # What there is to tab to is known when the versions are.
    expect(page.locator("#whence").get_by_role("radio")).to_have_count(2)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到内容")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("文本")).to_be_focused()
    page.keyboard.type("你好")
    page.keyboard.press("Tab")  # to the marks, which stay folded
    page.keyboard.press("Tab")  # to where the emotion comes from, which stays the wheel
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="高兴")).to_be_checked()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#takes .player[data-state=ready]")).to_be_visible()


@pytest.mark.slow
def test_only_what_the_version_can_do_is_offered(page: Page) -> None:
    expect(page.locator("#emotions").get_by_role("radio")).to_have_count(2)
    expect(page.locator("#whence").get_by_role("radio")).to_have_count(2)


@pytest.mark.slow
def test_what_is_wrong_is_said_in_words(page: Page) -> None:
    page.get_by_label("文本").fill("😀")
    page.get_by_role("button", name="合成").click()
    expect(page.get_by_role("alert")).to_have_text("文本中没有可以朗读的内容。请写一些汉字、字母或数字。")
    expect(page.get_by_role("button", name="合成")).to_be_enabled()


@pytest.mark.slow
def test_a_synthesis_can_be_stopped(page: Page) -> None:
    page.get_by_label("文本").fill("慢。" * 60)
    page.get_by_role("button", name="合成").click()
    page.get_by_role("button", name="停止").click()
    expect(page.locator("#progress")).to_have_text("已停止。")


@pytest.mark.slow
def test_progress_is_shown_segment_by_segment(page: Page) -> None:
    page.get_by_label("文本").fill("慢。" * 10)
    page.get_by_role("button", name="合成").click()
    page.wait_for_selector("#bar[value]")
    expect(page.get_by_role("progressbar")).to_have_js_property("max", 10)
    expect(page.locator("#takes .player[data-state=ready]")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_be_hidden()


@pytest.mark.slow
def test_the_other_language_is_one_press_away_and_is_kept(page: Page) -> None:
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Speak a text")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Speak")).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_needs_no_scrolling_sideways(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": 360, "height": 740})
    page.get_by_label("文本").fill("好" * 200)
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.slow
def test_the_api_is_described_from_what_the_service_says_of_itself(page: Page) -> None:
    page.get_by_role("link", name="接口").click()
    expect(page.get_by_text("/synthesize", exact=True)).to_be_visible()
    expect(page.get_by_text("emotion_vector", exact=True).first).to_be_visible()


def test_the_page_names_no_other_address() -> None:
    for file in (path for path in (WEB / "dist").rglob("*") if path.is_file()):
        addresses = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", file.read_text("utf-8"))
        assert set(addresses) <= {"http://www.w3.org"}, file  # the name of SVG, which nothing asks for


@pytest.mark.slow
@pytest.mark.network
def test_the_committed_page_is_what_its_sources_build(tmp_path: Path) -> None:
    for name in ("src", "index.html", "docs.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts"):
        source = WEB / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name)
        else:
            shutil.copy(source, tmp_path / name)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=tmp_path, check=True)
    subprocess.run(["npm", "run", "build"], cwd=tmp_path, check=True)
    assert contents(tmp_path / "dist") == contents(WEB / "dist")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_service_that_wants_a_key_asks_for_it_and_goes_on(browser: Browser, tmp_path: Path) -> None:
    with sine_service(tmp_path, "keys") as guarded:
        with closing(open_database(sqlite_url(tmp_path / "hub.sqlite3"))) as database:
            _, key = create_key(database, "reader", frozenset(Scope), datetime.now(UTC), None)
        context = browser.new_context(locale="zh-CN", base_url=guarded.address)
        page = context.new_page()
        page.goto("/")
        page.get_by_label("文本").fill("你好。")
        page.get_by_role("button", name="合成").click()
        door = page.get_by_role("dialog", name="登录")
        expect(door).to_be_visible()
        door.get_by_label("密钥").fill("ihk_wrong")
        door.get_by_role("button", name="登录").click()
        expect(door.get_by_role("alert")).to_contain_text("密钥不存在")
        door.get_by_label("密钥").fill(key)
        door.get_by_role("button", name="登录").click()
        expect(door).not_to_be_visible()
        expect(page.locator("#takes .player[data-state=ready]")).to_be_visible()
        context.close()


@pytest.mark.slow
def test_a_mark_is_put_into_the_text_by_a_button(page: Page) -> None:
    page.get_by_label("文本").fill("你好")
    page.get_by_text("角色、情感与停顿的标记").click()
    page.get_by_role("button", name="<break 500ms>").click()
    expect(page.get_by_label("文本")).to_have_value("你好<break 500ms>")


@pytest.fixture(scope="module")
def cloning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("cloning")
    (folder / "clones").touch()
    with configured_service(folder) as running:
        yield running


@pytest.mark.slow
def test_a_voice_is_kept_with_consent_spoken_with_and_deleted(browser: Browser, cloning: RunningService, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "clip.wav", tone(24_000), 24_000)
    context = browser.new_context(locale="zh-CN", base_url=cloning.address)
    page = context.new_page()
    page.goto("/#voices")
    expect(page.get_by_text("还没有保存音色。")).to_be_visible()
    page.get_by_label("音色名称").fill("旁白")
    page.get_by_label("录音中的人").fill("王小明")
    page.get_by_label("本人同意的内容").fill("我同意用我的声音合成语音。")
    page.get_by_role("button", name="保存音色").click()
    expect(page.get_by_text("请选择一段录音，或现在录一段。")).to_be_visible()
    page.get_by_label("一段录音").set_input_files(tmp_path / "clip.wav")
    page.get_by_role("button", name="保存音色").click()
    kept = page.locator("#kept > li")
    expect(kept).to_have_count(1)
    expect(kept).to_contain_text("王小明")
    page.get_by_role("link", name="合成").click()
    page.get_by_label("文本").fill("你好。")
    page.get_by_role("form", name="语音合成").get_by_label("音色", exact=True).select_option(label="旁白")
    page.get_by_role("button", name="合成").click()
    expect(page.locator("#takes .player[data-state=ready]")).to_be_visible()
    page.goto("/#voices")
    kept.get_by_role("button", name="删除并清除痕迹").click()
    expect(kept).to_have_count(0)
    context.close()


@pytest.mark.slow
def test_a_voice_is_recorded_in_the_browser(browser: Browser, cloning: RunningService) -> None:
    context = browser.new_context(locale="en", base_url=cloning.address, permissions=["microphone"])
    page = context.new_page()
    page.goto("/#voices")
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(2500)
    page.get_by_role("button", name="Stop recording").click()
    expect(page.locator("#trim")).to_be_visible()
    page.get_by_label("Name of the voice").fill("recorded")
    page.get_by_label("Who is heard").fill("Me")
    page.get_by_label("What they consented to").fill("I consent.")
    page.get_by_role("button", name="Keep the voice").click()
    expect(page.locator("#kept > li").filter(has_text="recorded")).to_have_count(1)
    context.close()


@pytest.mark.slow
def test_a_version_without_a_voice_of_its_own_asks_for_one_that_is_kept(browser: Browser, tmp_path: Path) -> None:
    for mark in ("clones", "voiceless"):
        (tmp_path / mark).touch()
    soundfile.write(tmp_path / "clip.wav", tone(24_000), 24_000)
    with configured_service(tmp_path) as running:
        context = browser.new_context(locale="zh-CN", base_url=running.address)
        page = context.new_page()
        page.goto("/")
        choice = page.get_by_role("form", name="语音合成").get_by_label("音色", exact=True)
        expect(choice).to_contain_text("请先在“音色”中保存")
        page.get_by_label("文本").fill("你好。")
        page.get_by_role("button", name="合成").click()
        expect(page.locator("#trouble")).to_contain_text("此版本没有自带的音色。")
        page.get_by_role("link", name="音色").click()
        page.get_by_label("音色名称").fill("旁白")
        page.get_by_label("录音中的人").fill("王小明")
        page.get_by_label("本人同意的内容").fill("我同意。")
        page.get_by_label("一段录音").set_input_files(tmp_path / "clip.wav")
        page.get_by_role("button", name="保存音色").click()
        expect(page.locator("#kept > li")).to_have_count(1)
        page.get_by_role("link", name="合成").click()
        # It is the only one, and chosen.
        expect(choice).to_have_text("旁白")
        page.get_by_role("button", name="合成").click()
        expect(page.locator("#takes .player[data-state=ready]")).to_be_visible()
        context.close()


@pytest.mark.slow
@pytest.mark.parametrize("view", ["history", "compare", "voices"])
def test_every_view_fits_a_narrow_screen(page: Page, view: str) -> None:
    for _ in range(2):
        spoken(page, "好" * 100)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"/#{view}")
    page.wait_for_timeout(500)
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_the_first_view_is_small() -> None:
    index = (WEB / "dist" / "index.html").read_text("utf-8")
    loaded = [WEB / "dist" / name for name in re.findall(r"\./(assets/[\w.-]+)", index)]
    assert len(loaded) >= 3
    assert sum(len(gzip.compress(path.read_bytes())) for path in (*loaded, WEB / "dist" / "index.html")) < 200_000


@pytest.mark.slow
def test_a_history_that_wants_a_key_is_shown_once_there_is_one(browser: Browser, tmp_path: Path) -> None:
    with sine_service(tmp_path, "keys") as guarded:
        with closing(open_database(sqlite_url(tmp_path / "hub.sqlite3"))) as database:
            _, key = create_key(database, "reader", frozenset(Scope), datetime.now(UTC), None)
        context = browser.new_context(locale="zh-CN", base_url=guarded.address)
        page = context.new_page()
        # All that wants a key has been refused: what is refused later would open the door once more.
        page.goto("/#history", wait_until="networkidle")
        door = page.get_by_role("dialog", name="登录")
        expect(door).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("alert").filter(has_text="请先登录。")).to_be_visible()
        page.wait_for_timeout(3500)
        expect(door).to_be_hidden()
        page.get_by_role("button", name="重试").click()
        door.get_by_label("密钥").fill(key)
        page.keyboard.press("Enter")
        expect(page.get_by_text("还没有合成过语音。")).to_be_visible()
        context.close()


@pytest.mark.slow
def test_the_page_can_be_used_while_the_service_still_thinks(page: Page) -> None:
    """How soon that is, `bench/page.py` measures; here it waits for nothing but its own files."""
    page.route("**/readyz", lambda route: None)
    page.reload()
    page.get_by_label("文本").fill("你好。")
    expect(page.locator("#count")).to_contain_text("3")
    page.get_by_role("link", name="历史").click()
    expect(page.get_by_role("searchbox")).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav"])
def test_a_live_stream_plays_in_the_browser(page: Page, form: str) -> None:
    heard = page.evaluate(
        """async form => {
            const asked = {model: "sine", voice: "alloy", input: "你好。世界再见。", response_format: form};
            const answer = await fetch("/v1/audio/speech",
                {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(asked)});
            const audio = new Audio(URL.createObjectURL(await answer.blob()));
            await audio.play();
            await new Promise((ended, failed) => { audio.onended = ended; audio.onerror = failed; });
            return audio.currentTime;
        }""",
        form,
    )
    assert 1.0 < heard < 1.6
