from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from .. import writer
from ..recordings.corpus import ALL
from ..unit.scenes import Machine
from .loss_oracle import Gap, gaps, inside

pytest.importorskip("pyarrow")


def rows(answer: tracecmd.Answer) -> list[Gap]:
    return [
        Gap(row["cpu"], row["from"], row["to"], row["count"], row["buffer"])
        for row in answer.to_arrow().to_pylist()
    ]


def order(gap: Gap) -> Any:
    return (gap.buffer, gap.cpu, gap.begin is not None, gap.begin or 0)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_recordings(path: Path) -> None:
    with tracecmd.open(path) as trace:
        expected = gaps(trace)
        assert sorted(rows(trace.losses(ts="uint64")), key=order) == sorted(expected, key=order)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_windows(path: Path) -> None:
    """Those that reach into a window; what lies before it may not have been read."""
    chance = random.Random(1)
    with tracecmd.open(path) as trace:
        found = gaps(trace)
        first, last = trace.start, trace.end
        if not found or first is None or last is None:
            return
        edges = [edge for gap in found for edge in (gap.begin, gap.end) if edge is not None]
        for _ in range(40):
            start, end = sorted(chance.choice([chance.randint(first, last), *edges[:8]])
                                for _ in range(2))  # fmt: skip
            expected = [gap for gap in found if inside(gap, start, end) and start < end]
            given = rows(trace.losses(ts="uint64", start=start, end=end))
            assert [g._replace(begin=None) for g in sorted(given, key=lambda g: (g.buffer, g.cpu,
                    g.end))] == [g._replace(begin=None) for g in sorted(expected, key=lambda g:
                    (g.buffer, g.cpu, g.end))]  # fmt: skip
            known = {(gap.buffer, gap.cpu, gap.end): gap.begin for gap in found}
            for gap in given:
                if gap.begin is None:
                    before = known[gap.buffer, gap.cpu, gap.end]
                    assert before is None or before < start
                else:
                    assert gap.begin == known[gap.buffer, gap.cpu, gap.end]


def made(path: Path, machine: Machine) -> tracecmd.Trace:
    pages = machine.pages(writer.Machine())
    path.write_bytes(writer.Trace(buffers=[writer.Buffer(cpus=pages)]).write().data)
    return tracecmd.open(path)


def test_made(tmp_path: Path) -> None:
    machine = Machine()
    machine.tick(100, 0)
    machine.lose(0, 7)
    machine.tick(200, 0)
    machine.tick(150, 1)
    machine.lose(1)
    machine.tick(150, 1)
    with made(tmp_path / "t.dat", machine) as trace:
        assert rows(trace.losses(ts="uint64")) == [
            Gap(0, 100, 200, 7, ""),
            Gap(1, 150, 150, None, ""),
        ]
        assert rows(trace.losses(ts="uint64", cpus=1)) == [Gap(1, 150, 150, None, "")]
        assert rows(trace.losses(ts="uint64", start=120, end=140)) == [Gap(0, 100, 200, 7, "")]
        assert rows(trace.losses(ts="uint64", start=201)) == []
        with pytest.raises(ValueError, match="ts="):
            trace.losses(ts="seconds")  # type: ignore[arg-type]
        with pytest.raises(KeyError):
            trace.losses(buffers="none")


def test_session(tmp_path: Path) -> None:
    from ..unit.scenes import Scene

    scene = Scene({"Guest1": [4711]})
    scene.host.tick(10, 0)
    scene.guests["Guest1"].tick(20, 0)
    scene.guests["Guest1"].lose(0, 3)
    scene.guests["Guest1"].tick(30, 0)
    with scene.open(tmp_path) as session:
        assert session.losses(ts="uint64").to_arrow().to_pylist() == [
            {"cpu": 0, "from": 20, "to": 30, "count": 3, "buffer": "", "peer": "Guest1"}
        ]
    with pytest.raises(tracecmd.ClosedError):
        session.losses()


def test_damaged_pages_are_losses(tmp_path: Path) -> None:
    """In the middle, and at the end; so that no answer takes their records for not there."""
    first, _, second = (writer.fill_pages([(ts, writer.SCHED_SWITCH.values(
        pid=prev, prev_pid=prev, prev_state=1, next_pid=following))], writer.Machine())[0]
        for ts, prev, following in ((100, 0, 5), (0, 0, 0), (300, 5, 6)))  # fmt: skip
    damaged = b"\xff" * 4096
    path = tmp_path / "t.dat"
    cpus = {0: [first, damaged, second, damaged]}
    path.write_bytes(writer.Trace(buffers=[writer.Buffer(cpus=cpus)]).write().data)
    with tracecmd.open(path) as trace:
        answer = trace.losses(ts="uint64").to_arrow().to_pylist()
        assert [(row["from"], row["to"], row["count"]) for row in answer] == [
            (100, 300, None),
            (300, None, None),
        ]
        states = trace.sched.states(ts="uint64").to_arrow().to_pylist()
        found = [(row["pid"], row["state"], row["start"], row["end"]) for row in states]
        assert sorted(found, key=str) == [
            (5, "unknown", 100, 300),
            (6, "unknown", 100, 300),
            (None, "unknown", 100, 300),
        ]
        spans = trace.spans("sched_switch", "sched_wakeup", key="cpu", ts="uint64")
        assert [(row["start"], row["lost"]) for row in spans.to_arrow().to_pylist()] == [
            (300, True),
            (100, True),
        ]


def test_time_steps_back_before_damage(tmp_path: Path) -> None:
    """A loss begins where the records before it end, though the page's last time is earlier."""
    machine = writer.Machine()
    values = writer.SCHED_SWITCH.values(next_pid=5).encode(machine)
    page = writer.Page(
        1000,
        [writer.Event(0, values), writer.TimeStamp(700), writer.RawRecord(b"\x1c\0\0\0")],
    )
    path = tmp_path / "t.dat"
    made = writer.Trace(buffers=[writer.Buffer(cpus={0: [page]})])
    path.write_bytes(made.write().data)
    with tracecmd.open(path) as trace:
        assert [event.ts for event in trace] == [1000]
        (loss,) = trace.losses(ts="uint64").to_arrow().to_pylist()
        assert (loss["from"], loss["to"]) == (1000, None)
