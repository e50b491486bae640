# SPDX-License-Identifier: MIT
"""How large is a page with a million intervals, how soon is it drawn, how smoothly does it zoom?

The page of a grown recording, in headless Chromium driven by Playwright (`pip install --group
browser`; TRACECMD_CHROMIUM names another browser than `chromium`). There is no peer. Told are the
page's size, the time from the navigation to the first picture, and of each wheel step the time from
the event to the end of the frame that shows it: on the whole time, where most intervals share a
column of points, and on the way down to single ones.

    python benchmarks/plot.py [RECORDING.dat] [--size 39M]
"""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path
from typing import Any

import _harness as harness
from playwright.sync_api import CDPSession, Page, sync_playwright

import tracecmd

MOST_BYTES, FIRST_MS, STEP_MS = 12e6, 1000, 50

# A wheel event, the frame that is drawn for it, and a message that comes after that frame.
STEP = """
([x, y, turn]) => new Promise((done) => {
  const picture = document.getElementById("picture");
  const begin = performance.now();
  picture.dispatchEvent(new WheelEvent("wheel", {
    deltaY: turn, clientX: x, clientY: y, bubbles: true, cancelable: true }));
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => done(performance.now() - begin);
    channel.port2.postMessage(null);
  });
})
"""


def steps(page: Page, turn: int, count: int) -> list[float]:
    """How long each of some wheel steps took, in ms."""
    return [page.evaluate(STEP, [700, 200, turn]) for _ in range(count)]


def visit(page: Page, path: Path) -> dict[str, Any]:
    """Load the page once and zoom."""
    browser = page.context.new_cdp_session(page)
    browser.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn]")
    first = float(page.get_attribute("html", "data-drawn") or "nan")
    busy = _busy(browser)
    near = [*steps(page, -40, 10), *steps(page, 40, 10)]  # all of it, more or less
    step = (_busy(browser) - busy) / len(near)
    down = steps(page, -240, 30)
    return {"first": first, "busy": busy, "near": near, "step": step, "down": down}


def _busy(browser: CDPSession) -> float:
    """Processor time of the page's own thread, in ms."""
    told = browser.send("Performance.getMetrics")["metrics"]
    return next(each["value"] * 1000 for each in told if each["name"] == "TaskDuration")


def main() -> None:
    parser = harness.arguments("A page with a million intervals.", turns=3)
    parser.set_defaults(size="39M")
    args = parser.parse_args()
    recording = harness.grown(args.recording, args.size)
    out = harness.DATA / "plot.html"
    begin = time.process_time()
    with tracecmd.open(recording) as trace:
        trace.plot().save(out)
        made = time.process_time() - begin
        rows = sum(len(batch) for batch in trace.sched.states().batches())
    size = out.stat().st_size
    browser = os.environ.get("TRACECMD_CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1600, "height": 900})
        turns = [visit(page, out) for _ in range(args.turns)]
        version = chromium.version
        chromium.close()
    busy, step = (statistics.median(turn[name] for turn in turns) for name in ("busy", "step"))
    near, down = ([ms for turn in turns for ms in turn[name]] for name in ("near", "down"))

    def row(name: str, shown: str, value: float, most: float, wanted: str) -> list[str]:
        return [name, shown, wanted, "met" if value <= most else "MISSED"]

    def median_row(name: str, values: list[float], most: float) -> list[str]:
        middle = statistics.median(values)
        return row(name, f"{middle:.0f} ms, worst {max(values):.0f} ms", middle, most, f"{most} ms")

    print(harness.machine())
    print(f"Chromium {version}, 1600 x 900; {rows} intervals, page made in {made:.2f} s of CPU")
    harness.print_table(
        ["", "median", "wanted", ""],
        [
            row("size", f"{size / 1e6:.2f} MB", size, MOST_BYTES, f"{MOST_BYTES / 1e6:.0f} MB"),
            median_row("first picture", [turn["first"] for turn in turns], FIRST_MS),
            ["processor time of that", f"{busy:.0f} ms", "", ""],
            median_row("wheel step, all of the time", near, STEP_MS),
            ["processor time of that", f"{step:.1f} ms", "", ""],
            median_row("wheel step, closer", down, STEP_MS),
        ],
    )
    print(harness.rerun_line())
    harness.write_json(args.json, "plot", {"intervals": rows, "bytes": size, "turns": turns})


if __name__ == "__main__":
    main()
