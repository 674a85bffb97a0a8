"""The views of a mirror: how those of the catalogue did, what others were given, and what was done here."""

import re
import time
from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.synth.service.conftest import RunningService, sine_service
from tests.web.conftest import opened
from tests.web.lent import lend_from

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("mirror")
    (folder / "slow").write_text("0")
    lend_from(folder)
    with sine_service(folder, "lends") as running:
        yield running


@pytest.fixture
def page(browser: Browser, mirror: RunningService) -> Iterator[Page]:
    with opened(browser, mirror.address) as page:
        yield page


def test_each_mirror_says_how_it_did(page: Page) -> None:
    page.get_by_role("link", name="镜像").click()
    usb = page.locator("#mirrors > li", has_text="usb")
    expect(usb).to_contain_text("正常")
    expect(usb).to_contain_text("3 ms")
    expect(usb.locator("rect")).to_have_count(12)
    expect(usb.locator("rect.bad")).to_have_count(1)
    expect(usb.get_by_role("img")).to_have_accessible_name("最近 12 次下载的速度，最快 3.5 MiB/s")
    expect(usb).to_contain_text("最近的问题：usb 太慢：30 秒只收到 20480 字节")
    bad = page.locator("#mirrors > li", has_text="far-cdn")
    expect(bad).to_contain_text("之前不再请求")
    expect(bad).to_contain_text("给过 1 次错误的数据")
    expect(page.locator("#mirrors > li", has_text="modelscope").first).to_contain_text("尚未使用")


def test_a_mirror_is_tested_at_once(page: Page) -> None:
    page.goto("/#mirrors")
    page.get_by_role("button", name="立即测试: usb").click()
    expect(page.locator("#mirrors > li", has_text="usb").get_by_role("status")).to_contain_text("/s，首字节")
    page.get_by_role("button", name="立即测试: far-cdn").click()
    expect(page.locator("#mirrors > li", has_text="far-cdn").get_by_role("status")).to_contain_text("无法连接 127.0.0.1:9")


def downloads(mirror: RunningService) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = httpx2.get(f"{mirror.address}/hub/downloads", trust_env=False).json()["downloads"]
    return rows


def test_what_others_were_given_is_shown_for_a_month(page: Page, mirror: RunningService) -> None:
    page.goto("/#mirrors")
    rows = page.locator("#given tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("studio (0a1b2c3d)")
    expect(rows.first).to_contain_text("8.8 GiB")
    expect(page.locator("#given-sum")).to_have_text("共 8.8 GiB")
    # What is fetched now is there a moment later.
    version = httpx2.get(f"{mirror.address}/hub/versions", trust_env=False).json()[0]
    manifest = httpx2.get(f"{mirror.address}/hub/manifests/sha256/{version['digest']}", trust_env=False).json()
    httpx2.get(f"{mirror.address}/hub/blobs/sha256/{manifest['files'][0]['sha256']}", trust_env=False).raise_for_status()
    deadline = time.monotonic() + 20
    while not any(row["client"] == "127.0.0.1" for row in downloads(mirror)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    page.reload()
    expect(rows.filter(has_text="127.0.0.1")).to_contain_text("1.9 MiB")


def test_events_are_searched_and_the_search_stands_in_the_address(page: Page) -> None:
    page.get_by_role("link", name="审计日志").click()
    expect(page.locator("#deeds tr").filter(has_text="pull").first).to_be_visible()
    page.get_by_label("操作", exact=True).fill("pull")
    expect(page.locator("#deeds tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("#audit[?]act=pull$"))
    page.locator("#deeds summary").click()
    expect(page.locator("#deeds pre")).to_contain_text('"mirrors"')
    page.get_by_label("操作", exact=True).fill("nothing like it")
    expect(page.locator("#audit-none")).to_be_visible()
    page.goto("/#audit?act=pull")
    page.reload()
    expect(page.get_by_label("操作", exact=True)).to_have_value("pull")
    expect(page.locator("#deeds tr")).to_have_count(1)


def test_a_moment_that_is_none_is_said_in_the_view(page: Page) -> None:
    page.goto("/#audit?since=2026-11-01&until=2020-01-01")
    expect(page.locator("#audit-none")).to_be_visible()
