"""Every view of the page as a picture: `web/screenshots [FOLDER] [ADDRESS]`.

In both themes, wide and at 390 px, in Chinese, and in English in the light theme. Without ADDRESS the tests' small service is
started and something is spoken with it; with one, what that service has is shown, and a text is spoken for each picture of Speak.
"""

import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import soundfile
from playwright.sync_api import Browser, Page, sync_playwright

from tests.synth.audio.voices import tone
from tests.synth.service.conftest import sine_service
from tests.web.lent import lend_from

SIZES = {"wide": (1360, 900), "390": (390, 844)}
THEMES = ("light", "dark")
SCRIPT = (
    "旁白：雨停了，山路上传来脚步声。\n小明：爷爷，我们赢了！\n爷爷：好孩子，慢慢说。\n"
    "小明：全校第一名！\n爷爷：来，先喝口水。\n旁白：老人笑了。"
)
SPOKEN = (
    ("清晨的阳光洒在湖面上。微风吹过，水面泛起一层层细细的波纹。远处传来几声鸟鸣。", "neutral", 1.0),
    ("各位旅客请注意，开往上海虹桥的列车即将进站，请您在安全线以内等候。", "happy", 1.0),
    ("今天的天气真好，我们一起去公园走走吧！", "happy", 1.2),
    ("今天的天气真好，我们一起去公园走走吧！", "neutral", 0.9),
    ("春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。", "neutral", 0.85),
    ("本次会议将于下午三点开始。请提前十分钟到场。", "happy", 1.0),
)


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "web/shots")
    folder.mkdir(parents=True, exist_ok=True)
    with _service() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--mute-audio"])
        for theme, size in product(THEMES, SIZES):
            take(browser, address, folder, "zh-CN", theme, size)
        for size in SIZES:
            take(browser, address, folder, "en", "light", size)
        browser.close()
    print(folder.resolve())  # noqa: T201


@contextmanager
def _service() -> Iterator[str]:
    if len(sys.argv) > 2:
        yield sys.argv[2]
        return
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "slow").write_text("0")
        for mark in ("moods", "clones", "able"):
            (Path(folder) / mark).touch()
        lend_from(Path(folder))
        with sine_service(Path(folder), "lends") as service, service.client() as client:
            for text, emotion, speed in SPOKEN:
                client.post("/synthesize", json={"text": text, "emotion": emotion, "speed": speed}).raise_for_status()
            # One that fails and one in the trash, so that these are seen too.
            client.post("/synthesize", json={"text": "这一句会出错。"})
            gone = client.post("/synthesize", json={"text": "这一句不要了。"}).json()["id"]
            client.delete(f"/api/tasks/{gone}")
            named = client.get("/api/tasks", params={"q": "旅客"}).json()["tasks"][0]["id"]
            client.patch(f"/api/tasks/{named}", json={"name": "站台广播"})
            about = {
                "name": "王小明",
                "person": "王小明",
                "statement": "我同意用我的声音合成语音，只用于校内广播。",
                "language": "zh-CN",
            }
            client.post("/api/voices", data=about, files={"clip": ("clip.wav", _clip())}).raise_for_status()
            yield service.address


def _clip() -> bytes:
    """Three seconds of a tone that comes and goes."""
    with io.BytesIO() as file:
        soundfile.write(file, tone(24_000, 3.0), 24_000, format="WAV")
        return file.getvalue()


def take(browser: Browser, address: str, folder: Path, language: str, theme: str, size: str) -> None:
    """Write a picture of each view."""
    width, height = SIZES[size]
    context = browser.new_context(
        locale=language, base_url=address, color_scheme=theme, viewport={"width": width, "height": height}, device_scale_factor=1.5
    )  # type: ignore[arg-type]
    page = context.new_page()
    for name, show in VIEWS.items():
        show(page)
        page.mouse.move(0, 0)
        page.wait_for_timeout(150)
        # The history draws only what is in the window.
        whole = not name.startswith("history")
        page.screenshot(path=folder / f"{name}-{language[:2]}-{theme}-{size}.png", full_page=whole)
    context.close()


def _speak(page: Page) -> None:
    page.goto("/#speak")
    page.locator("#text").fill(SPOKEN[0][0])
    page.locator("#mix").evaluate("mix => mix.closest('details').open = true")
    for label, weight in (("happy", "0.8"), ("surprised", "0.35")):
        page.locator(f"#mix [name=mix-{label}]").evaluate("(slider, weight) => { slider.value = weight; }", weight)
    page.locator("#mix [name=mix-happy]").dispatch_event("input", {"bubbles": True})
    page.locator("#finer").evaluate("finer => { finer.open = true; }")
    page.locator("#temperature").fill("0.7")
    page.locator("#do-speak").click()
    page.locator("#takes .player[data-state=ready]").wait_for(timeout=60_000)
    page.locator("#takes .player .wave").first.click(position={"x": 90, "y": 50})
    page.locator("#takes .player .play").first.evaluate("button => button.closest('.player').querySelector('audio').pause()")


def _script(page: Page) -> None:
    page.goto("/#script")
    page.locator("#clear-script").click()
    page.locator("#paste-script").click()
    page.locator("#pasted").fill(SCRIPT)
    page.locator("#pasting .main").click()
    page.locator("#cast .emotion").nth(1).select_option("happy")
    page.locator("#cast .emotion").nth(2).select_option("calm")
    page.locator("#join-lines").click()
    page.locator("#joined .player[data-state=ready]").wait_for(timeout=60_000)
    page.locator("#joined .play").evaluate("button => button.closest('.player').querySelector('audio').pause()")
    page.locator("#lines .words").nth(3).fill("我们是全校第一名！")
    page.evaluate("scrollTo(0, 0)")


def _history(page: Page) -> None:
    page.goto("/#history")
    page.locator("#rows > li[data-id]").first.wait_for()
    page.locator("#rows [data-act=play]:not(:disabled)").nth(1).click()
    page.locator("#rows .current").wait_for()


def _chosen(page: Page) -> None:
    for at in (2, 3):
        page.locator("#rows [data-act=tick]:not(:disabled)").nth(at).check()


def _trash(page: Page) -> None:
    page.goto("/#history?trash=1")
    page.locator("#rows > li[data-id], #nothing:not([hidden])").first.wait_for()


def _empty(page: Page) -> None:
    page.goto("/#history?q=没有这样的文字")
    page.locator("#nothing").wait_for()


def _compare(page: Page) -> None:
    page.goto("/#compare")
    page.locator("#sides .player[data-state=ready]").nth(1).wait_for()


def _voices(page: Page) -> None:
    page.goto("/#voices")
    page.locator("#no-voices:not([hidden]), #kept > li").first.wait_for()
    page.locator("#clip").set_input_files({"name": "我的录音.wav", "mimeType": "audio/wav", "buffer": _clip()})
    page.locator("#trim").wait_for()
    page.locator("#trim-from").fill("0.6")
    page.locator("#trim-from").press("Tab")


def _models(page: Page) -> None:
    page.goto("/#models")
    page.locator("#models > li").first.wait_for()


def _mirrors(page: Page) -> None:
    page.goto("/#mirrors")
    page.locator("#mirrors > li").first.wait_for()


def _audit(page: Page) -> None:
    page.goto("/#audit")
    page.locator("#deeds tr, #audit-none:not([hidden])").first.wait_for()


def _report(page: Page) -> None:
    page.goto("/#report")
    page.locator("#report h2").wait_for()


def _settings(page: Page) -> None:
    page.goto("/#settings")
    page.locator("#who:not(:empty)").wait_for()


def _docs(page: Page) -> None:
    page.goto("/docs")
    page.locator(".endpoint").first.wait_for()


VIEWS: dict[str, Callable[[Page], None]] = {
    "speak": _speak,
    "script": _script,
    "history": _history,
    "history-chosen": _chosen,
    "history-trash": _trash,
    "history-empty": _empty,
    "compare": _compare,
    "voices": _voices,
    "models": _models,
    "mirrors": _mirrors,
    "audit": _audit,
    "report": _report,
    "settings": _settings,
    "docs": _docs,
}

if __name__ == "__main__":
    main()
