"""A take: its waveform, what is spoken where, and the keys that move through it."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import playing, spoken

pytestmark = pytest.mark.slow

TEXT = "这是第一句话。这是第二句比较长的话。这是第三句。"
AUDIO = "#takes audio"


@pytest.fixture
def take(page: Page) -> Page:
    """The page with a take of three segments, which has begun to play and was paused."""
    page.get_by_label("文本").fill(TEXT)
    page.get_by_role("button", name="合成").click()
    playing(page, AUDIO)
    page.get_by_role("button", name="暂停").click()
    page.locator(AUDIO).evaluate("audio => { audio.currentTime = 0; }")
    return page


def moment(page: Page) -> float:
    return float(page.locator(AUDIO).evaluate("audio => audio.currentTime"))


def test_the_waveform_is_drawn_as_the_speech_sounds(take: Page) -> None:
    # Where the sine sounds the columns are high; between the sentences they are flat.
    heights = take.locator("#takes .picture > div").evaluate(
        """host => {
            const canvas = host.shadowRoot.querySelector("canvas");
            const { width, height } = canvas;
            const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
            const rows = Array.from({ length: height }, (_, y) => y);
            const lit = x => rows.filter(y => pixels[4 * (y * width + x) + 3] > 99).length;
            return Array.from({ length: width }, (_, x) => lit(x)).concat([height]);
        }"""
    )
    *columns, height = heights
    assert max(columns) > 0.9 * height
    assert sum(column < 0.1 * height for column in columns) > len(columns) / 4


def test_the_segments_stand_on_the_waveform_with_their_text_and_lead_to_their_place(take: Page) -> None:
    assert take.locator("#takes .marks span").all_inner_texts() == ["这是第一句话。", "这是第二句比较长的话。", "这是第三句。"]
    second = take.get_by_role("button", name="这是第二句比较长的话。")
    second.click()
    starts = take.locator("#takes .marks span").nth(1).evaluate("mark => parseFloat(mark.style.left) / 100")
    whole = take.locator(AUDIO).evaluate("audio => audio.duration")
    assert moment(take) == pytest.approx(starts * whole, abs=0.05)
    expect(second).to_have_attribute("aria-current", "true")


def test_the_waveform_is_a_slider_for_keys_and_the_mouse(take: Page) -> None:
    wave = take.get_by_role("slider", name="播放位置").first
    wave.focus()
    take.keyboard.press("ArrowRight")
    assert moment(take) == pytest.approx(1.0, abs=0.01)
    take.keyboard.press("Shift+ArrowLeft")
    assert moment(take) == pytest.approx(0.9, abs=0.01)
    expect(wave).to_have_attribute("aria-valuenow", "0.9")
    take.keyboard.press("End")
    assert moment(take) == pytest.approx(take.locator(AUDIO).evaluate("audio => audio.duration"), abs=0.11)
    box = wave.bounding_box()
    assert box is not None
    wave.click(position={"x": box["width"] / 2, "y": 60})
    assert moment(take) == pytest.approx(take.locator(AUDIO).evaluate("audio => audio.duration") / 2, abs=0.1)


def test_space_plays_and_pauses_wherever_it_means_nothing_else(take: Page) -> None:
    take.evaluate("document.activeElement.blur()")
    take.keyboard.press(" ")
    playing(take, AUDIO)
    assert take.locator(AUDIO).evaluate("audio => !audio.paused")
    take.get_by_role("slider", name="播放位置").first.focus()
    take.keyboard.press(" ")
    assert take.locator(AUDIO).evaluate("audio => audio.paused")
    before = take.get_by_label("文本").input_value()
    take.get_by_label("文本").focus()
    take.keyboard.press("End")
    take.keyboard.press(" ")
    assert len(take.get_by_label("文本").input_value()) == len(before) + 1
    assert take.locator(AUDIO).evaluate("audio => audio.paused")


def test_a_segment_is_looped(take: Page) -> None:
    take.get_by_role("button", name="循环").click()
    take.get_by_role("button", name="这是第三句。").click()
    start = moment(take)
    take.get_by_role("button", name="播放").first.click()
    # It goes past its end, which is the end of all, back to its beginning, and on.
    take.wait_for_function(f"() => document.querySelector('{AUDIO}').currentTime > {start + 0.4}")
    take.wait_for_function(f"() => document.querySelector('{AUDIO}').currentTime < {start + 0.3}")
    assert moment(take) >= start - 0.05
    take.get_by_role("button", name="这是第一句话。").click()
    take.wait_for_function(f"() => document.querySelector('{AUDIO}').currentTime > 0.5")
    take.wait_for_function(f"() => document.querySelector('{AUDIO}').currentTime < 0.3")
    assert take.locator(AUDIO).evaluate("audio => !audio.paused")


def test_only_one_sounds_at_a_time(take: Page) -> None:
    take.get_by_role("button", name="合成").click()
    expect(take.locator("#takes .player[data-state=ready]")).to_have_count(2)
    take.locator("#takes .play").nth(1).click()
    take.wait_for_function("() => !document.querySelectorAll('#takes audio')[1].paused")
    assert take.locator(AUDIO).nth(0).evaluate("audio => audio.paused")
    take.get_by_role("link", name="历史", exact=True).click()
    assert take.locator(AUDIO).nth(1).evaluate("audio => audio.paused")


def test_audio_and_captions_are_downloaded(take: Page) -> None:
    with take.expect_download() as captions:
        take.get_by_role("link", name="字幕").click()
    assert captions.value.suggested_filename.endswith(".srt")
    assert "这是第三句" in captions.value.path().read_text("utf-8")
    with take.expect_download() as audio:
        take.get_by_role("link", name="下载").click()
    assert audio.value.path().read_bytes()[:4] == b"RIFF"


def test_audio_that_is_gone_is_said(page: Page) -> None:
    one, other = spoken(page, "第一条会消失"), spoken(page, "第一条会消失")
    page.route(f"**/api/tasks/{one}/audio", lambda route: route.fulfill(status=404, json={}))
    page.goto(f"/#compare?a={one}&b={other}")
    expect(page.get_by_role("alert").filter(has_text="音频无法播放。")).to_have_count(1)
    expect(page.locator("#sides .player[data-state=ready]")).to_have_count(1)


def test_an_hour_of_speech_plays_without_being_decoded_for_its_picture(page: Page) -> None:
    one, other = spoken(page, "很长的一条"), spoken(page, "很长的一条")
    page.route(f"**/api/tasks/{one}", lambda route: route.fulfill(json={**route.fetch().json(), "duration": 3600.0}))
    page.goto(f"/#compare?a={one}&b={other}")
    expect(page.locator("#sides .player[data-state=ready]")).to_have_count(2)
    assert page.locator("#sides audio").evaluate_all("all => all.map(audio => new URL(audio.src).protocol)") == ["http:", "blob:"]
    page.keyboard.press(" ")
    playing(page, "#sides audio >> nth=0")


def test_what_was_typed_outlives_a_reload(page: Page) -> None:
    page.get_by_label("文本").fill("写了一半")
    page.reload()
    expect(page.get_by_label("文本")).to_have_value("写了一半")
