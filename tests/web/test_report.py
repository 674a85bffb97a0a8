"""A version's report: reached from the models and the audit log, and printed."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.synth.service.conftest import RunningService, sine_service
from tests.web.lent import lend_from

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("service")
    (folder / "slow").write_text("0")
    lend_from(folder)
    with sine_service(folder, "lends") as running:
        yield running


def test_a_version_leads_to_what_is_known_of_it(page: Page) -> None:
    page.goto("/#models")
    page.get_by_role("link", name="报告").click()
    report = page.get_by_role("article")
    expect(report.get_by_role("heading", name="v23")).to_be_visible()
    expect(report.get_by_role("row", name="gpt.bin")).to_contain_text("usb 1.9 MiB")
    expect(report).to_contain_text("pull")
    # What is shown stands in the address, also for a colleague.
    assert "of=v23%40sha256" in page.url
    page.reload()
    expect(report.get_by_role("heading", name="v23")).to_be_visible()


def test_an_event_of_the_log_leads_there_too(page: Page) -> None:
    page.goto("/#audit?act=pull")
    page.locator("#deeds a").first.click()
    expect(page.get_by_role("article").get_by_role("heading", name="v23")).to_be_visible()


def test_only_the_report_is_printed(page: Page) -> None:
    page.goto("/#report")
    expect(page.get_by_role("article").get_by_role("heading", name="v23")).to_be_visible()
    page.evaluate("window.printed = false; window.print = () => { window.printed = true; };")
    page.get_by_role("button", name="打印").click()
    assert page.evaluate("window.printed")
    page.emulate_media(media="print")
    expect(page.get_by_role("article")).to_be_visible()
    expect(page.get_by_role("banner")).to_be_hidden()
    expect(page.get_by_role("button", name="打印")).to_be_hidden()


def test_a_version_that_is_not_known_is_said(page: Page) -> None:
    page.goto("/#report?of=nothing")
    expect(page.get_by_role("alert").filter(has_text="没有这个版本")).to_be_visible()
