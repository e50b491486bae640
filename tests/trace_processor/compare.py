"""The records of a trace, counted in the same way by trace processor and by us."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import tracecmd
from tracecmd.export import perfetto

from .engine import Engine

Recording = tracecmd.Trace | tracecmd.Session
Key = tuple[int, int, str | None, int]
"""machine_id, CPU, name and thread of records."""

GROUPS = """
    SELECT machine.raw_id AS machine, cpu.cpu AS cpu, event.name AS name, thread.tid AS tid,
        count(*) AS count, min(event.ts) AS first, max(event.ts) AS last
    FROM ftrace_event event
    JOIN thread USING (utid)
    JOIN cpu USING (ucpu)
    JOIN machine ON machine.id = cpu.machine_id
    GROUP BY 1, 2, 3, 4
"""
TOTAL = "SELECT count(*) AS count FROM ftrace_event"
FAULTS = """
    SELECT name, idx, value FROM stats
    WHERE severity IN ('error', 'data_loss') AND value != 0
"""
TASKS = """
    SELECT machine.raw_id AS machine, tid, thread.name AS thread, process.name AS process
    FROM thread
    JOIN machine ON machine.id = thread.machine_id
    LEFT JOIN process USING (upid)
"""


@dataclass
class Found:
    """What there is to know of a trace's records."""

    groups: dict[Key, tuple[int, ...]] = field(default_factory=dict)
    """Number, first and last time."""
    faults: dict[tuple[str, int | None], int] = field(default_factory=dict)
    """Statistics that stand for an error or a loss: name and CPU."""


def machines(recording: Recording) -> dict[str, tuple[int, tracecmd.Trace]]:
    """The machine_id and the file of each peer."""
    if isinstance(recording, tracecmd.Trace):
        return {recording.peer: (0, recording)}
    ids = perfetto.machine_ids(recording)
    return {peer.name: (ids[peer.name], peer.trace) for peer in recording.peers}


def by_trace_processor(engine: Engine, path: Path) -> Found:
    """What trace processor reads in a file."""
    groups, ((total,),), faults = engine.query(path, GROUPS, TOTAL, FAULTS)
    found = Found(
        {(machine, cpu, name, tid): tuple(rest) for machine, cpu, name, tid, *rest in groups},
        {(name, cpu): value for name, cpu, value in faults},
    )
    assert sum(count for count, _, _ in found.groups.values()) == total  # no row falls through
    return found


def by_us(recording: Recording, end: int | None = None) -> Found:
    """What it should read: the records, and what follows from losses among them."""
    ids = {name: number for name, (number, _) in machines(recording).items()}
    found = Found()
    losses: set[int] = set()
    syscalls: dict[str, tuple[str, str]] = {}
    switches = _Switches()
    for event in recording.iter(end=end):
        name = event.name or f"id {event.id}"
        if name.startswith(("sys_enter", "sys_exit")):
            first = syscalls.setdefault(event.peer, (event.system, event.buffer))
            if first == (event.system, event.buffer):
                name = "_".join(name.split("_")[:2])  # which are drawn
        key = ids[event.peer], event.cpu, name, event.pid & 0xFFFFFFFF
        count, begin, _ = found.groups.get(key, (0, event.ts, 0))
        found.groups[key] = count + 1, begin, event.ts
        if event.missed_events:
            losses.add(event.cpu)
        if name == "sched_switch":
            switches.add(event)
    found.faults = {("ftrace_cpu_has_data_loss", cpu): 1 for cpu in losses}
    if switches.mismatched:
        assert losses
        found.faults["mismatched_sched_switch_tids", None] = switches.mismatched
    return found


@dataclass
class _Switches:
    """Counts switches from another task than the last one was to: those in between were lost."""

    mismatched: int = 0
    running: dict[tuple[str, int], object] = field(default_factory=dict)
    buffers: dict[str, str] = field(default_factory=dict)
    """Of each peer the one buffer whose switches count."""

    def add(self, event: tracecmd.Event) -> None:
        if self.buffers.setdefault(event.peer, event.buffer) != event.buffer:
            return
        place = event.peer, event.cpu
        if self.running.get(place, event["prev_pid"]) != event["prev_pid"]:
            self.mismatched += 1
        self.running[place] = event["next_pid"]


def check(engine: Engine, recording: Recording, path: Path, end: int | None = None) -> Found:
    """Write a trace, and compare; gives what was found."""
    count = perfetto.write(recording, path, end=end)
    found, expected = by_trace_processor(engine, path), by_us(recording, end)
    assert sum(number for number, _, _ in found.groups.values()) == count
    if expected.faults:  # ends of slices whose beginnings were lost
        found.faults.pop(("misplaced_end_event", None), None)
    assert found == expected
    return found


def names_of_tasks(engine: Engine, path: Path) -> dict[tuple[int, int], tuple[str, str]]:
    """The names of each thread and its process, by machine_id and thread."""
    (rows,) = engine.query(path, TASKS)
    return {(machine, tid): (thread, process) for machine, tid, thread, process in rows}
