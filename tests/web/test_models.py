"""The view of the versions: fetched with the licence read, paused and gone on with, checked, mended, kept and named."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.origins.origin import Origin, paced
from tests.origins.origin import page as html
from tests.synth.service.conftest import RunningService, sine_service
from tests.web.conftest import opened
from tests.web.lent import BODY, lend_from

pytestmark = pytest.mark.slow

LARGE = random.Random(7).randbytes(12 << 20)


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin({"large.bin": LARGE}) as origin:
        yield origin


@pytest.fixture
def hub(tmp_path: Path, origin: Origin) -> Iterator[RunningService]:
    """A service whose catalogue has a version that is here, one under a licence, and the room to fetch it."""
    (tmp_path / "slow").write_text("0")
    lend_from(tmp_path)
    text = (tmp_path / "mirrors.yaml").read_text("utf-8")
    license_ = "{name: Company, url: 'https://example.com/terms', note: Read section 9., accept: true, commercial: false}"
    file = f"{{path: large.bin, size: {len(LARGE)}, sha256: {hashlib.sha256(LARGE).hexdigest()}}}"
    version = (
        f"  large:\n    title: A large one\n    engine: e\n    license: {license_}\n"
        f"    sources: [{{mirror: cdn}}]\n    files: [{file}]\n"
    )
    mirror = f"  cdn: {{kind: http, base: '{origin.url}'}}\n"
    (tmp_path / "mirrors.yaml").write_text(text.replace("versions:\n", f"{mirror}versions:\n") + version, "utf-8")
    with sine_service(tmp_path, "lends") as running:
        yield running


@pytest.fixture
def page(browser: Browser, hub: RunningService) -> Iterator[Page]:
    with opened(browser, hub.address) as page:
        page.get_by_role("link", name="模型").click()
        yield page


def card(page: Page, name: str) -> Locator:
    return page.locator("#models > li", has=page.get_by_role("heading", name=name, exact=True))


def test_a_version_is_fetched_after_its_licence_was_accepted_paused_and_gone_on_with(page: Page, origin: Origin) -> None:
    origin.faults["*"] = paced(0.01)
    large = card(page, "large")
    expect(large).to_contain_text("未下载")
    expect(large).to_contain_text("12.0 MiB")
    expect(large).to_contain_text("Company (不可商用)")
    expect(large).to_contain_text("Read section 9.")
    expect(large.get_by_role("link", name="许可全文")).to_have_attribute("href", "https://example.com/terms")
    fetch = large.get_by_role("button", name="下载: large")
    expect(fetch).to_be_disabled()
    large.get_by_label("我已阅读并接受 Company").check()
    fetch.click()
    expect(large.get_by_role("status")).to_contain_text("来自 cdn", timeout=20_000)
    large.get_by_role("button", name="暂停: large").click()
    expect(large.get_by_role("status")).to_have_text("已暂停，收到的内容都保留着", timeout=20_000)
    before = len(origin.requests)
    origin.faults.clear()
    large.get_by_role("button", name="继续: large").click()
    expect(large).to_contain_text("已就绪", timeout=20_000)
    expect(large.get_by_role("status")).to_have_text("每个字节都正确")
    assert len(origin.requests) > before


def test_a_version_is_checked_and_mended(page: Page, hub: RunningService) -> None:
    here = card(page, "v23")
    here.get_by_role("button", name="逐字节校验: v23").click()
    expect(here.get_by_role("status")).to_have_text("每个字节都正确", timeout=20_000)
    blob = next(path for path in (hub.folder / "cache_hub" / "blobs").rglob("*") if path.is_file())
    blob.chmod(0o644)
    blob.write_bytes(b"!" + BODY[1:])
    here.get_by_role("button", name="逐字节校验: v23").click()
    expect(here.get_by_role("alert")).to_have_text("有误：gpt.bin", timeout=20_000)
    here.get_by_role("button", name="修复: v23").click()
    expect(here).to_contain_text("已就绪", timeout=20_000)
    expect(here.get_by_role("status")).to_have_text("每个字节都正确", timeout=20_000)


def test_a_version_is_kept_and_named_and_the_name_rolled_back(page: Page, hub: RunningService) -> None:
    here = card(page, "v23")
    here.get_by_role("button", name="固定保留: v23").click()
    expect(here).to_contain_text("已就绪, 已保留")
    here.get_by_label("新别名").fill("stable")
    here.get_by_role("button", name="设置").click()
    expect(here).to_contain_text("stable")
    here.get_by_role("button", name="回退 stable: v23").click()
    expect(here.get_by_role("alert")).to_contain_text("stable")
    here.get_by_role("button", name="取消保留: v23").click()
    expect(here.get_by_role("button", name="固定保留: v23")).to_be_visible()
    acts = [event["act"] for event in httpx2.get(f"{hub.address}/hub/audit", trust_env=False).json()["events"]]
    assert {"pin", "unpin", "alias set"} <= set(acts)


def test_what_nothing_needs_is_freed(page: Page, hub: RunningService) -> None:
    folder = hub.folder / "cache_hub" / "blobs" / "sha256" / "ab"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ("ab" * 32)).write_bytes(b"x" * (3 << 20))
    page.reload()
    expect(page.locator("#disk")).to_contain_text("可释放 3.0 MiB")
    page.get_by_role("button", name="释放空间").click()
    expect(page.locator("#disk")).to_contain_text("可释放 0 B")
    expect(page.get_by_role("button", name="释放空间")).to_be_hidden()


def test_what_can_not_be_fetched_says_why(page: Page, origin: Origin) -> None:
    origin.files.clear()
    large = card(page, "large")
    large.get_by_label("我已阅读并接受 Company").check()
    large.get_by_role("button", name="下载: large").click()
    expect(large.get_by_role("alert")).to_contain_text("没有镜像能提供 large.bin", timeout=20_000)
    large.get_by_text("详情").click()
    expect(large).to_contain_text("E_NO_SOURCE: no mirror could deliver large.bin: cdn does not have the file (404)")
    expect(large.get_by_role("button", name="下载: large")).to_be_enabled()


def test_a_page_of_another_site_can_not_do_what_its_reader_may(browser: Browser, hub: RunningService, origin: Origin) -> None:
    """A09: a form needs nobody's leave to be sent, and a service on a loopback address asks for no key."""
    form = f'<form method="post" action="{hub.address}/hub/models/v23/verify"><button>free</button></form>'
    origin.faults["evil.html"] = html(form.encode())
    page = browser.new_page()
    page.goto(f"{origin.url}/evil.html")
    with page.expect_response("**/verify") as answer:
        page.get_by_role("button").click()
    assert (answer.value.status, answer.value.json()["code"]) == (403, "E_ORIGIN")
    page.close()
    (model,) = (
        each for each in httpx2.get(f"{hub.address}/hub/models", trust_env=False).json()["models"] if each["version"] == "v23"
    )
    assert model["act"] is None
