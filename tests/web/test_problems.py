"""What the service says of a request is said on the page in the reader's language."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

ROOT = Path(__file__).parents[2]
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# What a request of the page can end in: the rooms that see to it.
ROOMS = ("synth/text", "synth/service", "synth/worker", "synth/engines/able.py", "synth/audio/probe.py", "synth/audio/decode.py")
# Not for the page: settings, and what only links and programs meet.
OTHERS = {"E_LIMIT_FORM", "E_NO_MODEL", "E_SETTING", "E_PORT", "E_WORKER_PROTOCOL", "E_KEY_SHOWN", "E_METHOD", "E_PAGE", "E_BATCH"}


def sources() -> list[str]:
    paths = [path for room in ROOMS for path in ([ROOT / room] if room.endswith(".py") else (ROOT / room).rglob("*.py"))]
    return [path.read_text("utf-8") for path in paths]


def test_every_code_that_the_page_can_meet_has_a_sentence() -> None:
    told = set(re.findall(r"^  (E_[A-Z_]+): ", (ROOT / "web/src/problems.ts").read_text("utf-8"), re.MULTILINE))
    raised = {code for text in sources() for code in re.findall(r'(?:code|default_code) ?= ?"(E_[A-Z_]+)"', text)}
    assert raised - told - OTHERS == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("😀", "没有可以朗读的内容"),
        ("好" * 2001, "文本有 2001 个字，太长了"),
        ("你好<break 40s>再见", "停顿超过 30 秒"),
        ("[hapy 0.8]你好", "看不懂标记"),
        ("[sad 0.8]你好", "不支持这种情感：sad"),
        ("错", "引擎在合成这段文本时出错"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(page: Page, text: str, said: str) -> None:
    page.get_by_label("文本").fill(text)
    page.get_by_role("button", name="合成").click()
    expect(page.locator("#trouble")).to_contain_text(said)
    expect(page.locator("#trouble")).to_contain_text("请")
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Speak").click()
    expect(page.locator("#trouble")).to_contain_text(re.compile("[a-z]"))
    assert not CHINESE.search(page.locator("#trouble").inner_text())


@pytest.mark.slow
def test_what_is_wrong_stays_when_the_versions_become_known_after_it(page: Page) -> None:
    waiting: list[Route] = []
    page.route("**/readyz", lambda route: waiting.append(route))  # noqa: PLW0108 - Playwright counts what it takes
    page.reload()
    page.get_by_label("文本").fill("😀")
    page.get_by_role("button", name="合成").click()
    expect(page.locator("#trouble")).to_contain_text("没有可以朗读的内容")
    for route in waiting:
        route.continue_()
    expect(page.locator("#model option")).to_have_count(1)
    page.wait_for_timeout(300)
    expect(page.locator("#trouble")).to_contain_text("没有可以朗读的内容")


@pytest.mark.slow
def test_a_warning_is_said_in_the_language_that_is_read(page: Page) -> None:
    page.get_by_label("文本").fill("你好，☃世界。")
    page.get_by_role("button", name="合成").click()
    warning = page.locator("#takes .warnings")
    expect(warning).to_have_text("以下字符无法朗读，已略去：☃")
    page.get_by_role("button", name="English").click()
    expect(warning).to_have_text("Left out, as nothing reads them aloud: ☃.")
