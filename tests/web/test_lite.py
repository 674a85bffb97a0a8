"""The page's flows against the service as `serve` starts it, with `lite`."""

import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.conftest import opened, playing

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def address(lite_snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("lite")
    environment = {
        **os.environ,
        "INDEXTTS_HUB_CACHE": str(lite_snapshot.parents[2]),
        "INDEXTTS_HUB_DATABASE_URL": f"sqlite:///{folder / 'hub.sqlite3'}",
    }
    command = [sys.executable, "-m", "cli.main", "serve", "--port", "0", "--model", "lite"]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            found = process.stdout.readline().split()[-1]
            began = time.monotonic()
            while (ready := httpx2.get(f"{found}/readyz", timeout=60, trust_env=False)).status_code != 200:
                assert time.monotonic() - began < 120, ready.text
                time.sleep(0.5)
            yield found
        finally:
            process.terminate()
            process.wait(60)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address) as page:
        page.context.grant_permissions(["microphone"])
        expect(page.get_by_role("slider", name="音高")).to_be_visible()
        yield page


def test_a_text_is_spoken_with_a_mixture_heard_compared_and_exported(page: Page) -> None:
    page.get_by_label("文本").fill("今天是2026年11月27日。我们一起去公园走走吧！")
    page.get_by_role("button", name="广告").click()
    page.keyboard.press("Control+Enter")
    playing(page, "#takes audio")
    expect(page.locator("#takes")).to_contain_text("高兴 70 % + 惊讶 30 %")
    expect(page.locator("#takes .marks span")).to_have_count(2)
    page.get_by_role("radio", name="悲伤").check()
    page.get_by_role("slider", name="音高").fill("-2")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#takes .player[data-state=ready]")).to_have_count(2)
    page.get_by_role("link", name="对比最近两次").click()
    expect(page.get_by_role("row", name="情感")).to_contain_text("悲伤 70 %")
    page.get_by_role("button", name="切换").click()
    page.get_by_role("link", name="历史", exact=True).click()
    with page.expect_download() as packed:
        page.get_by_role("link", name="导出", exact=True).click()
    with zipfile.ZipFile(packed.value.path()) as file:
        assert sum(name.endswith(".wav") for name in file.namelist()) >= 2


def test_a_voice_that_was_recorded_lends_its_mood(page: Page) -> None:
    page.get_by_role("link", name="音色").click()
    page.get_by_role("button", name="录音", exact=True).click()
    page.wait_for_timeout(2500)
    page.get_by_role("button", name="停止录音").click()
    expect(page.locator("#trim")).to_be_visible()
    page.get_by_label("音色名称").fill("蜂鸣")
    page.get_by_label("录音中的人").fill("测试员")
    page.get_by_label("本人同意的内容").fill("我同意。")
    page.get_by_role("button", name="保存音色").click()
    kept = page.locator("#kept > li").filter(has_text="蜂鸣")
    expect(kept).to_have_count(1)
    page.get_by_role("link", name="合成", exact=True).click()
    page.get_by_label("文本").fill("按录音的情绪说。")
    page.get_by_role("radio", name="按音色").check()
    page.get_by_role("button", name="合成").click()
    # A beep is nobody's mood: it is spoken with it, or it is said what is wrong with it.
    expect(page.locator("#takes .player[data-state=ready], #trouble:not(:empty)")).to_have_count(1)
    page.get_by_role("link", name="音色").click()
    kept.get_by_role("button", name="删除并清除痕迹").click()
    expect(kept).to_have_count(0)


def test_a_script_is_spoken_and_joined(page: Page) -> None:
    page.get_by_role("link", name="剧本").click()
    page.get_by_role("button", name="粘贴剧本").click()
    page.get_by_role("textbox", name="粘贴剧本").fill("甲：下雨了。\n乙：带伞了吗？\n甲：没有。\n乙：一起走吧！")
    page.get_by_role("button", name="导入").click()
    page.get_by_role("combobox", name="情感: 甲").select_option("sad")
    page.get_by_role("button", name="合并全部").click()
    expect(page.locator("#joined .player[data-state=ready]")).to_be_visible(timeout=60_000)
    expect(page.locator("#joined .marks span")).to_have_count(4)


def test_the_version_its_report_and_the_log_are_shown(page: Page) -> None:
    page.get_by_role("link", name="模型").click()
    lite = page.locator("#models > li").filter(has=page.get_by_role("heading", name="lite", exact=True))
    expect(lite.first).to_contain_text("已就绪")
    lite.first.get_by_role("link", name="报告").click()
    expect(page.get_by_role("article")).to_contain_text("sha256:")
    page.get_by_role("link", name="审计日志").click()
    expect(page.locator("#deeds tr").first).to_be_visible()
