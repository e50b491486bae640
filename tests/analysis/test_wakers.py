"""Who woke whom, beside what single events say, and schedules of which all is known."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from ..unit.scenes import SCHED_WAKING, Machine, Scene
from .sched_oracle import WAKES, Piece, Row, Sched
from .test_sched import first_buffer, waits
from .test_sched_made import WAKEUP_NEW, S, World, made, values

pytest.importorskip("pyarrow")

DATA = Path(__file__).parent.parent / "data"
RECORDINGS = ("i386-v6.dat", "i386-lost.dat", "k72-sched.dat", "k72-power.dat", "k72-stack.dat",
              "s390x-tc331-v6.dat", "sessions/kvm-small/trace-Guest2.dat")  # fmt: skip
AWAKE = ("running", "runnable", "preempted")
CONTEXTS = ((0x40, "nmi"), (0x08, "hardirq"), (0x10, "softirq"), (0, "task"))
COLUMNS = ("pid", "name", "start", "run", "end", "lost", "cpu", "target_cpu", "waker",
           "waker_name", "waker_cpu", "context", "event")  # fmt: skip


def given(trace: tracecmd.Trace, **window: Any) -> list[dict[str, Any]]:
    rows = trace.sched.wakers(ts="uint64", **window).to_arrow().to_pylist()
    for row in rows:
        known = row["waker"] is not None and row["run"] is not None
        assert row["latency"] == (row["run"] - row["start"] if known else None)
    return rows


def periods(oracle: Sched) -> list[tuple[Any, ...]]:
    """Each time that a task was awake, put together from its states and the records of wakes."""
    found = []
    for pid, own in oracle.pieces.items():
        pieces = list(own)
        end = Row(pid, None, "none", oracle.finish, oracle.finish, None, None)
        awake: list[Piece] = []
        last = pieces[-1].row
        if last.state == "unknown" and last.start == oracle.finish:
            del pieces[-1]
        for piece in [*pieces, Piece(end, exact=True)]:
            if awake and (piece.row.state not in AWAKE or piece.row.waker is not None):
                found.append(period(oracle, awake, piece.row))
                awake = []
            if piece.row.state in AWAKE:
                awake.append(piece)
    return [row for row in found if row[8] is not None or row[2] != row[4]]


def period(oracle: Sched, awake: list[Piece], after: Row) -> tuple[Any, ...]:
    first = awake[0].row
    run = next((p for p in awake if p.row.state == "running"), None)
    if run is None or not run.exact or (first.waker is None and first.state != "running"):
        run = None
    record: tuple[Any, ...] = (None,) * 5
    if first.waker is not None:
        place, event = next(
            (place, e) for place, e in enumerate(oracle.events)
            if e.ts == first.start and e.name in WAKES and e["pid"] == first.pid
        )  # fmt: skip
        flags = event["common_flags"]
        context = next(name for bit, name in CONTEXTS if flags & bit or not bit)
        name = oracle.name(event.pid, place + 1) if event.pid else "<idle>"
        record = (event["target_cpu"], name, event.cpu, context, event.name)
    target, *rest = record
    end = None if after.state == "none" else after.start
    return (first.pid, awake[-1].row.name, first.start, run and run.row.start, end,
            after.state == "unknown", run and run.row.cpu, target, first.waker, *rest)  # fmt: skip


def check(trace: tracecmd.Trace, **window: Any) -> int:
    """Beside the oracle; of how many rows."""
    oracle = Sched(trace, first_buffer(trace, **window), **window)
    assert not oracle.contradictions
    rows = []
    for row in given(trace, **window):
        rows.append(tuple(row[name] for name in COLUMNS))
    assert sorted(rows, key=repr) == sorted(periods(oracle), key=repr)
    answer = trace.sched.latency(ts="uint64", **window)
    woken = [(r[0], r[8], r[6], r[2], r[3]) for r in rows if None not in (r[3], r[8])]
    assert sorted(woken) == sorted((w.pid, w.waker, w.cpu, w.woken, w.run) for w in waits(answer))
    return len(rows)


@pytest.mark.parametrize("name", RECORDINGS)
def test_recordings(name: str) -> None:
    with tracecmd.open(DATA / name) as trace:
        assert check(trace) > 5
        assert trace.start is not None
        assert trace.end is not None
        middle = (trace.start + trace.end) // 2
        check(trace, start=middle)
        check(trace, end=middle)


def test_rows(tmp_path: Path) -> None:
    """Wakes by a task, by an interrupt, of a new task, and one that is lost sight of."""
    machine = Machine()
    machine.tick(5, 1)
    machine.switch(10, 0, 0, 5, comms=("swapper", "five"))
    machine.switch(12, 1, 0, 6, comms=("swapper", "six"))
    machine.switch(15, 1, 6, 0, state=S, comms=("six", "swapper"))
    machine.add(20, 0, values(SCHED_WAKING, 5, 6, comm="six", target_cpu=1))
    machine.switch(25, 1, 0, 6, comms=("swapper", "six"))
    machine.add(30, 1, values(WAKEUP_NEW, 6, 7, comm="new", target_cpu=0))
    machine.switch(35, 1, 6, 0, state=S, comms=("six", "swapper"))
    machine.switch(40, 0, 5, 7, state=S, comms=("five", "new"))
    machine.add(50, 0, values(SCHED_WAKING, 7, 5, comm="five", target_cpu=0, common_flags=0x0A))
    machine.tick(55, 1)
    machine.lose(1)
    machine.tick(60, 1)
    machine.tick(90, 0)
    with made(tmp_path / "t.dat", machine) as trace:
        check(trace)
        rows = [tuple(row[name] for name in COLUMNS) for row in given(trace)]
        assert rows == [
            (6, "six", 12, 12, 15, False, 1, None, None, None, None, None, None),
            (6, "six", 20, 25, 35, False, 1, 1, 5, "five", 0, "task", "sched_waking"),
            (5, "five", 10, 10, 40, False, 0, None, None, None, None, None, None),
            (5, "five", 50, None, 55, True, None, 0, 7, "new", 0, "hardirq", "sched_waking"),
            (7, "new", 30, 40, None, False, 0, 0, 6, "six", 1, "task", "sched_wakeup_new"),
        ]
        wakers = trace.sched.wakers()
        chain = wakers.chain(7, 45)
        assert [(k.pid, k.start, k.run, k.until, k.waker) for k in chain.links] == [
            (7, 30, 40, 45, 6), (6, 20, 25, 30, 5), (5, 10, 10, 20, None)]  # fmt: skip
        assert chain.ends == "unknown"
        assert wakers.chain(7, 45, depth=2).ends == "depth"
        assert wakers.chain(6, 18).links == ()
        assert trace.sched.wakers(pids=6, end=23).chain(7, 45).links == ()
        interrupted = wakers.chain(5, 50)
        assert (len(interrupted.links), interrupted.ends) == (1, "interrupt")
        assert len(given(trace, cpus=0, pids=[5, 7])) == 2


def test_session(tmp_path: Path) -> None:
    scene = Scene({"Guest1": [4711]})
    for machine, by in ((scene.host, 5), (scene.guests["Guest1"], 8)):
        machine.switch(10, 0, 0, by)
        machine.wake(20, 0, 6, by)
        machine.switch(30, 0, by, 6)
        machine.tick(40, 0)
    with scene.open(tmp_path) as session:
        wakers = session.sched.wakers()
        for peer, by in (("host", 5), ("Guest1", 8)):
            links = wakers.chain(6, 35, peer=peer).links
            assert [(k.pid, k.start) for k in links] == [(6, 20), (by, 10)]
        with pytest.raises(ValueError, match="it is one of"):
            wakers.chain(6, 35)
        with pytest.raises(ValueError, match="peer='x'"):
            wakers.chain(6, 35, peer="x")


def true_chain(world: World, pid: int, time: int) -> tuple[list[tuple[int, int]], str]:
    """Tasks and the times of their wakes, from all records of a world, the last first."""
    found = []
    while True:
        wakes = [
            (ts, r.values["common_pid"])
            for ts, _, r in world.records
            if r.format.name == "sched_waking" and r.values["pid"] == pid and ts <= time
        ]
        if not wakes:
            return found, "unknown"
        at, by = wakes[-1]
        found.append((pid, at))
        if not by:
            return found, "idle"
        pid, time = by, at


@pytest.mark.parametrize("seed", range(8))
def test_chains(tmp_path: Path, seed: int) -> None:
    """With all records they are what they are; with some lost they are as far as they go."""
    world = World(random.Random(seed), cpus=1 + seed % 3)
    hidden = {at for at in range(world.cpus, len(world.records) - world.cpus)
              if seed % 2 and world.chance.random() < 0.02}  # fmt: skip
    steps = 0
    with made(tmp_path / "t.dat", world.machine(hidden)) as trace:
        check(trace)
        wakers = trace.sched.wakers()
        for _ in range(20):
            pid = world.chance.randrange(1, world.tasks + 1)
            time = world.chance.randrange(1000, world.ts)
            chain = wakers.chain(pid, time)
            links = [(k.pid, k.start) for k in chain.links if k.waker is not None]
            steps += len(links)
            right, ends = true_chain(world, pid, time)
            assert links == right[: len(links)]
            if chain.ends != "unknown":
                assert (len(links), chain.ends) == (len(right), ends)
            for link in chain.links:
                assert world.state(link.pid, link.until - 1) in (*AWAKE, None)
    assert steps > 10
