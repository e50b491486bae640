from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from .. import writer
from ..recordings.corpus import ALL
from ..unit.scenes import Machine, Scene
from ..writer import Field
from .span_oracle import Key, Span, spans

pytest.importorskip("pyarrow")

CASES: list[tuple[str, str, list[Key], list[tuple[int, str]]]] = [
    ("irq_handler_entry", "irq_handler_exit", ["cpu", "irq"], [(0, "name"), (1, "ret")]),
    ("softirq_entry", "softirq_exit", ["cpu", "vec"], []),
    ("softirq_raise", "softirq_entry", ["vec"], []),
    ("sys_enter", "sys_exit", ["pid", "id"], [(1, "ret")]),
    ("sched_waking", "sched_switch", [("pid", "next_pid")], [(0, "comm"), (1, "prev_comm")]),
    ("sched_waking", "sched_wakeup", ["comm", ("pid", "pid")], [(1, "target_cpu")]),
]
OWN = ("start", "end", "duration", "self", "cpu", "pid", "lost", "buffer")


def rows(answer: tracecmd.Answer) -> list[Span]:
    found = []
    for row in answer.to_arrow().to_pylist():
        fields = tuple(value for name, value in row.items() if name not in OWN)
        if row["start"] is not None and row["end"] is not None:
            assert row["duration"] == row["end"] - row["start"]
        else:
            assert (row["duration"], row["self"]) == (None, None)
        found.append(Span(row["start"], row["end"], row["self"], row["cpu"], row["pid"], fields,
                          row["lost"], row["buffer"]))  # fmt: skip
    return found


def same(given: Sequence[Span], expected: Sequence[Span]) -> bool:
    return Counter(given) == Counter(expected)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case[1])
def test_recordings(path: Path, case: tuple[str, str, list[Key], list[tuple[int, str]]]) -> None:
    if path.stat().st_size > 20 << 20:
        return
    first, last, key, fields = case
    names = [f"{(first, last)[side]}.{name}" for side, name in fields]
    chance = random.Random(2)
    with tracecmd.open(path) as trace:
        if first not in trace.events or last not in trace.events:
            return
        given = rows(trace.spans(first, last, key=key, fields=names, ts="uint64"))
        expected = spans(trace, (first, last), key, fields)
        assert same(given, expected)
        begins, ends = trace.start, trace.end
        if begins is None or ends is None:
            return
        start, end = sorted(chance.randint(begins, ends) for _ in range(2))
        window: dict[str, Any] = {"start": start, "end": end}
        given = rows(trace.spans(first, last, key=key, fields=names, ts="uint64", **window))
        assert same(given, spans(trace, (first, last), key, fields, **window))


BEGIN = writer.EventFormat(
    "test", "begin", 700, (Field("u32 n", 4), Field("char name[8]", 8)), '"%u", REC->n'
)
END = writer.EventFormat(
    "test", "end", 701, (Field("u32 n", 4), Field("s64 ret", 8, signed=True)), '"%u", REC->n'
)


def made(path: Path, machine: Machine, **options: Any) -> tracecmd.Trace:
    kind = writer.Machine(options.get("big_endian", False), options.get("long_size", 8))
    pages = machine.pages(kind)
    file = writer.Trace(
        events=(*writer.EVENTS, BEGIN, END), buffers=[writer.Buffer(cpus=pages)], **options
    )
    path.write_bytes(file.write().data)
    return tracecmd.open(path)


def begin(n: int, name: str = "", pid: int = 0) -> writer.Values:
    return BEGIN.values(pid=pid, n=n, name=name)


def end(n: int, ret: int = 0, pid: int = 0) -> writer.Values:
    return END.values(pid=pid, n=n, ret=ret)


@pytest.mark.parametrize("options", [{}, {"big_endian": True, "long_size": 4, "version": 6}])
def test_made(tmp_path: Path, options: dict[str, Any]) -> None:
    """One inside another, one across, one again, without end, and without beginning."""
    machine = Machine()
    for ts, values in [
        (5, end(9)),
        (10, begin(1, "one")), (20, begin(2, "two")), (25, begin(3, "three")), (30, end(2, -7)),
        (40, end(3)), (50, end(1, 2**40)), (60, begin(1)), (62, begin(1)), (70, end(1)),
        (80, end(1)), (90, begin(4, "last")),
    ]:  # fmt: skip
        machine.add(ts, 0, values)
    with made(tmp_path / "t.dat", machine, **options) as trace:
        answer = trace.spans("begin", "end", key=["cpu", "n"], fields=["name", "ret"], ts="uint64")
        assert answer.column_names == (*OWN[:6], "n", "name", "ret", *OWN[6:])
        assert rows(answer) == [
            Span(None, 5, None, 0, 0, (9, None, 0), False, ""),
            Span(20, 30, 10, 0, 0, (2, "two", -7), False, ""),
            Span(25, 40, 15, 0, 0, (3, "three", 0), False, ""),
            Span(10, 50, 20, 0, 0, (1, "one", 2**40), False, ""),
            Span(62, 70, 8, 0, 0, (1, "", 0), False, ""),
            Span(60, 80, 12, 0, 0, (1, "", 0), False, ""),
            Span(90, None, None, 0, 0, (4, "last", None), False, ""),
        ]
        plain = answer.without_dictionaries().to_arrow()
        assert str(plain.schema.field("name").type) == "string"
        assert plain["name"].to_pylist() == answer.to_arrow()["name"].to_pylist()
        inside = rows(trace.spans("begin", "end", key="n", start=20, end=41, ts="uint64"))
        assert [(span.start, span.end) for span in inside] == [(20, 30), (25, 40)]


def test_tasks_and_cpus(tmp_path: Path) -> None:
    machine = Machine()
    machine.add(10, 0, begin(1, pid=7))
    machine.add(11, 1, begin(1, pid=8))
    machine.add(20, 1, end(1, pid=7))
    machine.add(21, 0, end(1, pid=8))
    with made(tmp_path / "t.dat", machine) as trace:
        of_tasks = rows(trace.spans("begin", "end", key=("pid",), ts="uint64"))
        assert [(s.start, s.end, s.cpu, s.pid) for s in of_tasks] == [
            (10, 20, 0, 7),
            (11, 21, 1, 8),
        ]
        of_cpus = rows(trace.spans("begin", "end", key=("cpu",), ts="uint64"))
        assert [(s.start, s.end, s.cpu, s.pid) for s in of_cpus] == [(11, 20, 1, 8), (10, 21, 0, 7)]
        wanted = rows(trace.spans("begin", "end", key=("cpu",), ts="uint64", cpus=1))
        assert [s.cpu for s in wanted] == [1]
        wanted = rows(trace.spans("begin", "end", key=("cpu",), ts="uint64", pids=[7, 9]))
        assert [s.pid for s in wanted] == [7]
        assert rows(trace.spans("begin", "end", key=("cpu",), pids=[])) == []


def test_wrong_questions(tmp_path: Path) -> None:
    machine = Machine()
    machine.tick(1, 0)
    with made(tmp_path / "t.dat", machine) as trace:
        with pytest.raises(tracecmd.UnknownEventError):
            trace.spans("begin", "ended", key="cpu")
        with pytest.raises(tracecmd.UnknownFieldError):
            trace.spans("begin", "end", key="name")
        with pytest.raises(tracecmd.UnknownFieldError):
            trace.spans("begin", "end", key="n", fields=["none"])
        with pytest.raises(ValueError, match="neither a number nor a text"):
            trace.spans("tick", "begin", key="cpu", fields=["bytes"])
        with pytest.raises(ValueError, match="cannot begin"):
            trace.spans("tick", "tick", key="cpu")
        with pytest.raises(ValueError, match="one name or several"):
            trace.spans("begin", "end", key=())
        assert rows(trace.spans("begin", "end", key="cpu")) == []


@pytest.mark.parametrize("seed", range(30))
def test_what_losses_change_is_marked(tmp_path: Path, seed: int) -> None:
    """With records taken out of a schedule, no unmarked row says what the whole one does not."""
    chance = random.Random(seed)
    stacks: dict[int, list[int]] = {0: [], 1: []}
    numbers = itertools.count()
    records: list[tuple[int, int, writer.Values]] = []
    for ts in range(10, 4000, 10):
        cpu = chance.randrange(2)
        stack = stacks[cpu]
        if len(stack) < 5 and chance.random() < 0.5:
            stack.append(chance.randrange(4))
            records.append((ts, cpu, begin(stack[-1], f"t{next(numbers)}")))
        elif stack:
            records.append((ts, cpu, end(stack.pop(), ts)))
    whole, cut = Machine(), Machine()
    for ts, cpu, values in records:
        whole.add(ts, cpu, values)
    hidden: set[int] = set()
    for place in range(len(records)):
        if chance.random() < 0.03:
            hidden.update(range(place, place + chance.randrange(1, 8)))
    gone = {0: False, 1: False}
    for place, (ts, cpu, values) in enumerate(records):
        if place in hidden:
            gone[cpu] = True
            continue
        if gone[cpu]:
            cut.lose(cpu)
        gone[cpu] = False
        cut.add(ts, cpu, values)
    ask: dict[str, Any] = {"fields": ["name", "ret"], "ts": "uint64"}
    for key in (["cpu", "n"], ["n"], ["cpu"]):
        with made(tmp_path / "a.dat", whole) as trace:
            right = set(rows(trace.spans("begin", "end", key=key, **ask)))
        with made(tmp_path / "b.dat", cut) as trace:
            given = rows(trace.spans("begin", "end", key=key, **ask))
            assert same(given, spans(trace, ("begin", "end"), key, [(0, "name"), (1, "ret")]))
        # What is lost after a CPU's last record nobody can know.
        last = {cpu: max(ts for ts, c, _ in records if c == cpu) for cpu in (0, 1)}
        for row in given:
            if not row.lost and not any(gone.values()):
                assert row in right, (row, last)


def test_session(tmp_path: Path) -> None:
    scene = Scene({"Guest1": [4711]})
    scene.host.switch(10, 0, 0, 5)
    scene.host.wake(20, 0, 6)
    scene.host.switch(30, 0, 5, 6)
    scene.guests["Guest1"].wake(21, 0, 6)
    scene.guests["Guest1"].switch(31, 0, 0, 6)
    with scene.open(tmp_path) as session:
        answer = session.spans("sched_waking", "sched_switch", key=[("pid", "next_pid")],
                               ts="uint64").to_arrow().to_pylist()  # fmt: skip
        assert [(row["start"], row["end"], row["peer"]) for row in answer] == [
            (None, 10, "host"), (20, 30, "host"), (21, 31, "Guest1")]  # fmt: skip
