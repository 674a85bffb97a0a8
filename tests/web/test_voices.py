"""A clip is dropped or chosen, and trimmed before it is sent."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import Page, expect

from tests.synth.audio.voices import tone
from tests.synth.service.conftest import RunningService, sine_service

pytestmark = pytest.mark.slow

DROP = """(place, body) => {
    const bytes = Uint8Array.from(atob(body), letter => letter.charCodeAt(0));
    const files = new DataTransfer();
    files.items.add(new File([bytes], "dropped.wav", {type: "audio/wav"}));
    for (const kind of ["dragenter", "dragover", "drop"]) {
        place.dispatchEvent(new DragEvent(kind, {dataTransfer: files, bubbles: true, cancelable: true}));
    }
}"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("service")
    (folder / "slow").write_text("0")
    (folder / "clones").touch()
    with sine_service(folder) as running:
        yield running


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Five seconds."""
    soundfile.write(tmp_path / "clip.wav", tone(24_000, 5.0), 24_000)
    return tmp_path / "clip.wav"


def keep(page: Page, name: str) -> float:
    """Keep what is shown under a name; how long the service has it."""
    page.get_by_label("音色名称").fill(name)
    page.get_by_label("录音中的人").fill("王小明")
    page.get_by_label("本人同意的内容").fill("我同意。")
    page.get_by_role("button", name="保存音色").click()
    expect(page.locator("#kept > li").filter(has_text=name)).to_have_count(1)
    (seconds,) = (voice["seconds"] for voice in page.request.get("/api/voices").json()["voices"] if voice["name"] == name)
    return float(seconds)


def test_a_clip_is_trimmed_by_numbers(page: Page, clip: Path) -> None:
    page.goto("/#voices")
    page.get_by_label("一段录音").set_input_files(clip)
    expect(page.get_by_text("5.0 秒 / 共 5.0 秒")).to_be_visible()
    page.get_by_label("从（秒）").fill("1")
    page.get_by_label("到（秒）").fill("3.5")
    page.keyboard.press("Tab")
    expect(page.get_by_text("2.5 秒 / 共 5.0 秒")).to_be_visible()
    # Never below what the service takes.
    page.get_by_label("从（秒）").fill("3.4")
    page.keyboard.press("Tab")
    expect(page.get_by_label("到（秒）")).to_have_value("4.4")
    page.get_by_label("从（秒）").fill("1")
    page.keyboard.press("Tab")
    assert keep(page, "按数字") == pytest.approx(3.4, abs=0.05)
    expect(page.locator("#trim")).to_be_hidden()


def test_a_clip_is_trimmed_by_its_edges_and_heard(page: Page, clip: Path) -> None:
    page.goto("/#voices")
    page.get_by_label("一段录音").set_input_files(clip)
    expect(page.locator("#trim")).to_be_visible()
    box = page.locator("#trim-wave").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] - 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, middle, steps=4)
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=4)
    page.mouse.up()
    assert float(page.get_by_label("到（秒）").input_value()) == pytest.approx(3.0, abs=0.2)
    page.get_by_role("button", name="播放").locator("visible=true").first.click()
    expect(page.get_by_role("button", name="暂停").locator("visible=true")).to_be_visible()
    assert keep(page, "按边缘") == pytest.approx(3.0, abs=0.2)


def test_a_file_is_dropped(page: Page, clip: Path) -> None:
    page.goto("/#voices")
    page.locator("#drop").evaluate(DROP, base64.b64encode(clip.read_bytes()).decode())
    expect(page.get_by_text("dropped.wav")).to_be_visible()
    expect(page.get_by_text("5.0 秒 / 共 5.0 秒")).to_be_visible()
    assert keep(page, "拖来的") == pytest.approx(5.0, abs=0.01)


def test_what_the_browser_can_not_read_is_left_to_the_service(page: Page) -> None:
    page.goto("/#voices")
    page.get_by_label("一段录音").set_input_files({"name": "notes.wav", "mimeType": "audio/wav", "buffer": b"no sound" * 100})
    page.get_by_label("音色名称").fill("坏的")
    page.get_by_label("录音中的人").fill("王小明")
    page.get_by_label("本人同意的内容").fill("我同意。")
    page.get_by_role("button", name="保存音色").click()
    expect(page.locator("#voice-trouble")).to_contain_text("无法读取这段录音。请另存为完好的")


def test_the_history_is_filtered_by_voice(page: Page, clip: Path) -> None:
    page.goto("/#voices")
    page.get_by_label("一段录音").set_input_files(clip)
    keep(page, "说书人")
    voice = next(each["id"] for each in page.request.get("/api/voices").json()["voices"] if each["name"] == "说书人")
    page.request.post("/synthesize", data={"text": "按音色找的一句", "voice": voice})
    page.request.post("/synthesize", data={"text": "按音色找的另一句"})
    page.goto("/#history?q=按音色找")
    expect(page.locator("#rows > li[data-id]")).to_have_count(2)
    page.get_by_role("search").get_by_role("combobox", name="音色").select_option("说书人")
    expect(page.locator("#rows > li[data-id]")).to_have_count(1)
    assert f"voice={voice}" in page.url
