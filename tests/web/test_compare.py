"""Two takes of one text, side by side."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import spoken

pytestmark = pytest.mark.slow

PLACES = "() => [...document.querySelectorAll('#sides audio')].map(audio => audio.currentTime)"
PAUSED = "() => [...document.querySelectorAll('#sides audio')].map(audio => audio.paused)"


def opened(page: Page, *takes: str) -> None:
    page.goto(f"/#compare?a={takes[0]}&b={takes[1]}")
    expect(page.locator("#sides .player[data-state=ready]")).to_have_count(2)


def test_two_are_ticked_in_the_history_and_compared(page: Page) -> None:
    for speed in (1.0, 1.5, 2.0):
        spoken(page, "勾选两条来对比", speed=speed)
    page.goto("/#history?q=勾选")
    boxes = page.get_by_role("checkbox", name="选择")
    boxes.nth(2).check()
    chosen = page.get_by_role("region", name="已选的记录")
    expect(chosen).to_contain_text("选两条即可对比")
    boxes.nth(1).check()
    boxes.nth(0).check()
    # Three can be exported, but not compared.
    expect(chosen.get_by_role("link", name="导出 ZIP")).to_be_visible()
    expect(chosen.get_by_role("link", name="对比")).to_be_hidden()
    boxes.nth(2).uncheck()
    chosen.get_by_role("link", name="对比").click()
    expect(page.locator("#sides .player[data-state=ready]")).to_have_count(2)
    speed = page.get_by_role("row", name="语速")
    expect(speed).to_contain_text("1.50 ×")
    expect(speed).to_contain_text("2.00 ×")
    expect(page.get_by_text("AI 生成").locator("visible=true")).to_have_count(2)


def test_one_key_goes_to_the_same_place_in_the_other_take(page: Page) -> None:
    text = "这是前面的一句话。这是后面的一句话。"
    takes = spoken(page, text), spoken(page, text, speed=2.0)
    (_, here), (_, there) = (page.request.get(f"/api/tasks/{take}").json()["segments"] for take in takes)
    opened(page, *takes)
    # A third into the second sentence, which the other take reaches in half the time.
    place = here["start"] + (here["end"] - here["start"]) / 3
    page.locator("#sides audio").first.evaluate("(audio, place) => { audio.currentTime = place; }", place)
    page.keyboard.press("x")
    assert page.evaluate(PAUSED) == [True, True]
    first, second = page.evaluate(PLACES)
    assert first == pytest.approx(place, abs=0.01)
    assert second == pytest.approx(there["start"] + (there["end"] - there["start"]) / 3, abs=0.01)
    assert first - second > 0.5
    page.get_by_role("button", name="切换").click()
    assert page.evaluate(PLACES)[0] == pytest.approx(place, abs=0.01)


def test_what_sounds_goes_on_in_the_other_take(page: Page) -> None:
    text = "长长的一句话用来对比播放" * 3
    opened(page, spoken(page, text), spoken(page, text, emotion="happy"))
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('#sides audio').currentTime > 0.3")
    page.keyboard.press("x")
    page.wait_for_function("() => !document.querySelectorAll('#sides audio')[1].paused")
    first, second = page.evaluate(PLACES)
    assert page.evaluate(PAUSED) == [True, False]
    assert second == pytest.approx(first, abs=0.3)
    expect(page.get_by_text("正在听")).to_have_count(2)
    expect(page.locator("#sides .side").nth(1)).to_contain_text("正在听")
    page.keyboard.press("X")
    page.wait_for_function("() => !document.querySelectorAll('#sides audio')[0].paused")
    assert page.evaluate(PAUSED) == [False, True]


def test_the_last_two_takes_of_one_text_are_compared_without_being_named(page: Page) -> None:
    spoken(page, "最近的两次")
    spoken(page, "插在中间")
    spoken(page, "最近的两次", speed=0.8)
    page.get_by_role("link", name="对比", exact=True).click()
    expect(page.locator("#sides .player[data-state=ready]")).to_have_count(2)
    expect(page.locator("#sides .said")).to_have_text(["最近的两次", "最近的两次"])
    assert "a=" in page.url
    page.locator("#sides .side").first.get_by_role("link", name="再来一次").click()
    expect(page.get_by_label("文本")).to_have_value("最近的两次")


def test_two_takes_spoken_here_are_one_press_from_each_other(page: Page) -> None:
    page.get_by_label("文本").fill("同一句话")
    for count in (1, 2):
        page.get_by_role("button", name="合成").click()
        expect(page.locator("#takes .player[data-state=ready]")).to_have_count(count)
    page.get_by_role("link", name="对比最近两次").click()
    expect(page.locator("#sides .player[data-state=ready]")).to_have_count(2)
    page.go_back()
    expect(page.get_by_label("文本")).to_have_value("同一句话")


def test_a_take_that_is_gone_is_said_and_another_can_be_chosen(page: Page) -> None:
    page.goto("/#compare?a=gone&b=gone")
    expect(page.locator("#compare-state")).to_contain_text("这条记录已不存在")
    page.get_by_role("link", name="在历史中选择").click()
    expect(page.get_by_role("searchbox")).to_be_visible()
