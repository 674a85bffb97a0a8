"""The history: looked through, heard, taken again, deleted and brought back."""

import json
import zipfile
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Download, Locator, Page, expect

from tests.synth.service.conftest import RunningService
from tests.web.conftest import playing, remembered, spoken

pytestmark = pytest.mark.slow


def rows(page: Page) -> Locator:
    return page.locator("#rows > li[data-id]")


def test_what_was_spoken_is_searched_and_heard_where_it_stands(page: Page) -> None:
    spoken(page, "一只独特的鹦鹉", emotion="happy")
    spoken(page, "别的")
    page.get_by_role("link", name="历史", exact=True).click()
    expect(page.get_by_text("一只独特的鹦鹉")).to_be_visible()
    page.get_by_role("searchbox").fill("鹦鹉")
    expect(page.get_by_text("共 1 条")).to_be_visible()
    expect(rows(page)).to_have_count(1)
    row = rows(page).first
    row.get_by_role("button", name="播放").click()
    playing(page, "#sound")
    expect(row.get_by_role("slider", name="播放位置")).to_be_visible()
    expect(row.get_by_text("AI 生成")).to_be_visible()
    # What the address says is what is shown, also when it is opened anew.
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("鹦鹉")
    expect(rows(page)).to_have_count(1)
    page.get_by_label("情感").last.select_option("neutral")
    expect(page.get_by_text("没有符合筛选条件的记录。")).to_be_visible()
    page.get_by_role("button", name="清除筛选").click()
    expect(page.get_by_text("别的")).to_be_visible()


def test_every_filter_narrows_the_list_and_stands_in_the_address(page: Page, service: RunningService) -> None:
    spoken(page, "筛选甲", emotion="happy")
    spoken(page, "筛选乙")
    remembered(service, "筛选丙", 1)
    filters = page.get_by_role("search")

    def finds(query: str, *texts: str) -> None:
        page.goto("/#history?q=筛选" + query)
        expect(page.locator("#found")).to_have_text(f"共 {len(texts)} 条")
        expect(rows(page).locator(".said")).to_have_text(list(texts))

    today = datetime.now().astimezone().date()
    finds("", "筛选乙", "筛选甲", "筛选丙 0")
    finds("&emotion=happy", "筛选甲")
    finds("&status=failed", "筛选丙 0")
    finds("&model=sine", "筛选乙", "筛选甲", "筛选丙 0")
    finds("&model=another")
    expect(filters.get_by_label("版本")).to_have_value("another")
    finds(f"&since={today}", "筛选乙", "筛选甲")
    finds(f"&until={today - timedelta(days=2)}", "筛选丙 0")
    filters.get_by_label("状态").select_option("done")
    expect(page.get_by_text("没有符合筛选条件的记录。")).to_be_visible()
    assert "status=done" in page.url
    assert f"until={today - timedelta(days=2)}" in page.url


def test_a_deleted_one_is_brought_back_at_once_or_from_the_trash(page: Page) -> None:
    for text in ("第一句要删", "第二句要删"):
        spoken(page, text)
    page.goto("/#history?q=要删")
    expect(rows(page)).to_have_count(2)
    rows(page).first.get_by_role("button", name="删除").click()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="撤销").click()
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("第二句要删")
    rows(page).first.get_by_role("button", name="删除").click()
    expect(rows(page)).to_have_count(1)
    page.keyboard.press("Control+z")
    expect(rows(page)).to_have_count(2)
    rows(page).first.get_by_role("button", name="删除").click()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("link", name="回收站").click()
    expect(rows(page)).to_have_count(1)
    expect(rows(page).first).to_contain_text("第二句要删")
    rows(page).first.get_by_role("button", name="恢复").click()
    expect(page.get_by_text("回收站是空的。")).to_be_visible()
    page.goto("/#history?q=要删")
    expect(rows(page)).to_have_count(2)


def test_rows_are_deleted_one_after_another_by_the_keyboard(page: Page) -> None:
    for text in ("键一", "键二", "键三"):
        spoken(page, f"{text}连删")
    page.goto("/#history?q=连删")
    expect(rows(page)).to_have_count(3)
    rows(page).nth(1).get_by_role("button", name="删除").focus()
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(2)
    expect(page.get_by_role("button", name="删除: 键一连删")).to_be_focused()
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_role("button", name="删除: 键三连删")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("没有符合筛选条件的记录。")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_a_purged_one_is_gone_for_good(page: Page) -> None:
    spoken(page, "永远消失")
    page.goto("/#history?q=永远消失")
    rows(page).first.get_by_role("button", name="删除").click()
    page.goto("/#history?q=永远消失&trash=1")
    rows(page).first.get_by_role("button", name="彻底删除").click()
    expect(page.get_by_text("没有符合筛选条件的记录。")).to_be_visible()


def test_one_is_taken_again_with_the_same_settings(page: Page) -> None:
    spoken(page, "再来一遍", emotion="happy", intensity=0.8, speed=1.5, format="mp3", seed=7)
    page.goto("/#history?q=再来一遍")
    rows(page).first.get_by_role("link", name="再来一次").click()
    expect(page.get_by_label("文本")).to_have_value("再来一遍")
    expect(page.get_by_role("radio", name="高兴")).to_be_checked()
    expect(page.get_by_role("slider", name="强度")).to_have_value("0.8")
    expect(page.get_by_role("slider", name="语速")).to_have_value("1.5")
    expect(page.get_by_role("combobox", name="格式")).to_have_value("mp3")
    # What the form has no field for goes along, and is said.
    expect(page.get_by_text("随机种子 7")).to_be_visible()
    with page.expect_request("**/api/tasks") as asked:
        page.get_by_role("button", name="合成").click()
    assert json.loads(asked.value.post_data or "") == {
        "text": "再来一遍", "emotion": "happy", "intensity": 0.8, "speed": 1.5, "format": "mp3", "model": "sine", "seed": 7,
    }  # fmt: skip
    # Back leads to the history as it was looked at.
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("再来一遍")


def test_ten_thousand_tasks_are_scrolled_and_searched_with_a_window_of_rows(page: Page, service: RunningService) -> None:
    remembered(service, "长历史", 10_000)
    page.goto("/#history?q=长历史")
    expect(page.get_by_text("共 10,000 条")).to_be_visible()
    expect(rows(page).first).to_contain_text("长历史 9999")
    # From end to end, as fast as a reader throws it.
    page.evaluate(
        """() => new Promise(done => {
            let frames = 0;
            const step = () => {
                scrollTo(0, document.documentElement.scrollHeight * (frames += 1) / 120);
                if (frames < 120) requestAnimationFrame(step); else done();
            };
            requestAnimationFrame(step);
        })"""
    )
    expect(page.get_by_text("长历史 0", exact=True)).to_be_visible()
    assert page.locator("#rows > li").count() < 60
    # In the middle the rows are those of the middle.
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    expect(page.get_by_text("长历史 5000", exact=True)).to_be_attached()
    page.get_by_role("link", name="导出", exact=True).click()
    expect(page.locator("#history-wrong")).to_contain_text("共有 10000 条，一次最多导出 1000 条")
    page.get_by_role("searchbox").fill("长历史 777")
    expect(page.get_by_text("共 11 条")).to_be_visible()


def test_a_search_that_is_still_typed_does_not_follow_into_the_next_view(page: Page) -> None:
    page.goto("/#history")
    expect(page.locator("#found")).to_contain_text("共")
    page.get_by_role("searchbox").fill("未完")
    page.get_by_role("link", name="音色").click()
    page.wait_for_timeout(400)
    assert page.url.endswith("#voices")


def test_the_other_language_is_spoken_in_every_view_at_once(page: Page) -> None:
    for _ in range(2):
        spoken(page, "双语", emotion="happy")
    page.goto("/#history?q=双语")
    expect(rows(page)).to_have_count(2)
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    expect(rows(page).first).to_contain_text("AI generated")
    expect(rows(page).first).to_contain_text("Happy 50 %")
    expect(page.locator("#found")).to_have_text("2 takes")
    expect(page.get_by_role("search").get_by_label("State").locator("option:checked")).to_have_text("All states")
    page.get_by_role("link", name="Compare", exact=True).click()
    expect(page.get_by_role("row", name="Emotion")).to_contain_text("Happy 50 %")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("row", name="情感")).to_contain_text("高兴 50 %")
    expect(page.locator("#sides .player[data-state=ready]")).to_have_count(2)


def test_up_and_down_lead_through_the_rows(page: Page, service: RunningService) -> None:
    remembered(service, "键盘", 80)
    page.goto("/#history?q=键盘")
    expect(rows(page).first).to_contain_text("键盘 79")
    rows(page).first.get_by_role("link", name="再来一次").focus()
    for _ in range(60):
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(15)
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == "再来一次: 键盘 19"


def test_what_is_being_spoken_is_shown_until_it_is_done(page: Page) -> None:
    page.request.post("/api/tasks", data={"text": "慢。" * 5 + "在途"})
    page.goto("/#history?q=在途")
    expect(rows(page).first.locator(".state")).to_have_text("合成中")
    expect(rows(page).first.get_by_role("button", name="播放")).to_be_enabled(timeout=15_000)


def test_a_lost_connection_is_said_and_recovered_from(page: Page) -> None:
    spoken(page, "断线")
    page.route("**/api/tasks?*", lambda route: route.abort())
    page.goto("/#history?q=断线")
    expect(page.get_by_role("alert").filter(has_text="服务没有响应")).to_be_visible()
    page.unroute("**/api/tasks?*")
    expect(rows(page)).to_have_count(1, timeout=10_000)
    expect(page.locator("#history-wrong")).to_be_hidden()


def test_an_empty_history_leads_to_speaking(page: Page) -> None:
    page.route("**/api/tasks?*", lambda route: route.fulfill(json={"tasks": [], "total": 0, "page": 1, "size": 50}))
    page.goto("/#history")
    expect(page.get_by_text("还没有合成过语音。")).to_be_visible()
    page.get_by_role("link", name="去合成").click()
    expect(page.get_by_label("文本")).to_be_visible()


def test_a_take_is_called_by_a_name_and_found_by_it(page: Page) -> None:
    spoken(page, "要改名的一句")
    page.goto("/#history?q=改名")
    rows(page).first.get_by_role("button", name="重命名").click()
    page.get_by_role("textbox", name="名称").fill("第一幕开场")
    page.keyboard.press("Enter")
    expect(rows(page).first).to_contain_text("第一幕开场")
    page.get_by_role("searchbox").fill("开场")
    expect(rows(page)).to_have_count(1)
    rows(page).first.get_by_role("button", name="重命名").click()
    page.keyboard.press("Escape")
    expect(rows(page).first).to_contain_text("第一幕开场")
    with page.expect_download() as download:
        rows(page).first.get_by_role("link", name="下载").click()
    assert download.value.suggested_filename == "第一幕开场.wav"


def test_what_is_found_and_what_is_chosen_is_exported_with_captions(page: Page) -> None:
    for text in ("出口一", "出口二", "出口三"):
        spoken(page, text)
    page.goto("/#history?q=出口")
    expect(rows(page)).to_have_count(3)

    def audio(download: Download) -> list[str]:
        with zipfile.ZipFile(download.path()) as file:
            assert "all.srt" in file.namelist()
            return [name for name in file.namelist() if name.endswith(".wav")]

    with page.expect_download() as all_of_them:
        page.get_by_role("link", name="导出", exact=True).click()
    assert audio(all_of_them.value) == ["0001-出口三.wav", "0002-出口二.wav", "0003-出口一.wav"]
    for at in (2, 0):
        rows(page).nth(at).get_by_role("checkbox").check()
    with page.expect_download() as chosen:
        page.get_by_role("link", name="导出 ZIP").click()
    assert audio(chosen.value) == ["0001-出口一.wav", "0002-出口三.wav"]
