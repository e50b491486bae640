from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from .. import writer
from ..recordings.corpus import ALL
from ..unit.scenes import Machine, Scene
from ..writer import Field
from .call_oracle import Call, Sum, function_calls, graph, sums

ENTRY = writer.EventFormat(
    "ftrace",
    "funcgraph_entry",
    11,
    (Field("unsigned long func", "long"), Field("unsigned int depth", 4)),
    '"--> %ps (%u)", (void *)REC->func, REC->depth',
)
EXIT = writer.EventFormat(
    "ftrace",
    "funcgraph_exit",
    10,
    (
        Field("unsigned long func", "long"),
        Field("unsigned int depth", 4),
        Field("unsigned int overrun", 4),
        Field("unsigned long long calltime", 8),
        Field("unsigned long long rettime", 8),
    ),
    '"<-- %ps (%u)", (void *)REC->func, REC->depth',
)
KERNEL_STACK = writer.EventFormat(
    "ftrace",
    "kernel_stack",
    4,
    (Field("int size", 4, signed=True), Field("unsigned long caller[8]", 64, align=8)),
    '"%ps", (void *)REC->caller[0]',
)
BASE = 0x80000000
FUNCTIONS = {name: BASE + 0x100 * place for place, name in enumerate("abcdefgh")}
KALLSYMS = "".join(f"{address:x} T {name}\n" for name, address in FUNCTIONS.items())
KALLSYMS += f"{BASE + 0x10000:x} T last\n"


def made(path: Path, machine: Machine, **options: Any) -> tracecmd.Trace:
    kind = writer.Machine(options.get("big_endian", False), options.get("long_size", 8))
    events = (*writer.EVENTS, *writer.FTRACE_EVENTS, ENTRY, EXIT, KERNEL_STACK)
    file = writer.Trace(
        ftrace_events=tuple(event for event in events if event.system == "ftrace"),
        events=tuple(event for event in events if event.system != "ftrace"),
        buffers=[writer.Buffer(cpus=machine.pages(kind))],
        kallsyms=KALLSYMS,
        **options,
    )
    path.write_bytes(file.write().data)
    return tracecmd.open(path)


def enter(name: str, depth: int, pid: int = 17) -> writer.Values:
    return ENTRY.values(pid=pid, func=FUNCTIONS.get(name, 0), depth=depth)


def leave(name: str, depth: int, begin: int, end: int, pid: int = 17) -> writer.Values:
    return EXIT.values(
        pid=pid, func=FUNCTIONS.get(name, 0), depth=depth, calltime=begin, rettime=end
    )


def check(trace: tracecmd.Trace, by: tuple[str, ...], calls: list[Call], **options: Any) -> None:
    """Rows of calls of function_graph are what the oracle says."""
    expected = sums(trace, calls, by)
    answer = trace.functions(by=by, **options)
    given: dict[tuple[Any, ...], Any] = {}
    order = []
    for values in answer.values():
        row = dict(zip(answer.column_names, values, strict=True))
        if row["total"] is None:
            continue
        key = row_key(row, by)
        assert key not in given
        given[key] = tuple(
            row[name] for name in ("calls", "total", "self", "min", "max", "unmatched", "lost")
        )
        order.append(row["total"])
        assert_percentiles(row, expected[key])
    assert given == {key: each.values() for key, each in expected.items()}
    assert order == sorted(order, reverse=True)


def row_key(row: dict[str, Any], by: tuple[str, ...]) -> tuple[Any, ...]:
    parent = None if row.get("parent") is None else (row["parent_address"], row["parent"])
    own = {"parent": parent, "task": (row.get("pid"), row.get("task")), "cpu": row.get("cpu")}
    return ((row["address"], row["name"]), *(own[name] for name in by))


def assert_percentiles(row: dict[str, Any], expected: Sum) -> None:
    for percent in (50, 90, 99):
        value = row[f"p{percent}"]
        if not expected.times:
            assert value is None
            continue
        exact = expected.rank(percent)
        assert abs(value - exact) <= exact / 128
        assert row["min"] <= value <= row["max"]


def check_sums(calls: list[Call]) -> None:
    """The roots of what is known wholly take what all in them do by themselves."""
    whole = [call for call in calls if call.how == "whole"]
    roots = [call for call in whole if not call.caller or call.caller.how != "whole"]
    assert sum(call.total for call in roots) == sum(call.self for call in whole)


def buffer_of(trace: tracecmd.Trace) -> Iterator[str]:
    yield from (buffer.name for buffer in trace.buffers)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_recordings(path: Path) -> None:
    if path.stat().st_size > 20 << 20:
        return
    chance = random.Random(3)
    with tracecmd.open(path) as trace:
        if "funcgraph_entry" not in trace.events:
            return
        for name in buffer_of(trace):
            calls = graph(trace, name)
            check_sums(calls)
            for by in ((), ("parent",), ("task", "cpu"), ("parent", "task", "cpu")):
                check(trace, by, calls, buffer=name)
            if not calls:
                continue
            times = [call.start for call in calls]
            start, end = sorted(chance.choices(times, k=2))
            check(trace, ("parent",), graph(trace, name, start=start, end=end), buffer=name,
                  start=start, end=end)  # fmt: skip
            some = [call for call in calls if call.cpu == calls[0].cpu]
            check(trace, (), some, buffer=name, cpus=calls[0].cpu)
            some = [call for call in calls if call.pid == calls[0].pid]
            check(trace, (), some, buffer=name, pids=calls[0].pid)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_calls_of_the_function_tracer(path: Path) -> None:
    if path.stat().st_size > 20 << 20:
        return
    with tracecmd.open(path) as trace:
        if "ftrace:function" not in trace.events:
            return
        for name in buffer_of(trace):
            expected: dict[Any, int] = {}
            for call in function_calls(trace, name):
                key = (call.function, call.parent, call.cpu)
                expected[key] = expected.get(key, 0) + 1
            answer = trace.functions(by=("cpu", "parent"), buffer=name)
            rows = [dict(zip(answer.column_names, row, strict=True)) for row in answer.values()]
            given = {
                row_key(row, ("parent", "cpu")): row["calls"]
                for row in rows
                if row["total"] is None
            }
            assert given == expected


TREE: list[tuple[int, int, writer.Values]] = [
    (100, 0, leave("h", 1, 50, 100)),  # began before
    (1000, 0, enter("a", 0)),
    (1010, 0, enter("b", 1)),
    (1011, 1, enter("a", 0, pid=18)),
    (1020, 0, enter("c", 2)),
    (1030, 0, leave("c", 2, 1020, 1030)),
    (1040, 0, leave("b", 1, 1010, 1039)),
    (1041, 1, enter("b", 1, pid=17)),  # it moved
    (1050, 1, leave("b", 1, 1041, 1049)),
    (1060, 1, leave("a", 0, 1000, 1060)),
    (1070, 1, leave("a", 0, 1011, 1070, pid=18)),
    (1080, 0, enter("d", 0, pid=0)),
    (1081, 1, enter("e", 0, pid=0)),
    (1090, 0, leave("d", 0, 1080, 1085, pid=0)),
    (1100, 0, enter("g", 0)),
    (1101, 0, enter("none", 1)),
    (1102, 0, leave("none", 1, 1101, 1102)),
]


@pytest.mark.parametrize("options", [{}, {"big_endian": True, "long_size": 4, "version": 6}])
def test_made(tmp_path: Path, options: dict[str, Any]) -> None:
    machine = Machine()
    for ts, cpu, values in TREE:
        machine.add(ts, cpu, values)
    with made(tmp_path / "t.dat", machine, **options) as trace:
        answer = trace.functions()
        assert answer.column_names == ("name", "address", "calls", "total", "self", "min", "max",
                                       "p50", "p90", "p99", "unmatched", "lost")  # fmt: skip
        rows = {row[0]: row[2:] for row in answer.values()}
        assert rows == {
            "a": (2, 119, 82, 59, 60, 59, 60, 60, 0, 0),
            "b": (2, 37, 27, 8, 29, 8, 29, 29, 0, 0),
            "c": (1, 10, 10, 10, 10, 10, 10, 10, 0, 0),
            "d": (1, 5, 5, 5, 5, 5, 5, 5, 0, 0),
            "e": (0, 0, 0, None, None, None, None, None, 1, 0),
            "g": (0, 0, 0, None, None, None, None, None, 1, 0),
            "h": (0, 0, 0, None, None, None, None, None, 1, 0),
            "0x0": (1, 1, 1, 1, 1, 1, 1, 1, 0, 0),
        }
        by_parent = {row[:4:2]: row[4:6] for row in trace.functions(by="parent").values()}
        assert by_parent["b", "a"] == (2, 37)
        assert by_parent["a", None] == (2, 119)
        by_task = {(row[0], row[2], row[3]): row[4] for row in trace.functions(by="task").values()}
        assert by_task["a", 17, "worker/0:1"] == 1
        by_cpu = {(row[0], row[2]): row[3] for row in trace.functions(by="cpu").values()}
        assert (by_cpu["b", 0], by_cpu["b", 1]) == (1, 1)
        early = {
            row[0]: (row[2], row[10]) for row in trace.functions(start=1015, end=1045).values()
        }
        assert early == {"c": (1, 0), "b": (0, 2)}


def test_what_contradicts_itself(tmp_path: Path) -> None:
    """A call without exit makes what it is in unknown, and time that goes back itself."""
    machine = Machine()
    for ts, values in [
        (10, enter("a", 0)), (11, enter("b", 1)), (12, enter("c", 1)),
        (13, leave("c", 1, 12, 13)), (14, leave("a", 0, 10, 14)),
        (20, enter("d", 0)), (21, leave("d", 0, 21, 20)),
        (30, enter("e", 0)), (31, leave("f", 0, 30, 31)),
        (40, enter("g", 0)), (41, leave("h", 1, 40, 41)), (42, leave("g", 0, 40, 42)),
    ]:  # fmt: skip
        machine.add(ts, 0, values)
    with made(tmp_path / "t.dat", machine) as trace:
        rows = {row[0]: (row[2], *row[-2:]) for row in trace.functions().values()}
        assert rows == {"a": (0, 0, 1), "b": (0, 1, 0), "c": (1, 0, 0), "d": (0, 0, 1),
                        "e": (0, 1, 0), "f": (0, 1, 0), "g": (0, 0, 1), "h": (0, 1, 0)}  # fmt: skip
        check(trace, (), graph(trace, ""))


EARLY = [
    (10, enter("a", 0)),
    (20, enter("c", 2)), (25, leave("c", 2, 20, 25)),  # an interrupt in b, before its entry
    (26, enter("d", 2)), (28, leave("d", 2, 26, 28)),
    (30, enter("b", 1)), (35, enter("e", 2)), (38, leave("e", 2, 35, 38)),
    (42, enter("c", 2)), (43, leave("c", 2, 42, 43)),  # and one before its exit
    (45, leave("b", 1, 15, 40)),
    (50, enter("c", 2)), (53, leave("c", 2, 50, 53)),  # in something that is not traced
    (60, enter("f", 1)), (65, leave("f", 1, 55, 65)),
    (70, leave("a", 0, 5, 70)),
    (80, enter("g", 1)), (85, leave("g", 1, 80, 85)),
    (90, enter("h", 0)), (95, leave("h", 0, 79, 95)),
    (100, enter("g", 1)), (105, leave("g", 1, 100, 105)),
    (110, enter("h", 0)), (115, leave("h", 0, 102, 115)),
]  # fmt: skip


def test_interrupts_before_a_record(tmp_path: Path) -> None:
    """What is called inside of a call, but before its entry is written, is in it; also its end."""
    machine = Machine()
    for ts, values in EARLY:
        machine.add(ts, 0, values)
    with made(tmp_path / "t.dat", machine) as trace:
        rows = {row[0]: (row[2], row[3], row[4], row[-1]) for row in trace.functions().values()}
        assert rows == {
            "a": (1, 65, 65 - 25 - 1 - 3 - 10, 0),
            "b": (1, 25, 25 - 5 - 2 - 3, 0),
            "c": (3, 9, 9, 0),
            "d": (1, 2, 2, 0),
            "e": (1, 3, 3, 0),
            "f": (1, 10, 10, 0),
            "g": (2, 10, 10, 0),
            "h": (1, 16, 11, 1),  # of the second nobody knows
        }
        calls = graph(trace, "")
        check_sums(calls)
        check(trace, ("parent",), calls)


def random_calls(chance: random.Random) -> list[tuple[int, int, writer.Values]]:
    """Tasks call, return and move."""
    open_calls: dict[int, list[tuple[str, int]]] = {17: [], 18: [], 19: []}
    where = {17: 0, 18: 1, 19: 0}
    records = []
    for ts in range(100, 12000, 10):
        pid = chance.choice(list(open_calls))
        stack = open_calls[pid]
        if chance.random() < 0.05:
            where[pid] = chance.randrange(2)
        if not stack or (len(stack) < 6 and chance.random() < 0.5):
            stack.append((chance.choice("abcdefgh"), ts))
            records.append((ts, where[pid], enter(stack[-1][0], len(stack) - 1, pid)))
        else:
            name, begin = stack.pop()
            records.append((ts, where[pid], leave(name, len(stack), begin, ts, pid)))
    return records


def with_losses(records: list[Any], chance: random.Random) -> tuple[Machine, bool]:
    """All but some records, and whether the last of a CPU are among these."""
    hidden: set[int] = set()
    for place in range(len(records)):
        if chance.random() < 0.01:
            hidden.update(range(place, place + chance.randrange(1, 12)))
    gone = {0: False, 1: False}
    machine = Machine()
    for place, (ts, cpu, values) in enumerate(records):
        if place in hidden:
            gone[cpu] = True
            continue
        if gone[cpu]:
            machine.lose(cpu)
        gone[cpu] = False
        machine.add(ts, cpu, values)
    return machine, any(gone.values())


@pytest.mark.parametrize("seed", range(30))
def test_nothing_is_guessed(tmp_path: Path, seed: int) -> None:
    """With records taken out, what counts is what the whole recording says, call by call."""
    chance = random.Random(seed)
    records = random_calls(chance)
    whole = Machine()
    for ts, cpu, values in records:
        whole.add(ts, cpu, values)
    cut, hides_the_end = with_losses(records, chance)
    with made(tmp_path / "a.dat", whole) as trace:
        calls = graph(trace, "")
        check_sums(calls)
        check(trace, ("parent", "task"), calls)
        right = {(call.pid, call.start): call for call in calls if call.how == "whole"}
    with made(tmp_path / "b.dat", cut) as trace:
        given = graph(trace, "")
        check_sums(given)
        for by in ((), ("parent",), ("parent", "task", "cpu")):
            check(trace, by, given)
    for call in given:
        if call.how == "whole" and not hides_the_end:
            of = right[call.pid, call.start]
            assert (call.function, call.total, call.self) == (of.function, of.total, of.self)
            assert call.parent in (None, of.parent)


@pytest.mark.parametrize("seed", range(40))
def test_any_records(tmp_path: Path, seed: int) -> None:
    """Depths and times that no kernel would write."""
    chance = random.Random(seed)
    depths = [*range(5), 2**31, 2**32 - 1]
    machine = Machine()
    for ts in range(1000, 3000, 2):
        name, depth, pid = (
            chance.choice("abc"),
            chance.choice(depths),
            chance.choice([0, 0, 17, -3]),
        )
        begin = chance.choice([ts - 3, ts - chance.randrange(50), 2**64 - 1, 0])
        end = chance.choice([ts, ts, ts - chance.randrange(40), 2**64 - 1])
        values = enter(name, depth, pid)
        if chance.random() < 0.5:
            values = leave(name, depth, begin, end, pid)
        if chance.random() < 0.02:
            machine.lose(ts & 2 >> 1)
        machine.add(ts, ts & 2 >> 1, values)
    with made(tmp_path / "t.dat", machine) as trace:
        check(trace, (), graph(trace, ""))
        check(trace, ("parent", "task", "cpu"), graph(trace, ""))


def test_wrong_questions(tmp_path: Path) -> None:
    machine = Machine()
    machine.tick(1, 0)
    path = tmp_path / "t.dat"
    with made(path, machine) as trace:
        assert list(trace.functions().values()) == []
        with pytest.raises(ValueError, match="parent, task, cpu"):
            trace.functions(by="name")
        with pytest.raises(KeyError):
            trace.functions(buffer="none")
    plain = writer.Trace(ftrace_events=(), buffers=[writer.Buffer(cpus={})])
    path.write_bytes(plain.write().data)
    with (
        tracecmd.open(path) as trace,
        pytest.raises(tracecmd.MissingEventError, match="-p function_graph"),
    ):
        trace.functions()


def test_session(tmp_path: Path) -> None:
    scene = Scene({"Guest1": [4711]})
    scene.host.tick(10, 0)
    scene.guests["Guest1"].tick(11, 0)
    with scene.open(tmp_path) as session:
        answer = session.functions(by="cpu")
        assert answer.column_names[-1] == "peer"
        assert list(answer.values()) == []
