"""The wheel of emotions, mixtures of them, and templates."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.synth.service.conftest import RunningService, sine_service

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """The service with an engine that knows all emotions."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "slow").write_text("0.3")
    (folder / "moods").touch()
    with sine_service(folder) as running:
        yield running


def drag(page: Page, x: float, y: float) -> None:
    """Drag from the middle of the wheel to a point, in radii to the right and upwards."""
    expect(page.locator("#emotions input")).to_have_count(9)
    box = page.locator("#wheel").bounding_box()
    assert box is not None
    middle, radius = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), box["width"] / 2 * 100 / 108
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + x * radius / 2, middle[1] - y * radius / 2)
    page.mouse.move(middle[0] + x * radius, middle[1] - y * radius)
    page.mouse.up()


def asked(page: Page) -> dict[str, object]:
    """What is asked of the service when the button is pressed."""
    page.get_by_label("文本").fill("你好。")
    with page.expect_request("**/api/tasks") as request:
        page.get_by_role("button", name="合成").click()
    found: dict[str, object] = json.loads(request.value.post_data or "")
    return found


def test_an_emotion_is_dragged_to_as_far_as_it_is_strong(page: Page) -> None:
    drag(page, 0, 0.6)
    expect(page.get_by_role("radio", name="高兴")).to_be_checked()
    expect(page.get_by_role("slider", name="强度")).to_have_value("0.6")
    sent = asked(page)
    assert (sent["emotion"], sent["intensity"]) == ("happy", 0.6)
    drag(page, 0, 0.05)
    expect(page.get_by_role("radio", name="中性")).to_be_checked()


def test_between_two_faces_lies_a_mixture_of_them(page: Page) -> None:
    drag(page, 0.5, 0.5 * 2.414)  # between 高兴 at the top and 愤怒 right of it
    expect(page.get_by_text("高兴 100 % + 愤怒 100 %")).to_be_visible()
    expect(page.locator("#petals path")).to_have_count(2)
    page.get_by_role("slider", name="强度").fill("0.5")
    expect(page.get_by_text("高兴 50 % + 愤怒 50 %")).to_be_visible()
    sent = asked(page)
    assert sent["emotion_vector"] == {"happy": 0.5, "angry": 0.5}
    assert "emotion" not in sent
    expect(page.locator("#takes")).to_contain_text("高兴 50 % + 愤怒 50 %")


def test_any_emotions_are_mixed_by_the_keyboard_alone(page: Page) -> None:
    page.get_by_text("混合情感").click()
    for name, presses in (("悲伤", 8), ("平静", 4)):
        page.get_by_role("slider", name=name).focus()
        for _ in range(presses):
            page.keyboard.press("ArrowRight")
    expect(page.get_by_text("悲伤 40 % + 平静 20 %")).to_be_visible()
    expect(page.locator("#emotions input:checked")).to_have_count(0)
    page.get_by_role("radio", name="惊讶").focus()
    page.keyboard.press(" ")
    assert asked(page)["emotion"] == "surprised"


def test_a_mixture_is_taken_again_as_it_was(page: Page) -> None:
    task = page.request.post("/synthesize", data={"text": "混合", "emotion_vector": {"happy": 0.4, "calm": 0.2}}).json()["id"]
    page.goto(f"/#speak?from={task}")
    expect(page.get_by_text("高兴 40 % + 平静 20 %")).to_be_visible()
    with page.expect_request("**/api/tasks") as request:
        page.get_by_role("button", name="合成").click()
    assert json.loads(request.value.post_data or "")["emotion_vector"] == {"happy": 0.4, "calm": 0.2}


def test_a_template_sets_emotion_and_speed(page: Page) -> None:
    page.get_by_role("button", name="睡前故事").click()
    expect(page.get_by_role("radio", name="平静")).to_be_checked()
    expect(page.get_by_role("slider", name="语速")).to_have_value("0.8")
    expect(page.get_by_role("button", name="睡前故事")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("slider", name="语速").fill("1.2")
    expect(page.get_by_role("button", name="睡前故事")).to_have_attribute("aria-pressed", "false")


def test_templates_of_ones_own_outlive_a_reload_until_they_are_deleted(page: Page) -> None:
    page.get_by_role("radio", name="恐惧").check()
    page.get_by_role("slider", name="语速").fill("1.5")
    page.get_by_role("button", name="存为模板").click()
    page.get_by_role("textbox", name="名称").fill("鬼故事")
    page.keyboard.press("Enter")
    page.get_by_role("radio", name="中性").check()
    page.reload()
    page.get_by_role("button", name="鬼故事", exact=True).click()
    expect(page.get_by_role("radio", name="恐惧")).to_be_checked()
    expect(page.get_by_role("slider", name="语速")).to_have_value("1.5")
    page.get_by_role("button", name="删除: 鬼故事").click()
    expect(page.get_by_role("button", name="鬼故事")).to_have_count(0)


def test_what_was_chosen_outlives_a_reload(page: Page) -> None:
    page.get_by_label("文本").fill("写了一半的话")
    page.get_by_role("radio", name="悲伤").check()
    page.get_by_role("slider", name="语速").fill("0.7")
    page.get_by_role("combobox", name="格式").select_option("mp3")
    page.reload()
    expect(page.get_by_role("radio", name="悲伤")).to_be_checked()
    expect(page.get_by_label("文本")).to_have_value("写了一半的话")
    expect(page.get_by_role("slider", name="语速")).to_have_value("0.7")
    expect(page.get_by_role("combobox", name="格式")).to_have_value("mp3")


def test_the_length_is_guessed_before_and_better_after_a_take(page: Page) -> None:
    page.get_by_label("文本").fill("这是一句十个字的话吗。" * 4)
    expect(page.locator("#count")).to_contain_text("44 字 · 约 1")
    page.get_by_role("slider", name="语速").fill("2")
    expect(page.locator("#count")).to_contain_text("约 5 秒")
    page.get_by_role("slider", name="语速").fill("1")
    page.get_by_role("button", name="合成").click()
    expect(page.locator("#takes .player[data-state=ready]")).to_be_visible()
    # The tests' engine needs a tenth of a second for each character.
    expect(page.locator("#count")).to_contain_text("约 5 秒")
