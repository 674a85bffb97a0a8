"""What only some versions follow: pitch, volume, and a mood from a text or a voice. It is offered where it is followed."""

import io
import json
from collections.abc import Iterator

import pytest
import soundfile
from playwright.sync_api import Page, Route, expect

from tests.synth.audio.voices import tone
from tests.synth.service.conftest import RunningService, sine_service

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """The service with an engine that follows everything, and one voice that is kept."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "slow").write_text("0")
    for mark in ("able", "clones", "moods"):
        (folder / mark).touch()
    with sine_service(folder) as running, running.client() as client, io.BytesIO() as clip:
        soundfile.write(clip, tone(24_000, 2.0), 24_000, format="WAV")
        about = {"name": "王小明", "person": "王小明", "statement": "我同意。", "language": "zh-CN"}
        client.post("/api/voices", data=about, files={"clip": ("clip.wav", clip.getvalue())}).raise_for_status()
        yield running


def asked(page: Page) -> dict[str, object]:
    with page.expect_request("**/api/tasks") as request:
        page.get_by_role("button", name="合成").click()
    expect(page.locator("#takes .player[data-state=ready]").first).to_be_visible()
    found: dict[str, object] = json.loads(request.value.post_data or "")
    return found


def test_pitch_and_volume_are_sent_kept_and_taken_again(page: Page) -> None:
    page.get_by_label("文本").fill("高一点，响一点。")
    page.get_by_role("slider", name="音高").fill("2.5")
    page.get_by_role("slider", name="音量").fill("-6")
    expect(page.get_by_text("+2.5 半音")).to_be_visible()
    sent = asked(page)
    assert (sent["pitch"], sent["volume"]) == (2.5, -6)
    expect(page.locator("#takes")).to_contain_text("+2.5 半音 · -6 dB")
    page.reload()
    expect(page.get_by_role("slider", name="音高")).to_have_value("2.5")
    page.get_by_role("slider", name="音高").fill("0")
    page.get_by_role("slider", name="音量").fill("0")
    assert not {"pitch", "volume"} & set(asked(page))
    task = page.request.get("/api/tasks?q=高一点").json()["tasks"][1]["id"]
    page.goto(f"/#speak?from={task}")
    expect(page.get_by_role("slider", name="音高")).to_have_value("2.5")
    expect(page.get_by_role("slider", name="音量")).to_have_value("-6")


def test_what_a_version_follows_of_the_drawing_is_sent_kept_and_taken_again(page: Page) -> None:
    page.get_by_label("文本").fill("抽得准一点。")
    page.get_by_text("高级设置").click()
    # The version draws by these two; whatever it is, texts are cut.
    expect(page.get_by_role("spinbutton")).to_have_count(3)
    page.get_by_label("每段字数上限").fill("12")
    page.get_by_label("温度").fill("0.7")
    page.get_by_label("Top-k").fill("30")
    sent = asked(page)
    assert (sent["segment_length"], sent["sampling"]) == (12, {"temperature": 0.7, "top_k": 30})
    page.reload()
    # It is folded, and says what holds.
    expect(page.locator("#finer")).to_contain_text("每段字数上限 12 · 温度 0.7 · Top-k 30")
    page.get_by_text("高级设置").click()
    for name in ("每段字数上限", "温度", "Top-k"):
        page.get_by_label(name).fill("")
    assert not {"segment_length", "sampling"} & set(asked(page))
    task = page.request.get("/api/tasks?q=抽得准").json()["tasks"][1]["id"]
    page.goto(f"/#speak?from={task}")
    expect(page.get_by_label("温度")).to_have_value("0.7")
    expect(page.get_by_label("每段字数上限")).to_have_value("12")
    assert asked(page)["sampling"] == {"temperature": 0.7, "top_k": 30}


def test_a_number_out_of_bounds_is_shown_where_it_stands(page: Page) -> None:
    page.get_by_label("文本").fill("太热了。")
    page.get_by_text("高级设置").click()
    page.get_by_label("温度").fill("9")
    page.get_by_text("高级设置").click()
    expect(page.get_by_label("温度")).to_be_hidden()
    page.get_by_role("button", name="合成").click()
    expect(page.get_by_label("温度")).to_be_focused()
    expect(page.locator("#takes .player")).to_have_count(0)


def test_roles_of_a_script_have_a_pitch_and_a_volume_of_their_own(page: Page) -> None:
    page.goto("/#script")
    page.get_by_role("button", name="添加角色").click()
    page.get_by_role("slider", name="音高: 角色1").fill("-3")
    page.get_by_role("slider", name="音量: 角色1").fill("4")
    page.get_by_role("combobox", name="角色: 第 1 行").select_option("角色1")
    page.get_by_role("textbox", name="台词: 第 1 行").fill("我是老人。")
    with page.expect_request("**/api/tasks") as request:
        page.get_by_role("button", name="合成这一行").click()
    sent = json.loads(request.value.post_data or "")
    assert (sent["pitch"], sent["volume"]) == (-3, 4)
    expect(page.locator("#lines-said")).to_have_text("已合成 1/1 行")
    page.reload()
    expect(page.get_by_role("slider", name="音高: 角色1")).to_have_value("-3")
    expect(page.locator("#lines-said")).to_have_text("已合成 1/1 行")
    page.get_by_role("slider", name="音量: 角色1").fill("0")
    expect(page.locator("#lines-said")).to_have_text("已合成 0/1 行")


def test_what_a_version_follows_is_offered_as_soon_as_it_is_loaded(page: Page) -> None:
    def loading(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=[version | {"state": "starting", "controls": []} for version in answer.json()])

    page.route("**/readyz", loading)
    page.goto("/#script")
    page.get_by_role("button", name="添加角色").click()
    expect(page.get_by_role("slider", name="语速: 角色1")).to_be_visible()
    expect(page.get_by_role("slider", name="音高: 角色1")).to_be_hidden()
    page.unroute("**/readyz")
    expect(page.get_by_role("slider", name="音高: 角色1")).to_be_visible()


def test_the_mood_is_taken_from_a_text(page: Page) -> None:
    page.get_by_label("文本").fill("按文字的情绪。")
    page.get_by_role("radio", name="按文字").check()
    expect(page.locator("#pad")).to_be_hidden()
    page.get_by_role("textbox", name="按这段文字的情绪").fill("我等了你好久！")
    sent = asked(page)
    assert sent["emotion_text"] == "我等了你好久！"
    assert not {"emotion", "emotion_vector"} & set(sent)
    task = page.request.get("/api/tasks?q=按文字").json()["tasks"][0]["id"]
    page.get_by_role("radio", name="圆盘").check()
    assert asked(page)["emotion"] == "neutral"
    page.goto(f"/#speak?from={task}")
    expect(page.get_by_role("textbox", name="按这段文字的情绪")).to_have_value("我等了你好久！")


def test_the_mood_is_taken_from_a_voice(page: Page) -> None:
    page.get_by_label("文本").fill("按录音的情绪。")
    page.get_by_role("radio", name="按音色").check()
    voice = page.request.get("/api/voices").json()["voices"][0]["id"]
    assert asked(page)["emotion_voice"] == voice
    page.reload()
    expect(page.get_by_role("radio", name="按音色")).to_be_checked()


def test_each_sentence_takes_the_mood_of_its_words(page: Page) -> None:
    page.get_by_label("文本").fill("我太高兴了！他很难过。")
    page.get_by_role("radio", name="自动").check()
    sent = asked(page)
    assert sent["emotion"] == "auto"
    expect(page.locator("#takes")).to_contain_text("自动")
    page.reload()
    expect(page.get_by_role("radio", name="自动")).to_be_checked()
    page.goto("/#history?emotion=auto")
    expect(page.locator("#rows > li[data-id]").first).to_contain_text("自动")
    page.locator("#rows [data-act=again]").first.click()
    expect(page.get_by_role("radio", name="自动")).to_be_checked()


def test_a_language_is_chosen_where_a_version_speaks_several(page: Page) -> None:
    page.get_by_label("文本").fill("hello")
    page.get_by_role("combobox", name="语言").select_option("英语")
    assert asked(page)["language"] == "en"
    page.reload()
    expect(page.get_by_role("combobox", name="语言")).to_have_value("en")
    page.get_by_role("combobox", name="语言").select_option("中文")
    assert "language" not in asked(page)


def test_a_mark_goes_around_what_is_selected(page: Page) -> None:
    page.get_by_label("文本").fill("这很重要")
    page.get_by_label("文本").evaluate("area => area.setSelectionRange(2, 4)")
    page.get_by_text("角色、情感与停顿的标记").click()
    page.get_by_role("button", name="<em>…</em>").click()
    expect(page.get_by_label("文本")).to_have_value("这很<em>重要</em>")
