from __future__ import annotations

import itertools
import json
import random
import re
from collections import Counter, defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

import tracecmd
from tracecmd.cli import main

from .. import writer
from ..recordings.corpus import ALL
from ..unit.scenes import Machine
from .call_oracle import graph, off_cpu, stack_of
from .test_functions import FUNCTIONS, KERNEL_STACK, made, random_calls, with_losses

SVG = "{http://www.w3.org/2000/svg}"
HTML = "{http://www.w3.org/1999/xhtml}"


def weights(flame: tracecmd.Flame) -> dict[tuple[str, ...], int]:
    stacks = list(flame.stacks())
    assert len(dict(stacks)) == len(stacks)
    assert sum(weight for _, weight in stacks) == flame.total
    return dict(stacks)


def of_calls(trace: tracecmd.Trace, name: str) -> tuple[dict[tuple[str, ...], int], int]:
    found: dict[tuple[str, ...], int] = defaultdict(int)
    calls = graph(trace, name)
    for call in calls:
        if call.how == "whole":
            found[call.path] += call.self
    return ({path: weight for path, weight in found.items() if weight},
            sum(call.how != "whole" for call in calls))  # fmt: skip


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_recordings(path: Path) -> None:
    if path.stat().st_size > 3 << 20:
        return
    with tracecmd.open(path) as trace:
        for buffer in trace.buffers:
            name = buffer.name
            if "funcgraph_entry" in trace.events:
                flame = trace.flame(buffer=name)
                assert (weights(flame), flame.lost) == of_calls(trace, name)
            if "kernel_stack" in trace.events:
                samples = trace.flame("samples", buffer=name)
                records = trace.iter("kernel_stack", buffers=name)
                expected = Counter(stack_of(trace, event) for event in records)
                assert weights(samples) == expected
                assert samples.count == samples.total
            if "sched_switch" in trace.events:
                waits = trace.flame("offcpu", buffer=name)
                assert (weights(waits), waits.lost) == off_cpu(trace, name)


@pytest.mark.parametrize("seed", range(10))
def test_losses(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    cut, _ = with_losses(random_calls(chance), chance)
    with made(tmp_path / "t.dat", cut) as trace:
        flame = trace.flame()
        assert (weights(flame), flame.lost) == of_calls(trace, "")


def stack(pid: int, *names: str) -> writer.Values:
    """The innermost function is the last."""
    frames = [FUNCTIONS[name] + 4 for name in reversed(names)]
    kind = writer.Machine()
    addresses = b"".join(kind.pack(8, frame) for frame in [*frames, -1])
    return KERNEL_STACK.values(pid=pid, size=len(frames), caller=addresses)


def waits(path: Path) -> tracecmd.Trace:
    """Who left which CPU in which stack."""
    machine = Machine()
    machine.switch(10, 0, 17, 0)
    machine.add(11, 0, stack(17, "a", "b"))
    machine.switch(20, 1, 18, 19)
    machine.tick(21, 1)
    machine.add(22, 1, stack(18, "c"))  # of the tick
    machine.switch(40, 1, 19, 17)
    machine.add(41, 1, stack(19, "a", "c"))
    machine.switch(50, 0, 0, 18)
    machine.switch(70, 0, 18, 19)
    machine.add(71, 0, stack(18, "a", "b"))
    machine.switch(90, 0, 19, 0)
    machine.lose(0)
    machine.switch(100, 0, 0, 18)
    machine.switch(110, 1, 17, 19)
    return made(path, machine)


def test_off_cpu(tmp_path: Path) -> None:
    with waits(tmp_path / "t.dat") as trace:
        flame = trace.flame("offcpu")
        # 19 left at 90, 18 at 70: events were lost since. 17 never came back.
        assert weights(flame) == {("a", "b"): 30, ("<...>-18",): 30, ("a", "c"): 30}
        assert (flame.total, flame.count, flame.lost) == (90, 3, 3)
        assert weights(flame) == off_cpu(trace, "")[0]
        by_task = weights(trace.flame("offcpu", by="task"))
        assert by_task[("worker/0:1-17", "a", "b")] == 30
        by_cpu = weights(trace.flame("offcpu", by=("task", "cpu"), pids=18))
        assert by_cpu == {("CPU 1", "<...>-18"): 30}
        samples = weights(trace.flame("samples", cpus=1, by="cpu"))
        assert samples == {("CPU 1", "c"): 1, ("CPU 1", "a", "c"): 1}
        assert repr(flame) == "<Flame offcpu total=90 count=3 lost=3>"


def test_folded(tmp_path: Path) -> None:
    with waits(tmp_path / "t.dat") as trace:
        lines = trace.flame("offcpu").folded().splitlines()
        assert sorted(lines) == ["<...>-18 30", "a;b 30", "a;c 30"]


def check_speedscope(text: str, flame: tracecmd.Flame) -> None:
    """What https://www.speedscope.app/file-format-schema.json asks of a sampled profile."""
    whole = json.loads(text)
    assert whole["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert set(whole) <= {"$schema", "shared", "profiles", "name", "activeProfileIndex", "exporter"}
    assert set(whole["shared"]) == {"frames"}
    frames = whole["shared"]["frames"]
    for frame in frames:
        assert set(frame) <= {"name", "file", "line", "col"}
        assert isinstance(frame["name"], str)
    (profile,) = whole["profiles"]
    assert set(profile) == {"type", "name", "unit", "startValue", "endValue", "samples", "weights"}
    assert profile["type"] == "sampled"
    units = ("none", "nanoseconds", "microseconds", "milliseconds", "seconds", "bytes")
    assert profile["unit"] in units
    assert len(profile["samples"]) == len(profile["weights"])
    assert profile["endValue"] - profile["startValue"] == sum(profile["weights"])
    again: dict[tuple[str, ...], int] = {}
    for sample, weight in zip(profile["samples"], profile["weights"], strict=True):
        again[tuple(frames[index]["name"] for index in sample)] = weight
    assert again == dict(flame.stacks())


def check_picture(root: ElementTree.Element, flame: tracecmd.Flame) -> None:
    """Each bar lies on one that is at least as wide, and is as wide as it weighs."""
    bars = root.findall(f"{SVG}g")
    names = [bar.get("data-name") for bar in bars]
    assert names[0] == "all"
    rows: dict[float, list[tuple[float, float]]] = defaultdict(list)
    for bar in bars:
        rect = bar.find(f"{SVG}rect")
        assert rect is not None
        assert bar.find(f"{SVG}title") is not None
        assert bar.find(f"{SVG}text") is not None
        left, width = float(bar.get("data-x", "")), float(bar.get("data-w", ""))
        rows[float(rect.get("y", ""))].append((left, left + width))
    levels = sorted(rows.items(), reverse=True)
    for (_, below), (_, above) in itertools.pairwise(levels):
        for left, right in above:
            assert any(a <= left + 1e-6 and right <= b + 1e-6 for a, b in below)
        spans = sorted(above)
        assert all(a[1] <= b[0] + 1e-6 for a, b in itertools.pairwise(spans))
    script = root.find(f"{SVG}script")
    assert script is not None
    assert not re.search("[<&]", script.text or "")
    assert not re.search("https?:", script.text or "")
    for stack, weight in flame.stacks():
        if weight > flame.total / 1000:
            assert set(stack) <= set(names)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_pictures(path: Path) -> None:
    if path.stat().st_size > 3 << 20:
        return
    with tracecmd.open(path) as trace:
        for weight in ("self", "samples", "offcpu"):
            try:
                flame = trace.flame(weight, by="task")
            except tracecmd.MissingEventError:
                continue
            check_picture(ElementTree.fromstring(flame.to_svg()), flame)
            page = ElementTree.fromstring(flame.to_html())
            assert page.tag == f"{HTML}html"
            drawn = page.find(f"{HTML}body/{SVG}svg")
            assert drawn is not None
            check_picture(drawn, flame)
            check_speedscope(flame.to_speedscope(), flame)


def test_strange_names(tmp_path: Path) -> None:
    """Whatever a task is called, it is a text in a picture and one frame in a line."""
    machine = Machine()
    machine.switch(10, 0, 17, 0)
    machine.switch(20, 0, 0, 17)
    name = "a;<b>&\"'\x01\u2028"
    file = writer.Trace(
        buffers=[writer.Buffer(cpus=machine.pages(writer.Machine()))],
        saved_cmdlines=f"17 {name}\n",
    )
    path = tmp_path / "t.dat"
    path.write_bytes(file.write().data)
    with tracecmd.open(path) as trace:
        flame = trace.flame("offcpu")
        (((shown,), weight),) = flame.stacks()
        assert shown.startswith("a;<b>&\"'\\x01")
        assert weight == 10
        check_picture(ElementTree.fromstring(flame.to_svg()), flame)
        check_picture(ElementTree.fromstring(flame.to_html()).find(f".//{SVG}svg"), flame)  # type: ignore[arg-type]
        check_speedscope(flame.to_speedscope(), flame)
        assert flame.folded() == f"{shown.replace(';', ':')} 10\n"


def test_deep_stacks(tmp_path: Path) -> None:
    """Nothing recurses."""
    machine = Machine()
    names = [random.Random(1).choice("abcdefgh") for _ in range(400)]
    for ts in range(3):
        machine.add(10 + ts, 0, deep(names))
    with made(tmp_path / "t.dat", machine) as trace:
        flame = trace.flame("samples")
        assert weights(flame) == {tuple(names): 3}
        check_picture(ElementTree.fromstring(flame.to_svg()), flame)


def deep(names: list[str]) -> writer.Values:
    form = writer.EventFormat("ftrace", "kernel_stack", 4, (
        writer.Field("int size", 4, signed=True), writer.Field("int pad", 4),
        writer.Field("unsigned long caller[]", 0)), '""')  # fmt: skip
    kind = writer.Machine()
    return form.values(
        size=len(names),
        caller=b"".join(kind.pack(8, FUNCTIONS[name]) for name in reversed(names)),
    )


def test_wrong_questions(tmp_path: Path) -> None:
    with waits(tmp_path / "t.dat") as trace:
        with pytest.raises(ValueError, match="weight='time'"):
            trace.flame("time")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="task, cpu"):
            trace.flame(by="parent")
        empty = trace.flame()
        assert (empty.total, empty.folded()) == (0, "")
        check_picture(ElementTree.fromstring(empty.to_svg()), empty)
        check_speedscope(empty.to_speedscope(), empty)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.dat"
    with waits(path) as trace:
        flame = trace.flame("offcpu", by=("task",), start=15)
    begin = ["flame", str(path), "--weight", "offcpu", "--by", "task", "--start", "15ns", "-o"]
    for suffix, text in [
        (".folded", flame.folded()),
        (".json", flame.to_speedscope()),
        (".svg", flame.to_svg()),
        (".html", flame.to_html()),
    ]:
        out = tmp_path / f"out{suffix}"
        assert main([*begin, str(out)]) == 0
        assert out.read_text(encoding="utf-8") == text
        assert "3 more were cut by losses" in capsys.readouterr().err
    assert main([*begin, str(tmp_path / "out.png")]) == 2
    assert ".svg, .html" in capsys.readouterr().err
    assert main(["flame", str(path), "-o", str(tmp_path / "none.svg")]) == 1
    assert "-p function_graph" in capsys.readouterr().err
    assert main([*begin, str(tmp_path / "none" / "out.svg")]) == 1
    assert f"{tmp_path}/none/out.svg: No such file" in capsys.readouterr().err
    assert main(["functions", str(path), "--by", "cpu", "--by", "parent"]) == 0
    assert capsys.readouterr().out.split() == [
        "FUNCTION", "CALLED", "BY", "CPU", "CALLS", "TOTAL", "us", "SELF", "us", "P50", "us",
        "MAX", "us"]  # fmt: skip
