from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from ..recordings.corpus import ALL
from .sched_oracle import Row, Sched, Wait

pytest.importorskip("pyarrow")

# Their clocks stood still or stepped, so that records of two CPUs contradict each other.
CONTRADICT = ("i386-v7-zstd.dat", "trace-Guest1.dat")
WITH_TASKS = [path for path in ALL if path.stat().st_size < 3 << 20]


def rows(answer: tracecmd.Answer) -> list[Row]:
    found = []
    for row in answer.to_arrow().to_pylist():
        assert row["end"] - row["start"] == row["duration"] > 0
        found.append(Row(*(row[name] for name in Row._fields)))
    return found


def waits(answer: tracecmd.Answer) -> list[Wait]:
    found = []
    for row in answer.to_arrow().to_pylist():
        assert row["run"] - row["woken"] == row["latency"]
        found.append(Wait(*(row[name] for name in Wait._fields)))
    return found


def first_buffer(trace: tracecmd.Trace, **window: Any) -> str:
    for buffer in trace.buffers:
        if next(trace.iter("sched_switch", buffers=[buffer.name], **window), None) is not None:
            return buffer.name
    return trace.buffers[0].name


def check_sums(given: list[Row], begin: int, end: int, cpus: list[int]) -> None:
    """States of each task, and what each CPU ran, fill the window without overlap."""
    tasks: dict[Any, list[tuple[int, int]]] = defaultdict(list)
    for row in given:
        if row.pid:
            tasks["pid", row.pid].append((row.start, row.end))
        if row.state == "running" or row.pid is None:
            tasks["cpu", row.cpu].append((row.start, row.end))
    assert end == begin or {("cpu", cpu) for cpu in cpus} <= set(tasks)
    for pieces in tasks.values():
        pieces.sort()
        assert pieces[0][0] == begin
        assert pieces[-1][1] == end
        assert all(a[1] == b[0] for a, b in itertools.pairwise(pieces))


def check(trace: tracecmd.Trace, **window: Any) -> int:
    """Everything beside the oracle; gives the number of contradictions in the records."""
    buffer = first_buffer(trace, **window)
    oracle = Sched(trace, buffer, **window)
    given = rows(trace.sched.states(ts="uint64", **window))
    if oracle.events:
        check_sums(given, oracle.begin, oracle.finish, oracle.cpus)
    if oracle.contradictions:
        return oracle.contradictions
    assert Counter(given) == Counter(oracle.rows)
    if "sched_waking" in trace.events or "sched_wakeup" in trace.events:
        assert Counter(waits(trace.sched.latency(ts="uint64", **window))) == Counter(oracle.waits)
        check_worst(trace, oracle, window)
    check_tasks(trace, oracle, window)
    return 0


def check_worst(trace: tracecmd.Trace, oracle: Sched, window: dict[str, Any]) -> None:
    ranked = sorted(oracle.waits, key=lambda wait: (wait.woken - wait.run, wait.run))
    worst = waits(trace.sched.latency(ts="uint64", **window).worst(5))
    assert [w.run - w.woken for w in worst] == [w.run - w.woken for w in ranked[:5]]


def check_tasks(trace: tracecmd.Trace, oracle: Sched, window: dict[str, Any]) -> None:
    sums: dict[int, Counter[str]] = defaultdict(Counter)
    for row in oracle.rows:
        if row.pid:
            named = {"idle": "sleeping", "stopped": "other", "traced": "other", "dead": "other",
                     "zombie": "other", "parked": "other"}.get(row.state, row.state)  # fmt: skip
            sums[row.pid][named] += row.end - row.start
    given = trace.sched.tasks(**window).to_arrow().to_pylist()
    states = ("running", "runnable", "preempted", "sleeping", "blocked", "other", "unknown")
    assert {row["pid"] for row in given} == set(sums)
    for row in given:
        assert Counter({name: row[name] for name in states if row[name]}) == sums[row["pid"]]
        slices = oracle.slices[row["pid"]]
        assert row["slices"] == len(slices)
        assert row["migrations"] == sum(a != b for a, b in itertools.pairwise(slices))
    running = [row["running"] for row in given]
    assert running == sorted(running, reverse=True)


@pytest.mark.parametrize("path", WITH_TASKS, ids=lambda path: path.name)
def test_recordings(path: Path) -> None:
    with tracecmd.open(path) as trace:
        if "sched_switch" not in trace.events:
            with pytest.raises(tracecmd.MissingEventError, match="record -e sched:sched_switch"):
                trace.sched.states()
            return
        assert check(trace) == 0 or path.name in CONTRADICT
        if trace.start is None or trace.end is None:
            return
        chance = random.Random(5)
        for _ in range(3):
            start, end = sorted(chance.randint(trace.start, trace.end) for _ in range(2))
            assert check(trace, start=start, end=end) == 0 or path.name in CONTRADICT
