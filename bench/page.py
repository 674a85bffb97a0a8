"""How quick the page is: `python bench/page.py [--tasks 10000]`, in Chromium, with the service and the tests' small engine.

first:   from the address to a page that can be typed into, and what is sent for it, compressed; median of ten loads.
history: the longest pause between two frames while it is thrown from end to end, and from a search's last key to its rows, with
         that many tasks and with a hundred, in one run.
"""

import argparse
import gzip
import re
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page, sync_playwright  # noqa: E402

from tests.synth.service.conftest import sine_service  # noqa: E402
from tests.web.conftest import remembered  # noqa: E402

LOADS = 10
THROW = """() => new Promise(done => {
    let frames = 0, last = performance.now(), longest = 0;
    const step = now => {
        longest = Math.max(longest, now - last);
        last = now;
        scrollTo(0, document.documentElement.scrollHeight * (frames += 1) / 120);
        if (frames < 120) requestAnimationFrame(step); else done(longest);
    };
    requestAnimationFrame(step);
})"""


def first(page: Page, address: str) -> float:
    """Milliseconds until the text can be typed and the versions are there to choose from."""
    page.goto(address)
    page.wait_for_selector("#emotions input")
    return float(page.evaluate("performance.now()"))


def history(page: Page, address: str, name: str) -> tuple[float, float]:
    """Milliseconds of the longest pause between two frames, and of a search."""
    page.goto(f"{address}/#history?q={name}")
    page.wait_for_selector("#rows > li[data-id]")
    pause = float(page.evaluate(THROW))
    page.evaluate("scrollTo(0, 0)")
    box = page.get_by_role("searchbox")
    box.fill(f"{name} 7")
    page.wait_for_function("name => document.querySelector('#rows .said')?.textContent.startsWith(name + ' 7')", arg=name)
    began = float(page.evaluate("performance.now()"))
    box.fill(f"{name} 77")
    page.wait_for_function("name => document.querySelector('#rows .said')?.textContent.startsWith(name + ' 77')", arg=name)
    return pause, float(page.evaluate("performance.now()")) - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=10_000)
    tasks = parser.parse_args().tasks
    dist = ROOT / "web" / "dist"
    index = (dist / "index.html").read_text("utf-8")
    files = [dist / "index.html", *(dist / name for name in re.findall(r"\./(assets/[\w.-]+)", index))]
    sent = sum(len(gzip.compress(path.read_bytes())) for path in files)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        (Path(name) / "slow").write_text("0")
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        with sine_service(Path(name)) as service:
            remembered(service, "many", tasks)
            remembered(service, "few", 100)
            page = browser.new_page()
            first(page, service.address)
            loads = [first(page, service.address) for _ in range(LOADS)]
            many, few = history(page, service.address, "many"), history(page, service.address, "few")
        browser.close()
    print(f"first:   {statistics.median(loads):.0f} ms, {sent / 1000:.0f} KB compressed in {len(files)} files")
    print(f"history: longest pause {many[0]:.0f} ms with {tasks:,} tasks, {few[0]:.0f} with 100 (ratio {many[0] / few[0]:.2f})")
    print(f"         search {many[1]:.0f} ms and {few[1]:.0f} (ratio {many[1] / few[1]:.2f})")


if __name__ == "__main__":
    main()
