"""Settings: language, theme, who is signed in, and the same request for programs."""

import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import Browser, Page, expect

from indextts_hub.db import open_database, sqlite_url
from indextts_hub.db.keys import Scope, create_key
from tests.synth.service.conftest import sine_service

pytestmark = pytest.mark.slow

GROUND = "getComputedStyle(document.body).backgroundColor"


def test_the_theme_is_chosen_kept_and_given_back_to_the_system(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.goto("/#settings")
    light = page.evaluate(GROUND)
    page.get_by_role("radio", name="深色").check()
    dark = page.evaluate(GROUND)
    assert dark != light
    page.reload()
    expect(page.get_by_role("radio", name="深色")).to_be_checked()
    assert page.evaluate(GROUND) == dark
    page.get_by_role("radio", name="跟随系统").check()
    assert page.evaluate(GROUND) == light


def test_the_language_is_chosen_and_kept(page: Page) -> None:
    page.goto("/#settings")
    page.get_by_role("radio", name="English").check()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    page.reload()
    expect(page.get_by_role("radio", name="English")).to_be_checked()


def test_the_examples_are_what_is_chosen_and_do_what_they_say(page: Page, tmp_path: Path) -> None:
    page.get_by_label("文本").fill("今天 it's “好” 天气。\n第二行。")
    page.get_by_role("radio", name="高兴").check()
    page.get_by_role("slider", name="语速").fill("1.5")
    page.get_by_role("combobox", name="格式").select_option("flac")
    page.get_by_role("link", name="设置").click()
    curl, python, openai = (example.inner_text() for example in page.locator("#examples pre").all())
    subprocess.run(["bash", "-c", curl], cwd=tmp_path, check=True, timeout=60)
    first = (tmp_path / "speech.flac").read_bytes()
    (tmp_path / "speech.flac").unlink()
    subprocess.run([sys.executable, "-c", python], cwd=tmp_path, check=True, timeout=60)
    samples, rate = soundfile.read(tmp_path / "speech.flac")
    assert len(first) > 1000
    assert len(samples) / rate > 0.5
    (tmp_path / "speech.flac").unlink()
    subprocess.run([sys.executable, "-c", openai], cwd=tmp_path, check=True, timeout=60)
    assert (tmp_path / "speech.flac").read_bytes()[:4] == b"fLaC"
    asked = page.request.get("/api/tasks?q=天气").json()["tasks"]
    assert [(task["emotion"], task["settings"]["speed"]) for task in asked] == [("happy", 1.5)] * 3


def test_an_example_is_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/#settings")
    page.get_by_role("button", name="复制: curl").click()
    expect(page.get_by_text("已复制。")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith("curl http://127.0.0.1")


def test_who_is_signed_in_and_what_they_may_do_is_said_and_ended(browser: Browser, tmp_path: Path) -> None:
    with sine_service(tmp_path, "keys") as guarded:
        with closing(open_database(sqlite_url(tmp_path / "hub.sqlite3"))) as database:
            _, key = create_key(database, "播音组", frozenset({Scope.SPEAK}), datetime.now(UTC), None)
        context = browser.new_context(locale="zh-CN", base_url=guarded.address)
        page = context.new_page()
        page.goto("/#settings")
        expect(page.get_by_text("尚未登录。")).to_be_visible()
        page.get_by_role("button", name="登录").click()
        page.get_by_label("密钥").fill(key)
        page.keyboard.press("Enter")
        expect(page.get_by_text("已登录为 播音组。")).to_be_visible()
        expect(page.get_by_text("可以合成语音并查看历史。")).to_be_visible()
        expect(page.locator("#examples pre").first).to_contain_text("Authorization: Bearer")
        page.get_by_role("button", name="退出登录").click()
        expect(page.get_by_text("尚未登录。")).to_be_visible()
        assert page.request.get("/api/tasks").status == 401
        context.close()


def test_what_a_key_is_not_good_for_is_not_offered(browser: Browser, tmp_path: Path) -> None:
    from tests.web.lent import lend_from

    lend_from(tmp_path)
    with sine_service(tmp_path, "keys", "lends") as guarded:
        with closing(open_database(sqlite_url(tmp_path / "hub.sqlite3"))) as database:
            _, key = create_key(database, "reader", frozenset({Scope.READ}), datetime.now(UTC), None)
        context = browser.new_context(locale="zh-CN", base_url=guarded.address)
        page = context.new_page()
        page.goto("/#models")
        page.get_by_label("密钥").fill(key)
        page.keyboard.press("Enter")
        expect(page.locator("#models > li")).to_have_count(1)
        expect(page.get_by_role("button", name="逐字节校验")).to_have_count(0)
        # Neither are the views that it would be refused in; who goes there all the same is told.
        expect(page.get_by_role("navigation").get_by_role("link")).to_have_text(["模型", "镜像", "审计日志"])
        page.goto("/#history")
        expect(page.locator("#history-wrong")).to_contain_text("当前密钥没有 speak 权限。请向管理员申请。")
        context.close()
