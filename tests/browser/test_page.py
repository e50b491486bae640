"""What pages of plots show and do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd.plot.colours import PALETTE

from ..recordings import corpus
from ..unit.timelines import A, end, scene
from .conftest import Open
from .view import View

LOST = corpus.DATA / "i386-lost.dat"
START, STOP = 179_527_912_160, 180_181_110_392


@pytest.fixture(scope="module")
def states() -> list[tuple[Any, ...]]:
    """pid, name, state, start, end, duration, cpu, waker."""
    with tracecmd.open(LOST) as trace:
        return list(trace.sched.states(ts="uint64").values())


def seconds(ns: int) -> str:
    return f"{ns // 10**9}.{ns % 10**9:09d}"


def number(text: str) -> int:
    """The ns in a text such as ``1.5 ms (1 500 000 ns)``."""
    digits = re.search(r"([\d\u202f]+) ns", text)
    assert digits is not None, text
    return int(digits[1].replace("\u202f", ""))


def test_hover_tells_all(machine: Path, show: Open, states: list[tuple[Any, ...]]) -> None:
    """Of what is wide enough to be pointed at: of a CPU, of a task, of nothing recorded, a loss."""
    view = View(show(machine))
    assert view.window() == (START, STOP)
    wide = [s for s in states if s[5] > 5_000_000]
    ran = next(s for s in wide if s[2] == "running" and s[0])
    told = view.hover(f"CPU {ran[6]}", (ran[3] + ran[4]) / 2)
    assert (told["task"], told["PID"], told["CPU"]) == (ran[1], str(ran[0]), str(ran[6]))
    assert (told["from"], told["to"]) == (seconds(ran[3]), seconds(ran[4]))
    assert number(told["duration"]) == ran[5]
    slept = next(s for s in wide if s[2] == "sleeping" and s[0] == 765)
    told = view.hover("sh [765]", (slept[3] + slept[4]) / 2)
    assert (told[""], told["CPU"], number(told["duration"])) == (
        "sleeping",
        str(slept[6]),
        slept[5],
    )
    woken = next(s for s in wide if s[2] == "runnable" and s[0] == 764 and s[7] is not None)
    told = view.hover("trace-cmd [764]", (woken[3] + woken[4]) / 2)
    assert told["woken by"].endswith(f"[{woken[7]}]")
    unknown = next(s for s in wide if s[0] is None)
    told = view.hover(f"CPU {unknown[6]}", (unknown[3] + unknown[4]) / 2)
    assert (told[""], number(told["duration"])) == ("not recorded", unknown[5])
    page = view.page
    row = page.locator("#labels div", has_text="CPU 0").first.bounding_box()
    page.mouse.move(view.x(179_620_000_000), row["y"] + row["height"] - 2)
    assert (view.tip()[""], view.tip()["events lost"]) == ("events lost", "1223")
    page.mouse.move(100, 20)
    assert view.tip() == {}


def test_colours_are_those_of_the_legend(
    machine: Path, show: Open, states: list[tuple[Any, ...]]
) -> None:
    page = show(machine, height=1000)
    view = View(page)
    for state, colour in (("running", "green"), ("sleeping", "idle"), ("zombie", "other")):
        row = max((s for s in states if s[2] == state and s[0]), key=lambda s: s[5])
        label = next(text for text in view.labels() if f"[{row[0]}]" in text)
        assert view.colours(label, row[3] + row[5] * 0.9) == {PALETTE[colour].light}, state
    lost = view.colours("CPU 0", 179_610_000_000, 20)
    assert PALETTE["unknown"].light in lost
    assert len(lost) == 2  # there are stripes across
    legend = page.locator("#legend").inner_text()
    for text in ("not recorded", "events lost", "idle", "runnable", "preempted", "other tasks"):
        assert text in legend


def test_zooms_to_one_event(machine: Path, show: Open, states: list[tuple[Any, ...]]) -> None:
    """The shortest time that a task ran, from the whole to where its ends are ns apart."""
    ran = min((s for s in states if s[2] == "running" and s[0]), key=lambda s: s[5])
    view = View(show(machine))
    label, middle = f"CPU {ran[6]}", ran[3] + ran[5] // 2
    for _ in range(40):
        view.page.mouse.move(view.x(middle), view.y(label))
        view.wheel(-240, 2)
        start, stop = view.window()
        if stop - start < ran[5]:
            break
    assert start <= middle <= stop
    told = view.hover(label, middle)
    assert (told["from"], told["to"]) == (seconds(ran[3]), seconds(ran[4]))
    view.wheel(-240, 16)  # as far as it goes
    start, stop = view.window()
    assert ran[3] < start < stop == start + 20 < ran[4]
    ticks = view.page.locator("#axis span").all_text_contents()
    assert len(ticks) > 3
    assert all(re.fullmatch(r"\d+\.\d{9}", tick) for tick in ticks)
    view.wheel(240, 2)
    assert view.window()[1] - view.window()[0] > 60
    view.page.locator("#all").click()
    assert view.window() == (START, STOP)
    ticks = view.page.locator("#axis span").all_text_contents()
    assert ticks == [f"{tick / 10:.1f}" for tick in range(1796, 1802)]


def test_moves(machine: Path, show: Open) -> None:
    view = View(show(machine))
    page = view.page
    page.mouse.move(700, 200)
    view.wheel(-240, 6)
    start, stop = view.window()
    page.mouse.down()
    page.mouse.move(600, 200, steps=3)
    page.mouse.up()
    width = page.locator("#picture").bounding_box()["width"]
    moved = view.window()
    assert moved[1] - moved[0] == pytest.approx(stop - start, abs=2)
    assert moved[0] - start == pytest.approx((stop - start) * 100 / width, rel=0.01)
    page.keyboard.down("Shift")
    view.wheel(-100)
    page.keyboard.up("Shift")
    assert view.window()[0] == pytest.approx(start, abs=(stop - start) / 500)
    first = view.labels()
    page.keyboard.press("PageDown")
    page.wait_for_function(f"document.querySelector('#labels').innerText.indexOf('{first[0]}') < 0")
    assert view.labels()[0] != first[0]
    page.mouse.move(700, 300)
    page.mouse.dblclick(700, 300)  # chooses what is there, and comes as close as that
    told = view.tip() or {}
    assert told == {}
    assert view.window() != moved


def test_keys(machine: Path, show: Open, states: list[tuple[Any, ...]]) -> None:
    view = View(show(machine))
    page = view.page
    page.locator("#stage").focus()
    view.press("n", "n", "n")
    own = [s for s in states if s[6] == 0 and (s[2] == "running" or s[0] is None)]
    said = page.locator("#said").text_content()
    assert f"from {seconds(own[2][3])}, to {seconds(own[2][4])}" in said
    view.press("p", "Enter")
    start, stop = view.window()
    assert stop - start == pytest.approx(own[1][5] * 1.1, rel=0.01)
    assert start < own[1][3] < own[1][4] < stop
    view.press("+")
    closer = view.window()
    assert closer[1] - closer[0] == pytest.approx((stop - start) * 0.7, rel=0.01)
    view.press("ArrowRight")
    assert view.window()[0] - closer[0] == pytest.approx((closer[1] - closer[0]) / 10, rel=0.02)
    view.press("-", "-", "0")
    assert view.window() == (START, STOP)
    view.press("Shift+ArrowDown")
    assert page.locator("#labels .chosen").inner_text() == "CPU 1"
    view.press("?")
    assert page.locator("#help").is_visible()
    view.press("Escape")
    assert not page.locator("#help").is_visible()


def test_markers(machine: Path, show: Open, states: list[tuple[Any, ...]]) -> None:
    """Two markers at the ends of what a CPU did, and what is between them."""
    view = View(show(machine))
    page = view.page
    row = max((s for s in states if s[2] == "running" and s[0] and s[6] == 0), key=lambda s: s[5])
    page.mouse.move(view.x(row[3]) + 2, view.y("CPU 0"))
    view.press("a")
    page.mouse.move(view.x(row[4]) - 2, view.y("CPU 0"))
    view.press("b")
    told = page.locator("#marks").inner_text()
    assert seconds(row[3]) in told
    assert seconds(row[4]) in told
    assert number(told.rpartition("A")[2]) == row[5]  # the difference
    page.mouse.move(100, 20)
    page.mouse.click(view.x(row[3] + row[5] / 2), view.y("CPU 1"))
    page.mouse.move(100, 20)
    view.press("b", "a", "x")
    assert not page.locator("#marks").is_visible()


def test_search(machine: Path, show: Open, states: list[tuple[Any, ...]]) -> None:
    view = View(show(machine))
    page = view.page
    own = [s for s in states if s[2] == "running" and s[1] == "pidof"]
    every = len(view.labels())
    view.press("/")
    page.keyboard.type("PIDOF")
    view.settle()
    assert page.locator("#found").text_content().startswith(f"{len(own)}\u00d7")
    assert len(view.labels()) < every
    assert "pidof [766]" in view.labels()
    view.press("Enter")
    told = view.tip()
    assert (told["task"], told["from"]) == ("pidof", seconds(own[0][3]))
    other = next(s for s in states if s[2] == "running" and s[0] == 765 and s[5] > 5_000_000)
    middle = other[3] + other[5] / 2
    assert view.colours(f"CPU {other[6]}", middle) == {PALETTE["idle"].light}  # it is pale
    page.locator("#word").fill("766")
    assert page.locator("#found").text_content().startswith(f"{len(own)}\u00d7")
    page.locator("#word").fill("no such task")
    assert page.locator("#found").text_content() == "none"
    assert page.locator("#after").is_disabled()
    view.press("Escape")
    assert len(view.labels()) == every
    page.locator("#legend button", has_text="sh [765]").click()
    assert page.locator("#word").input_value() == "sh [765]"
    assert view.colours(f"CPU {other[6]}", middle) == {PALETTE["blue"].light}


def test_narrow(machine: Path, show: Open) -> None:
    """390 pixels wide, by touch: everything is there, and two fingers zoom."""
    page = show(machine, 390, 780, has_touch=True, is_mobile=True, device_scale_factor=2)
    view = View(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for part in ("#word", "#all", "#mark-b", "#legend", "#picture"):
        box = page.locator(part).bounding_box()
        assert box["x"] >= 0, part
        assert box["x"] + box["width"] <= 390, part
        assert 0 <= box["y"] < 780, part
    assert "CPU 0" in view.labels()
    assert len(page.locator("#axis span").all_text_contents()) >= 2
    page.touchscreen.tap(view.x(179_570_000_000), view.y("CPU 0"))
    view.settle()
    assert view.tip()["task"] == "pidof"
    box = page.locator("#tip").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.locator("#mark-a").tap()
    page.locator("#mark-b").tap()
    assert "B \u2212 A" in page.locator("#marks").inner_text()
    fingers = page.context.new_cdp_session(page)
    left, right = view.x(179_800_000_000), view.x(179_900_000_000)
    kept = view.window()
    for kind, apart in (
        ("touchStart", 0),
        ("touchMove", 20),
        ("touchMove", 40),
        ("touchEnd", None),
    ):
        points = [] if apart is None else [
            {"x": left - apart, "y": 320, "id": 0}, {"x": right + apart, "y": 320, "id": 1}
        ]  # fmt: skip
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    start, stop = view.window()
    ratio = (right - left) / (right - left + 80)
    assert (stop - start) / (kept[1] - kept[0]) == pytest.approx(ratio, rel=0.05)
    assert kept[0] < start < 179_800_000_000 < stop < kept[1]


def test_dark(machine: Path, show: Open, states: list[tuple[Any, ...]]) -> None:
    page = show(machine, height=1000, color_scheme="dark")
    view = View(page)
    row = max((s for s in states if s[2] == "sleeping"), key=lambda s: s[5])
    label = next(text for text in view.labels() if f"[{row[0]}]" in text)
    middle = row[3] + row[5] / 2
    assert view.colours(label, middle) == {PALETTE["idle"].dark}
    ground = "getComputedStyle(document.querySelector('#stage')).backgroundColor"
    assert page.evaluate(ground) == "rgb(20, 23, 28)"
    page.locator("#theme").click()
    view.settle()
    assert view.colours(label, middle) == {PALETTE["idle"].light}
    assert page.evaluate(ground) == "rgb(255, 255, 255)"


def test_print(session: Path, show: Open) -> None:
    """Paper is white, has all rows and the legend, and nothing to press."""
    page = show(session, 1200, 400, color_scheme="dark")
    view = View(page)
    page.evaluate("""() => addEventListener("beforeprint", () => {
      const { width, height } = document.getElementById("picture");
      const context = document.getElementById("picture").getContext("2d");
      const points = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
      document.body.dataset.printed = JSON.stringify([...new Set(points)]);
    })""")
    assert page.pdf()[:5] == b"%PDF-"
    printed = json.loads(page.locator("body").get_attribute("data-printed"))
    colours = {f"#{int(p).to_bytes(4, 'little')[:3].hex()}" for p in printed}
    assert {"#ffffff", PALETTE["vermillion"].light, PALETTE["idle"].light} <= colours
    assert PALETTE["idle"].dark not in colours
    page.emulate_media(media="print", color_scheme="dark")
    view.settle()
    assert view.labels() == [
        "host CPU 0", "host CPU 1", "Guest1/0 state", "Guest1/0 task", "Guest1/1 state",
        "Guest1/1 task", "Guest2/0 state", "Guest2/0 task",
    ]  # fmt: skip
    assert page.locator("#legend").is_visible()
    for part in (".tools", ".search", "#over"):  # what lies over the picture hides it on paper
        assert not page.locator(part).is_visible()


def test_session(session: Path, show: Open) -> None:
    """A vCPU, the thread on a host CPU, and the guest's task tell of each other."""
    with tracecmd.open_session(corpus.DATA / "sessions" / "kvm-small") as opened:
        rows = list(opened.timeline())
    page = show(session)
    view = View(page)
    legend = page.locator("#legend").inner_text()
    for text in ("running in the guest", "no vCPU here: idle", "no vCPU here: another task",
                 "not recorded", "Guest1/1"):  # fmt: skip
        assert text in legend
    rows.sort(key=lambda r: r.start - r.end)  # the longest first
    preempted = next(r for r in rows if r.state == "preempted")
    told = view.hover(f"{preempted.guest}/{preempted.vcpu} state",
                      (preempted.start + preempted.end) / 2)  # fmt: skip
    assert (told[""], number(told["duration"])) == ("preempted", preempted.end - preempted.start)
    unknown = next(r for r in rows if r.state == "unknown")
    told = view.hover(f"{unknown.guest}/{unknown.vcpu} state", (unknown.start + unknown.end) / 2)
    assert told[""] == "not recorded"


@pytest.fixture
def hostile(tmp_path: Path) -> tracecmd.Session:
    """Names that a page would run, if it took them for more than names."""
    made = scene({"<img src=x onerror=alert(1)>": [A]})
    (guest,) = made.guests.values()
    guest.switch(1000, 0, 0, 7, comms=("swapper/0", "<b onload=a()>"))
    guest.switch(5000, 0, 7, 8, comms=("<b onload=a()>", "</script><s>"))
    guest.tick(9000, 0)
    made.host.switch(2000, 0, 0, A)
    made.host.entry(2100, 0, A)
    return end(made).open(tmp_path)


def test_names_are_names(hostile: tracecmd.Session, tmp_path: Path, show: Open) -> None:
    with hostile:
        hostile.plot().save(tmp_path / "out.html")
        frame = hostile.plot()._repr_html_()
    view = View(show(tmp_path / "out.html"))
    name = "<img src=x onerror=alert(1)>/0"
    assert view.labels() == ["host CPU 0", "host CPU 1", f"{name} state", f"{name} task"]
    assert view.hover(f"{name} task", 3000)[""] == "<b onload=a()>"
    assert view.hover(f"{name} task", 7000)[""] == "</script><s>"
    assert "</script><s>" in view.page.locator("#legend").inner_text()
    assert view.page.locator("img, b[onload], s").count() == 0
    (tmp_path / "notebook.html").write_text(f"<html data-drawn>{frame}", encoding="utf-8")
    inside = show(tmp_path / "notebook.html").frame_locator("iframe")
    inside.locator("html[data-drawn]").wait_for()
    assert f"{name} task" in inside.locator("#labels div").all_text_contents()
