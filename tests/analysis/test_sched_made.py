"""Schedules whose answer is known, and the same with records taken out."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from .. import writer
from ..unit.scenes import SCHED_WAKING, Machine, Scene
from ..writer import Field
from .sched_oracle import Row, Sched
from .test_sched import check, check_sums, rows, waits

pytest.importorskip("pyarrow")

WAKEUP_NEW = dataclasses.replace(writer.SCHED_WAKEUP, name="sched_wakeup_new", id=319)
MIGRATE = writer.EventFormat(
    "sched",
    "sched_migrate_task",
    320,
    (
        Field("char comm[16]", 16),
        Field("pid_t pid", 4, signed=True),
        Field("int prio", 4, signed=True),
        Field("int orig_cpu", 4, signed=True),
        Field("int dest_cpu", 4, signed=True),
    ),
    '"comm=%s pid=%d", REC->comm, REC->pid',
)
RENAME = writer.EventFormat(
    "task",
    "task_rename",
    321,
    (
        Field("pid_t pid", 4, signed=True),
        Field("char oldcomm[16]", 16),
        Field("char newcomm[16]", 16),
    ),
    '"pid=%d", REC->pid',
)
EXEC = writer.EventFormat(
    "sched",
    "sched_process_exec",
    322,
    (
        Field("__data_loc char[] filename", 4),
        Field("pid_t pid", 4, signed=True),
        Field("pid_t old_pid", 4, signed=True),
    ),
    '"filename=%s", __get_str(filename)',
)
EVENTS = (*writer.EVENTS, SCHED_WAKING, WAKEUP_NEW, MIGRATE, RENAME, EXEC)
S, D, DEAD, PLUS = 1, 2, 0x10, 0x100


def values(form: writer.EventFormat, by: int, pid: int, **more: Any) -> writer.Values:
    made = form.values(pid=by)
    return writer.Values(form, {**made.values, "pid": pid, **more})


def made(path: Path, machine: Machine, events: Any = EVENTS, **options: Any) -> tracecmd.Trace:
    kind = writer.Machine(options.get("big_endian", False), options.get("long_size", 8))
    buffers = [writer.Buffer(cpus=machine.pages(kind))]
    file = writer.Trace(events=events, buffers=buffers, **options)
    path.write_bytes(file.write().data)
    return tracecmd.open(path)


@pytest.mark.parametrize("options", [{}, {"big_endian": True, "long_size": 4, "version": 6}])
def test_states(tmp_path: Path, options: dict[str, Any]) -> None:
    machine = Machine()
    machine.tick(10, 0)
    machine.switch(20, 0, 0, 5, comms=("swapper", "five"))
    machine.add(25, 0, values(RENAME, 5, 5, newcomm="fiver"))
    machine.switch(30, 0, 5, 6, state=S, comms=("fiver", "six"))
    machine.add(40, 0, values(SCHED_WAKING, 6, 5, comm="fiver", target_cpu=1))
    machine.switch(50, 0, 6, 0, state=PLUS, comms=("six", "swapper"))
    machine.tick(15, 1)
    machine.switch(45, 1, 0, 5, comms=("swapper", "fiver"))
    machine.add(50, 1, values(EXEC, 5, 5, filename="/bin/a-very-long-program"))
    machine.switch(55, 1, 5, 0, state=DEAD, comms=("a-very-long-pro", "swapper"))
    machine.switch(58, 1, 0, 6, comms=("swapper", "six"))
    machine.tick(60, 0)
    with made(tmp_path / "t.dat", machine, **options) as trace:
        given = rows(trace.sched.states(ts="uint64"))
        assert sorted(given, key=repr) == sorted(
            [
                Row(0, "<idle>", "running", 10, 20, 0, None),
                Row(5, "five", "unknown", 10, 20, None, None),
                Row(5, "fiver", "running", 20, 30, 0, None),
                Row(5, "fiver", "sleeping", 30, 40, 0, None),
                Row(5, "fiver", "runnable", 40, 45, 1, 6),
                Row(5, "a-very-long-pro", "running", 45, 55, 1, None),
                Row(5, "a-very-long-pro", "dead", 55, 60, 1, None),
                Row(6, "six", "unknown", 10, 30, None, None),
                Row(6, "six", "running", 30, 50, 0, None),
                Row(6, "six", "preempted", 50, 58, 0, None),
                Row(6, "six", "running", 58, 60, 1, None),
                Row(0, "<idle>", "running", 50, 60, 0, None),
                Row(None, None, "unknown", 10, 15, 1, None),
                Row(0, "<idle>", "running", 15, 45, 1, None),
                Row(0, "<idle>", "running", 55, 58, 1, None),
            ],
            key=repr,
        )
        assert check(trace) == 0
        assert [tuple(wait) for wait in waits(trace.sched.latency(ts="uint64"))] == [
            (5, "fiver", 6, 1, 40, 45)
        ]
        assert [row.state for row in rows(trace.sched.states(ts="uint64", cpus=1, pids=5))] == [
            "runnable", "running", "dead"]  # fmt: skip
        tasks = trace.sched.tasks().to_arrow().to_pylist()
        assert [(t["pid"], t["running"], t["slices"], t["migrations"]) for t in tasks] == [
            (6, 22, 2, 1), (5, 20, 2, 1)]  # fmt: skip
        part = rows(trace.sched.states(ts="uint64", start=22, end=42, pids=5))
        assert [(r.state, r.start, r.end) for r in part] == [
            ("running", 22, 30), ("sleeping", 30, 40), ("runnable", 40, 42)]  # fmt: skip


def test_a_loss_ends_what_it_touches(tmp_path: Path) -> None:
    machine = Machine()
    machine.switch(10, 0, 0, 5)
    machine.switch(10, 1, 0, 6)
    machine.switch(20, 0, 5, 0, state=S)
    machine.switch(25, 0, 0, 7)
    machine.lose(0)
    machine.tick(40, 0)
    machine.switch(50, 0, 8, 0, state=S)
    machine.switch(60, 1, 6, 0, state=D)
    with made(tmp_path / "t.dat", machine) as trace:
        given = rows(trace.sched.states(ts="uint64"))
        of = {
            pid: [(r.state, r.start, r.end) for r in given if r.pid == pid] for pid in range(5, 9)
        }
        assert of[5] == [("running", 10, 20), ("sleeping", 20, 25), ("unknown", 25, 60)]
        assert of[6] == [("running", 10, 60)]
        assert of[7] == [("unknown", 10, 25), ("unknown", 25, 60)]
        assert of[8] == [("unknown", 10, 40), ("running", 40, 50), ("sleeping", 50, 60)]
        assert [(r.start, r.end) for r in given if r.pid is None] == [(25, 40)]
        assert check(trace) == 0


def test_contradictions_are_unknown(tmp_path: Path) -> None:
    """Another task leaves the CPU than came to it; a task comes to two CPUs."""
    machine = Machine()
    machine.switch(10, 0, 0, 5)
    machine.switch(10, 1, 0, 9)
    machine.switch(30, 0, 6, 7)
    machine.switch(40, 1, 9, 7)
    machine.switch(60, 1, 7, 0)
    with made(tmp_path / "t.dat", machine) as trace:
        given = rows(trace.sched.states(ts="uint64"))
        check_sums(given, 10, 60, [0, 1])
        assert [(r.state, r.start, r.end) for r in given if r.pid == 5] == [("unknown", 10, 60)]
        seven = [(r.state, r.start, r.end) for r in given if r.pid == 7]
        assert seven == [("unknown", 10, 30), ("unknown", 30, 40), ("running", 40, 60)]


def test_events_that_are_needed(tmp_path: Path) -> None:
    machine = Machine()
    machine.switch(10, 0, 0, 5)
    machine.tick(20, 0)
    with made(tmp_path / "a.dat", machine, events=(writer.SCHED_SWITCH, writer.TICK)) as trace:
        assert rows(trace.sched.states(ts="uint64", end=20)) == [
            Row(5, "", "running", 10, 20, 0, None)
        ]
        # What is later than the last record nobody knows.
        assert rows(trace.sched.states(ts="uint64", start=15, end=50)) == [
            Row(None, None, "unknown", 15, 50, 0, None)
        ]
        assert rows(trace.sched.states(ts="uint64", end=50))[0] == Row(
            5, "", "running", 10, 20, 0, None
        )
        with pytest.raises(tracecmd.MissingEventError, match="sched:sched_waking or sched:sched_w"):
            trace.sched.latency()
        with pytest.raises(KeyError, match="trace-cmd record -e sched:sched_waking"):
            trace.sched.nr_running()
    machine = Machine()
    machine.tick(1, 0)
    with (
        made(tmp_path / "b.dat", machine, events=(writer.TICK,)) as trace,
        pytest.raises(tracecmd.MissingEventError, match="record -e sched:sched_switch"),
    ):
        trace.sched.tasks()


def test_session(tmp_path: Path) -> None:
    """The same PID is another task in each file."""
    scene = Scene({"Guest1": [4711]})
    scene.host.switch(10, 0, 0, 5)
    scene.host.switch(30, 0, 5, 0, state=S)
    scene.guests["Guest1"].switch(20, 0, 5, 0, state=D)
    scene.guests["Guest1"].tick(40, 0)
    with scene.open(tmp_path) as session:
        given = session.sched.states(ts="uint64", pids=5).to_arrow().to_pylist()
        assert [(r["peer"], r["state"], r["start"], r["end"]) for r in given] == [
            ("Guest1", "unknown", 10, 20), ("host", "running", 10, 30),
            ("host", "unknown", 30, 40), ("Guest1", "blocked", 20, 40)]  # fmt: skip


# A machine that runs tasks at random, and of which all is known -----------------------------------


@dataclasses.dataclass
class World:
    """Tasks that sleep, wake each other, and run on some CPUs."""

    chance: random.Random
    cpus: int = 2
    tasks: int = 6

    def __post_init__(self) -> None:
        self.records: list[tuple[int, int, writer.Values]] = []
        self.true: list[tuple[int, int, str]] = []  # time, pid, state that begins
        self.queues: dict[int, list[int]] = {cpu: [] for cpu in range(self.cpus)}
        self.current = dict.fromkeys(range(self.cpus), 0)
        self.asleep = dict.fromkeys(range(1, self.tasks + 1), 0)
        self.counts: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self.ts = 1000
        for cpu in range(self.cpus):
            self.put(cpu, writer.TICK.values())
        while self.ts < 6000:
            self.step()
        for cpu in range(self.cpus):
            self.put(cpu, writer.TICK.values())

    def put(self, cpu: int, record: writer.Values) -> None:
        self.ts += 1
        self.records.append((self.ts, cpu, record))

    def count(self) -> None:
        for cpu in range(self.cpus):
            number = len(self.queues[cpu]) + (self.current[cpu] > 0)
            self.counts[cpu].append((self.ts, number))

    def step(self) -> None:
        self.ts += self.chance.randrange(1, 20)
        cpu = self.chance.randrange(self.cpus)
        choices: list[Callable[[int], None]] = [self.wake, self.switch, self.switch, self.move]
        self.chance.choice(choices)(cpu)
        self.count()

    def wake(self, cpu: int) -> None:
        if not self.asleep:
            return
        pid = self.chance.choice(sorted(self.asleep))
        target = self.chance.randrange(self.cpus)
        self.put(cpu, values(SCHED_WAKING, self.current[cpu], pid, target_cpu=target))
        del self.asleep[pid]
        self.queues[target].append(pid)
        self.true.append((self.ts, pid, "runnable"))

    def move(self, cpu: int) -> None:
        other = self.chance.randrange(self.cpus)
        if other == cpu or not self.queues[other]:
            return
        pid = self.queues[other].pop()
        self.put(cpu, values(MIGRATE, self.current[cpu], pid, orig_cpu=other, dest_cpu=cpu))
        self.queues[cpu].append(pid)

    def switch(self, cpu: int) -> None:
        prev = self.current[cpu]
        queue = self.queues[cpu]
        state = self.chance.choice([0, S, S, D, PLUS]) if prev else 0
        if state in (0, PLUS) and not queue:
            return
        next_pid = queue.pop(0) if queue else 0
        self.put(
            cpu,
            writer.SCHED_SWITCH.values(
                pid=prev, prev_pid=prev, prev_state=state, next_pid=next_pid
            ),
        )
        self.current[cpu] = next_pid
        if prev:
            name = {0: "runnable", PLUS: "preempted", S: "sleeping", D: "blocked"}[state]
            self.true.append((self.ts, prev, name))
            if state in (S, D):
                self.asleep[prev] = 0
            else:
                queue.append(prev)
        if next_pid:
            self.true.append((self.ts, next_pid, "running"))

    def state(self, pid: int, ts: int) -> str | None:
        known = [state for at, who, state in self.true if who == pid and at <= ts]
        return known[-1] if known else None

    def machine(self, hidden: set[int]) -> Machine:
        made = Machine()
        gone = dict.fromkeys(range(self.cpus), False)
        for place, (ts, cpu, record) in enumerate(self.records):
            if place in hidden:
                gone[cpu] = True
                continue
            if gone[cpu]:
                made.lose(cpu)
            gone[cpu] = False
            made.add(ts, cpu, record)
        return made


@pytest.mark.parametrize("seed", range(25))
def test_what_is_lost_is_unknown(tmp_path: Path, seed: int) -> None:
    """No state is told that was another one in truth, whatever records are gone."""
    world = World(random.Random(seed), cpus=1 + seed % 3)
    last = len(world.records) - world.cpus
    hidden: set[int] = set()
    while seed and len(hidden) < 0.03 * (seed % 9) * last:
        place = world.chance.randrange(world.cpus, last)
        hidden.update(range(place, min(last, place + world.chance.randrange(1, 9))))
    with made(tmp_path / "t.dat", world.machine(hidden)) as trace:
        assert check(trace) == 0
        given = rows(trace.sched.states(ts="uint64"))
        known = 0
        for row in given:
            if not row.pid or row.state == "unknown":
                continue
            for ts in (row.start, (row.start + row.end) // 2, row.end - 1):
                true = world.state(row.pid, ts)
                assert true in (None, row.state)
            known += row.end - row.start
        assert hidden or known > 0.5 * sum(row.end - row.start for row in given if row.pid)
        for wait in waits(trace.sched.latency(ts="uint64")):
            assert world.state(wait.pid, wait.woken) == "runnable"
            assert world.state(wait.pid, wait.run - 1) == "runnable"
            assert world.state(wait.pid, wait.run) == "running"


@pytest.mark.parametrize("seed", range(25))
def test_exact_queues(tmp_path: Path, seed: int) -> None:
    world = World(random.Random(seed), cpus=1 + seed % 3)
    last = len(world.records) - world.cpus
    hidden: set[int] = set()
    for _ in range(seed % 5):
        place = world.chance.randrange(world.cpus, last)
        hidden.update(range(place, min(last, place + world.chance.randrange(1, 9))))
    with made(tmp_path / "t.dat", world.machine(hidden)) as trace:
        given = trace.sched.nr_running(ts="uint64").to_arrow().to_pylist()
        exact = 0
        for cpu in range(world.cpus):
            own = [row for row in given if row["cpu"] == cpu]
            assert own[0]["start"] == trace.start
            assert own[-1]["end"] == trace.end
            assert all(a["end"] == b["start"] for a, b in itertools.pairwise(own))
            for row in own:
                if not row["exact"]:
                    continue
                exact += row["duration"]
                for ts in (row["start"], row["end"] - 1):
                    true = [number for at, number in world.counts[cpu] if at <= ts][-1]
                    assert row["nr_running"] == true
        assert hidden or exact or not any(n == 0 for c in world.counts.values() for _, n in c[9:])
        oracle = Sched(trace, "")
        for row in given:
            if row["exact"]:
                ts = row["start"]
                known = sum(s.cpu == row["cpu"] and s.start <= ts < s.end for s in oracle.stays)
                assert row["nr_running"] == known


def test_what_is_known_has_a_budget(tmp_path: Path) -> None:
    """A file of more tasks than its budget has room for is refused, not half answered."""
    machine = Machine()
    for number in range(1, 20000):
        machine.switch(10 * number, 0, number - 1, number, state=S)
    path = tmp_path / "t.dat"
    with made(path, machine) as trace:
        assert len(list(trace.sched.tasks().values())) == 19999
    with tracecmd.open(path, budget=tracecmd.Budget(memory=1 << 20)) as trace:
        with pytest.raises(tracecmd.LimitError, match="budget"):
            list(trace.sched.tasks().values())
        assert list(trace.losses().values()) == []
