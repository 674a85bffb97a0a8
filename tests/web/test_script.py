"""The script: roles and their lines, each with a take of its own, joined into one."""

import json
import zipfile
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.synth.service.conftest import RunningService, sine_service
from tests.web.conftest import playing

pytestmark = pytest.mark.slow

SCRIPT = "旁白：雨停了。\n小明：我们赢了！\n旁白：他笑了。\n小明：真的！\n注意：路滑。"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("service")
    (folder / "slow").write_text("0.3")
    with sine_service(folder) as running:
        yield running


@pytest.fixture
def script(page: Page) -> Page:
    """The view with a script of five lines and two roles; 小明 is happy."""
    page.get_by_role("link", name="剧本").click()
    page.get_by_role("button", name="粘贴剧本").click()
    page.get_by_role("textbox", name="粘贴剧本").fill(SCRIPT)
    page.get_by_role("button", name="导入").click()
    page.get_by_role("combobox", name="情感: 小明").select_option("happy")
    return page


def lines(page: Page) -> Locator:
    return page.locator("#lines > li")


def test_a_pasted_script_is_read_into_roles_and_lines(script: Page) -> None:
    expect(script.locator("#cast .name")).to_have_count(2)
    expect(lines(script)).to_have_count(5)
    words = [area.input_value() for area in script.locator("#lines .words").all()]
    # Who speaks once only is part of the sentence.
    assert words == ["雨停了。", "我们赢了！", "他笑了。", "真的！", "注意：路滑。"]
    expect(lines(script).nth(1).get_by_role("combobox", name="角色: 第 2 行")).to_have_value("小明")


def test_roles_have_no_pitch_and_no_volume_where_the_version_follows_none(script: Page) -> None:
    expect(script.get_by_role("slider", name="语速: 小明")).to_be_visible()
    expect(script.locator("#cast .slide:visible")).to_have_count(4)


def test_all_lines_are_spoken_and_joined_with_captions(script: Page) -> None:
    sent: list[dict[str, object]] = []
    script.on("request", lambda request: sent.append(json.loads(request.post_data or "{}")) if request.method == "POST" else None)
    script.get_by_role("button", name="合并全部").click()
    whole = script.locator("#joined .player[data-state=ready]")
    expect(whole).to_be_visible(timeout=20_000)
    expect(script.locator("#lines-said")).to_have_text("已合成 5/5 行")
    assert [ask.get("emotion") for ask in sent[:5]] == ["neutral", "happy", "neutral", "happy", "neutral"]
    expect(whole.locator(".marks span")).to_have_count(5)
    expect(whole).to_contain_text("AI 生成")
    with script.expect_download() as captions:
        whole.get_by_role("link", name="字幕").click()
    assert captions.value.path().read_text("utf-8").count("-->") == 5
    with script.expect_download() as packed:
        script.get_by_role("link", name="逐行导出 ZIP").click()
    with zipfile.ZipFile(packed.value.path()) as file:
        assert [name for name in file.namelist() if name.endswith(".wav")][:2] == ["0001-雨停了.wav", "0002-我们赢了.wav"]
    # It stands in the history under a name of its own.
    script.goto("/#history?q=剧本")
    expect(script.get_by_text("剧本（5 行）").first).to_be_visible()


def test_one_line_is_heard_and_taken_again_when_it_is_changed(script: Page) -> None:
    script.get_by_role("button", name="合成新改的行").click()
    expect(script.locator("#lines-said")).to_have_text("已合成 5/5 行", timeout=20_000)
    second = lines(script).nth(1)
    expect(second.get_by_text("AI 生成")).to_be_visible()
    second.get_by_role("button", name="播放: 第 2 行").click()
    expect(second.get_by_role("progressbar")).to_be_visible()
    second.get_by_role("textbox").fill("我们输了。")
    expect(second).to_contain_text("已修改")
    expect(script.locator("#lines-said")).to_have_text("已合成 4/5 行")
    with script.expect_request("**/api/tasks") as request:
        second.get_by_role("button", name="合成这一行").click()
    assert json.loads(request.value.post_data or "")["text"] == "我们输了。"
    expect(script.locator("#lines-said")).to_have_text("已合成 5/5 行")
    # A role that speaks otherwise now has its lines taken again, and no others.
    script.get_by_role("slider", name="语速: 旁白").fill("1.5")
    expect(script.locator("#lines-said")).to_have_text("已合成 3/5 行")


def test_a_line_that_can_not_be_spoken_says_why_and_holds_up_no_other(script: Page) -> None:
    lines(script).nth(2).get_by_role("textbox").fill("😀")
    script.get_by_role("button", name="合并全部").click()
    expect(lines(script).nth(2).get_by_role("alert")).to_contain_text("没有可以朗读的内容")
    expect(script.locator("#lines-said")).to_have_text("已合成 4/5 行", timeout=20_000)
    expect(script.locator("#script-wrong")).to_contain_text("有几行没有合成成功")


def test_lines_are_written_moved_and_removed_by_the_keyboard(page: Page) -> None:
    page.goto("/#script")
    page.get_by_role("textbox", name="台词: 第 1 行").focus()
    page.keyboard.type("第一句")
    page.keyboard.press("Enter")
    page.keyboard.type("第二句")
    expect(lines(page)).to_have_count(2)
    page.get_by_role("button", name="上移: 第 2 行").press("Enter")
    expect(page.locator("#lines .words").first).to_have_value("第二句")
    page.get_by_role("button", name="删除这一行: 第 1 行").press("Enter")
    expect(lines(page)).to_have_count(1)
    expect(page.get_by_role("textbox", name="台词: 第 1 行")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#lines-said")).to_have_text("已合成 1/1 行")


def test_a_script_outlives_a_reload_with_its_takes(script: Page) -> None:
    script.get_by_role("button", name="合成新改的行").click()
    expect(script.locator("#lines-said")).to_have_text("已合成 5/5 行", timeout=20_000)
    script.reload()
    expect(script.locator("#lines-said")).to_have_text("已合成 5/5 行")
    expect(script.get_by_role("combobox", name="情感: 小明")).to_have_value("happy")
    lines(script).first.get_by_role("button", name="播放: 第 1 行").click()
    expect(lines(script).first.get_by_role("progressbar")).to_be_visible()
    script.get_by_role("button", name="全部清空").click()
    expect(lines(script)).to_have_count(1)


def test_speaking_is_stopped(page: Page) -> None:
    page.goto("/#script")
    page.get_by_role("textbox", name="台词: 第 1 行").fill("慢。" * 40)
    page.get_by_role("button", name="合成新改的行").click()
    expect(lines(page).first).to_contain_text("段")
    page.get_by_role("button", name="停止").locator("visible=true").click()
    expect(page.get_by_role("button", name="合成新改的行")).to_be_enabled()
    expect(page.locator("#lines-said")).to_have_text("已合成 0/1 行")


def test_the_whole_is_heard_by_space(script: Page) -> None:
    script.get_by_role("button", name="合并全部").click()
    expect(script.locator("#joined .player[data-state=ready]")).to_be_visible(timeout=20_000)
    playing(script, "#joined audio")
    script.evaluate("document.activeElement.blur()")
    script.keyboard.press(" ")
    assert script.locator("#joined audio").evaluate("audio => audio.paused")
