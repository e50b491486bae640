"""Who held the CPU while a task waited for it."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from .. import writer
from ..unit.scenes import SCHED_WAKING, Machine, Scene
from .sched_oracle import Sched, Wait
from .test_sched import first_buffer
from .test_sched_made import MIGRATE, D, S, World, made, values

pytest.importorskip("pyarrow")

DATA = Path(__file__).parent.parent / "data"
Holders = list[tuple[int | None, int]]


def ask(trace: tracecmd.Trace, count: int, **window: Any) -> list[tuple[Wait, Holders]]:
    """Each wait with those who held its CPU; they add up."""
    waits = trace.sched.latency(ts="uint64", **window)
    found = []
    rows = waits.worst(count, meanwhile=True).to_arrow().to_pylist()
    for rank, row in enumerate(waits.worst(count).to_arrow().to_pylist(), 1):
        own = [each for each in rows if each["rank"] == rank]
        assert all(row[name] == each[name] for each in own for name in row)
        assert sum(each["held"] for each in own) == row["latency"]
        known = [each["held"] for each in own if each["by_pid"] is not None]
        assert known == sorted(known, reverse=True)
        assert all((each["by_name"] == "<idle>") == (each["by_pid"] == 0) for each in own)
        wait = Wait(*(row[name] for name in Wait._fields))
        found.append((wait, [(each["by_pid"], each["held"]) for each in own]))
    return found


def holders(oracle: Sched, wait: Wait) -> Counter[int]:
    """From all records, whatever lies before and after."""
    stays: list[tuple[int, int]] = []
    for event in oracle.events:
        if not wait.woken <= event.ts < wait.run:
            continue
        kind = event.name
        if kind == "sched_migrate_task" and event["pid"] == wait.pid:
            stays.append((event.ts, event["dest_cpu"]))
        elif kind == "sched_waking" and event["pid"] == wait.pid:
            stays.append((event.ts, event["target_cpu"]))
        elif kind in ("sched_wakeup", "sched_wakeup_new") and event["pid"] == wait.pid:
            stays = [(wait.woken, event["target_cpu"])]
    found: Counter[int] = Counter()
    ends = [ts for ts, _ in stays[1:]] + [wait.run]
    if stays and stays[-1][1] != wait.cpu:
        stays.pop()
    for (begin, cpu), end in zip(stays, ends, strict=False):
        for row in oracle.rows:
            if row.state == "running" and row.cpu == cpu and row.pid is not None:
                held = min(end, row.end) - max(begin, row.start)
                if held > 0:
                    found[row.pid] += held
    return found


@pytest.mark.parametrize("name", ["i386-v6.dat", "i386-lost.dat", "k72-stack.dat",
                                  "sessions/kvm-small/trace-Guest2.dat"])  # fmt: skip
def test_recordings(name: str) -> None:
    with tracecmd.open(DATA / name) as trace:
        oracle = Sched(trace, first_buffer(trace))
        known = 0
        for wait, given in ask(trace, 30):
            right = holders(oracle, wait)
            for pid, held in given:
                assert pid is None or held == right[pid]
                known += held if pid is not None else 0
            if None not in dict(given):
                assert dict(given) == right
        assert known > 0.9 * sum(w.run - w.woken for w, _ in ask(trace, 30))


@pytest.mark.parametrize("seed", range(6))
def test_made_schedules(tmp_path: Path, seed: int) -> None:
    """The tasks that a made machine ran; with records lost, none that it did not run."""
    world = World(random.Random(seed), cpus=2 + seed % 2, tasks=9)
    hidden = {at for at in range(world.cpus, len(world.records) - world.cpus)
              if seed % 2 and world.chance.random() < 0.02}  # fmt: skip
    whole = made(tmp_path / "w.dat", world.machine(set()))
    with whole, made(tmp_path / "t.dat", world.machine(hidden)) as trace:
        truth = Sched(whole, "")
        for wait, given in ask(trace, 40):
            right = holders(truth, wait)
            if not hidden:
                assert dict(given) == right
            known = {pid: held for pid, held in given if pid is not None}
            assert all(held <= right[pid] for pid, held in known.items())


def test_moves(tmp_path: Path) -> None:
    """A task that is moved while a CPU is chosen, and later from one queue to another."""
    machine = Machine()
    machine.switch(10, 0, 0, 5, comms=("swapper", "five"))
    machine.switch(11, 1, 0, 6, comms=("swapper", "six"))
    machine.switch(12, 2, 0, 9)
    machine.add(100, 2, values(SCHED_WAKING, 9, 7, target_cpu=2))
    machine.add(105, 2, values(MIGRATE, 9, 7, orig_cpu=2, dest_cpu=0))
    machine.add(110, 2, values(writer.SCHED_WAKEUP, 9, 7, target_cpu=0))
    machine.switch(130, 0, 5, 8, state=S, comms=("five", "eight"))
    machine.add(150, 1, values(MIGRATE, 6, 7, orig_cpu=0, dest_cpu=1))
    machine.switch(160, 1, 6, 0, state=D, comms=("six", "swapper"))
    machine.switch(175, 1, 0, 7)
    machine.switch(300, 0, 8, 0, state=S, comms=("eight", "swapper"))
    machine.tick(400, 1)
    with made(tmp_path / "t.dat", machine) as trace:
        ((wait, given),) = ask(trace, 5)
        assert (wait.woken, wait.run) == (100, 175)
        assert given == [(5, 30), (8, 20), (0, 15), (6, 10)]
        # Where it was moved without a record, nobody knows from when on.
    del machine.cpus[1][1]
    with made(tmp_path / "u.dat", machine) as trace:
        ((_, given),) = ask(trace, 5)
        assert given == [(None, 75)]
        with pytest.raises(ValueError, match="count=0"):
            trace.sched.latency().worst(0, meanwhile=True)


def test_session(tmp_path: Path) -> None:
    """Tasks of the same number in other files are others."""
    scene = Scene({"Guest1": [4711]})
    for machine, by in ((scene.host, 5), (scene.guests["Guest1"], 8)):
        machine.switch(10, 0, 0, by)
        machine.wake(20, 0, 6, by)
        machine.switch(30 + by, 0, by, 6)
        machine.tick(50, 0)
    with scene.open(tmp_path) as session:
        answer = session.sched.latency().worst(9, meanwhile=True)
        rows = [(r["peer"], r["by_pid"], r["held"]) for r in answer.to_arrow().to_pylist()]
        assert rows == [("Guest1", 8, 18), ("host", 5, 15)]
        plain = answer.without_dictionaries().to_arrow()
        assert plain.to_pylist() == answer.to_arrow().to_pylist()
        assert str(plain.schema.field("by_name").type) == "string"
