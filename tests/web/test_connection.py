"""A connection that is lost is said and waited for, and nothing that was typed is lost with it."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow


@pytest.fixture
def lost(page: Page) -> Page:
    """The page with a text typed, and no network."""
    page.get_by_label("文本").fill("这句话要留住。")
    page.context.set_offline(True)
    return page


def test_a_lost_connection_is_said_until_it_is_back(lost: Page) -> None:
    expect(lost.get_by_text("与服务的连接断开了")).to_be_visible()
    lost.get_by_role("button", name="合成").click()
    expect(lost.locator("#trouble")).to_contain_text("服务没有响应")
    lost.context.set_offline(False)
    expect(lost.get_by_text("服务已恢复连接。")).to_be_visible(timeout=15_000)
    expect(lost.get_by_text("与服务的连接断开了")).to_be_hidden()
    expect(lost.get_by_label("文本")).to_have_value("这句话要留住。")
    lost.get_by_role("button", name="合成").click()
    expect(lost.locator("#takes .player[data-state=ready]")).to_be_visible()


def test_a_view_that_could_not_be_shown_is_shown_once_it_can(lost: Page) -> None:
    lost.get_by_role("link", name="音色").click()
    expect(lost.locator("#voice-trouble")).to_contain_text("服务没有响应")
    lost.context.set_offline(False)
    expect(lost.get_by_text("服务已恢复连接。")).to_be_visible(timeout=15_000)
    expect(lost.locator("#voice-trouble")).to_be_hidden()
    expect(lost.get_by_text("还没有保存音色。")).to_be_visible()


def test_a_synthesis_goes_on_where_its_progress_was_lost(page: Page) -> None:
    broken = 0

    def breaks(route: object) -> None:
        nonlocal broken
        broken += 1
        route.abort() if broken == 1 else route.continue_()  # type: ignore[attr-defined]

    page.route("**/api/tasks/*/events", breaks)
    page.get_by_label("文本").fill("慢。慢。")
    page.get_by_role("button", name="合成").click()
    expect(page.locator("#takes .player[data-state=ready]")).to_be_visible(timeout=20_000)
    assert broken >= 2
