"""Marked stretches of time as windows."""

from __future__ import annotations

from pathlib import Path

import pytest

from .. import writer
from ..unit.scenes import Machine, Scene
from .test_jobs import made

TEXTS = [
    (10, 7, "B|70|frame"), (12, 8, "begin\n"), (15, 7, "B|70|draw"), (20, 7, "E"), (25, 7, "E|70"),
    (27, 8, "begin"), (30, 9, "end"), (31, 9, "end"), (40, 7, "S|70|frame|1"),
    (50, 9, "F|70|frame|1"), (55, 8, "begin"), (60, 7, "B|70|frame"), (70, 7, "C|70|fill|3"),
]  # fmt: skip


def test_windows(tmp_path: Path) -> None:
    machine = Machine()
    for ts, pid, text in TEXTS:
        machine.add(ts, 0, writer.PRINT.values(pid=pid, buf=text))
    with made(tmp_path / "t.dat", machine, ()) as trace:
        markers = trace.markers()
        found = [(w.name, w.start, w.end, w.pid, w.lost) for w in markers.windows()]
        assert found == [("draw", 15, 20, 7, False), ("frame", 10, 25, 7, False),
                         ("frame", 40, 50, 7, False)]  # fmt: skip
        assert [w.bounds for w in markers.windows("frame")] == [
            {"start": 10, "end": 25}, {"start": 40, "end": 50}]  # fmt: skip
        (between,) = markers.windows("begin", "end")
        assert (between.name, between.bounds, between.pid) == (
            "begin", {"start": 27, "end": 30}, 8)  # fmt: skip
        inside = [e.ts for w in markers.windows("frame") for e in trace.iter(**w.bounds)]
        assert inside == [10, 12, 15, 20, 40]
        assert list(markers.windows("nothing")) == []
        with pytest.raises(TypeError, match="last without a name"):
            markers.windows(last="end")
        with pytest.raises(TypeError, match="name=3"):
            markers.windows(3)  # type: ignore[arg-type]


def test_same_mark_ends_and_begins(tmp_path: Path) -> None:
    machine = Machine()
    for ts in (10, 20, 35):
        machine.add(ts, 0, writer.PRINT.values(pid=1, buf="tick"))
    with made(tmp_path / "t.dat", machine, ()) as trace:
        ticks = trace.markers().windows("tick", "tick")
        assert [(w.start, w.end) for w in ticks] == [(10, 20), (20, 35)]


def test_session(tmp_path: Path) -> None:
    scene = Scene({"Guest1": [4711]})
    for ts, machine in ((10, scene.host), (11, scene.guests["Guest1"])):
        for shift, text in ((0, "a"), (20, "b")):
            machine.add(ts + shift, 0, writer.PRINT.values(pid=1, buf=text))
    with scene.open(tmp_path) as session:
        found = [(w.peer, w.start, w.end) for w in session.markers().windows("a", "b")]
        assert found == [("host", 10, 30), ("Guest1", 11, 31)]
