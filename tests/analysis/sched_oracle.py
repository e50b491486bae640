"""What tasks did, from single events, looked at with hindsight.

First what each CPU ran: between two switches with no loss in between that is plain. Then, for each
task, what it did between its runs.
"""

from __future__ import annotations

import bisect
import itertools
import os.path
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import tracecmd

from .loss_oracle import Gap, gaps, inside

LETTERS = {
    "S": "sleeping", "D": "blocked", "T": "stopped", "t": "traced", "X": "dead", "x": "dead",
    "Z": "zombie", "P": "parked", "I": "idle",
}  # fmt: skip
WAKES = ("sched_waking", "sched_wakeup", "sched_wakeup_new")
OTHERS = ("sched_migrate_task", "task_rename", "sched_process_exec")
FINAL = ("dead", "zombie")


class Row(NamedTuple):
    pid: int | None
    name: str | None
    state: str
    start: int
    end: int
    cpu: int | None
    waker: int | None


class Piece(NamedTuple):
    """A row of a task, or one of no length; exact: of a run, it is known when it began."""

    row: Row
    exact: bool


class Wait(NamedTuple):
    pid: int
    name: str
    waker: int
    cpu: int
    woken: int
    run: int


class Stay(NamedTuple):
    """Time on a CPU's queue."""

    cpu: int
    start: int
    end: int


class Loss(NamedTuple):
    at: int  # place among the events: before this one
    begin: int
    end: int
    cpu: int


class Run(NamedTuple):
    cpu: int
    start: int
    end: int
    first: int | None  # place of the switch that it begins with; None: deduced
    last: int | None  # of the one it ends with; None: a loss, or the end
    loss: int | None  # place of the loss that it ends with

    @property
    def switch(self) -> int:
        """The first record that tells of it."""
        place = self.last if self.first is None else self.first
        assert place is not None
        return place


@dataclass
class Sched:
    """All that can be known of one buffer of a file."""

    trace: tracecmd.Trace
    buffer: str
    start: int | None = None
    end: int | None = None
    contradictions: int = 0
    rows: list[Row] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    pieces: dict[int, list[Piece]] = field(default_factory=lambda: defaultdict(list))
    stays: list[Stay] = field(default_factory=list)
    slices: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        trace = self.trace
        known = ["sched_switch"] + [name for name in (*WAKES, *OTHERS) if name in trace.events]
        window = {"buffers": [self.buffer], "start": self.start, "end": self.end}
        everything = list(trace.iter(**window))  # type: ignore[arg-type]
        first = everything[0].ts if everything else 0
        self.begin = self.start if self.start else first
        last = max((event.ts for event in everything), default=self.begin)
        self.finish = self.end if self.end is not None else max(last, self.begin)
        self.events = [event for event in everything if event.name in known]
        self.times = [event.ts for event in self.events]
        self.cpus = sorted(c.cpu for c in trace.stat().cpus if c.buffer == self.buffer)
        self.began = {}
        for cpu in self.cpus:
            event = next(trace.iter(buffers=[self.buffer], cpus=cpu), None)
            self.began[cpu] = max(self.begin, event.ts if event else self.finish)
        self.states = self._state_letters()
        upper = 1 << 64 if self.end is None else self.end
        found = [g for g in gaps(trace) if g.buffer == self.buffer
                 and inside(g, self.start or 0, upper)]  # fmt: skip
        self.losses = sorted(map(self._place, found))
        self._name_changes()
        self._queue_changes()
        runs = {cpu: self._runs(cpu) for cpu in self.cpus}
        self.unknown_until = self._unknown(runs)
        by_pid: dict[int, list[Run]] = defaultdict(list)
        for cpu, all_of_it in runs.items():
            self._cpu_rows(cpu, all_of_it)
            for pid, run in all_of_it:
                if pid:
                    by_pid[pid].append(run)
        pids = {*by_pid, *self.names, *self.wakes, *self.moves}
        for pid in pids - {0}:
            self._task(pid, sorted(by_pid[pid], key=lambda run: run.switch))

    # What records say -----------------------------------------------------------------------

    def _state_letters(self) -> dict[int, str]:
        form = self.trace.events["sched_switch"]
        found = {}
        text = form.print_fmt
        for part in text.split("{")[1:]:
            number, _, letter = part.partition("}")[0].partition(",")
            letter = letter.strip().strip('"')
            if letter[:1] in LETTERS and number.strip().startswith(tuple("0123456789")):
                found[int(number.strip(), 0)] = LETTERS[letter[0]]
        return found

    def _place(self, gap: Gap) -> Loss:
        begin = max(gap.begin or 0, self.begin)
        place = bisect.bisect_left(self.times, gap.begin or 0)
        while place < len(self.events):
            event = self.events[place]
            if event.ts > (gap.begin or 0) or (event.cpu == gap.cpu and event.ts >= gap.end):
                break
            place += 1
        return Loss(place, begin, gap.end, gap.cpu)

    def _name_changes(self) -> None:
        self.names: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for place, event in enumerate(self.events):
            name = event.name
            if name == "sched_switch":
                self.names[event["prev_pid"]].append((place, event["prev_comm"]))
                self.names[event["next_pid"]].append((place, event["next_comm"]))
            elif name in WAKES:
                self.names[event["pid"]].append((place, event["comm"]))
            elif name == "task_rename":
                pid = event["pid"] if "pid" in event.format.fields else event.pid
                self.names[pid].append((place, event["newcomm"]))
            elif name == "sched_process_exec":
                self.names[event["pid"]].append((place, os.path.basename(event["filename"])[:15]))

    def name(self, pid: int, place: int) -> str:
        """As known after what happened before a place."""
        known = self.names.get(pid, [])
        before = bisect.bisect_left(known, (place, ""))
        return known[before - 1][1] if before else self.trace.comm(pid)

    def _queue_changes(self) -> None:
        self.wakes: dict[int, list[int]] = defaultdict(list)
        self.moves: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for place, event in enumerate(self.events):
            if event.name in WAKES:
                self.wakes[event["pid"]].append(place)
                if "target_cpu" in event.format.fields:
                    self.moves[event["pid"]].append((place, event["target_cpu"]))
            elif event.name == "sched_migrate_task":
                self.moves[event["pid"]].append((place, event["dest_cpu"]))

    # CPUs -----------------------------------------------------------------------------------

    def _runs(self, cpu: int) -> list[tuple[int, Run]]:
        """What a CPU ran, as far as that can be known."""
        switches = [(place, event) for place, event in enumerate(self.events)
                    if event.cpu == cpu and event.name == "sched_switch"]  # fmt: skip
        losses = [loss for loss in self.losses if loss.cpu == cpu]
        edges = [(0, self.began[cpu])] + [(loss.at, loss.end) for loss in losses]
        ends = [(loss.at, loss.begin) for loss in losses] + [(len(self.events), self.finish)]
        found = []
        for (after, since), (before, until) in zip(edges, ends, strict=True):
            own = [(p, e) for p, e in switches if after <= p < before]
            if not own:
                continue
            place, event = own[0]
            found.append((event["prev_pid"],
                          Run(cpu, since, event.ts, None, place, None)))  # fmt: skip
            for (place, event), (later, other) in itertools.pairwise(own):
                if event["next_pid"] != other["prev_pid"]:
                    self.contradictions += 1
                    continue
                found.append((event["next_pid"],
                              Run(cpu, event.ts, other.ts, place, later, None)))  # fmt: skip
            place, event = own[-1]
            loss = before if before < len(self.events) or until < self.finish else None
            if losses and before == losses[-1].at and until == losses[-1].begin:
                loss = before
            found.append((event["next_pid"], Run(cpu, event.ts, until, place, None, loss)))
        return found

    def _unknown(self, runs: dict[int, list[tuple[int, Run]]]) -> list[tuple[int, int]]:
        """Places from which to which some CPU ran nobody knows what, at that time."""
        found = []
        for cpu in self.cpus:
            since = 0
            for _, run in runs[cpu]:
                if run.first is not None and since >= 0:
                    found.append((since, run.first + 1))
                    since = -1
                if run.loss is not None:
                    since = run.loss
            if since >= 0:
                found.append((since, len(self.events) + 1))
        return found

    def _cpu_rows(self, cpu: int, runs: list[tuple[int, Run]]) -> None:
        covered = self.begin
        for pid, run in runs:
            if run.start > covered:
                self.rows.append(Row(None, None, "unknown", covered, run.start, cpu, None))
            if not pid and run.end > run.start:
                self.rows.append(Row(0, "<idle>", "running", run.start, run.end, cpu, None))
            covered = max(covered, run.end)
        if covered < self.finish:
            self.rows.append(Row(None, None, "unknown", covered, self.finish, cpu, None))

    # Tasks ----------------------------------------------------------------------------------

    def _task(self, pid: int, runs: list[Run]) -> None:
        at, since, state, cpu = 0, self.begin, "unknown", None
        for run in runs:
            switch = run.switch
            if run.start < since or switch < at:
                self.contradictions += 1
            self._off(pid, at, since, state, cpu, switch, run)
            self.slices[pid].append(run.cpu)
            place = run.last if run.last is not None else run.loss
            stop = len(self.events) if place is None else place
            named = stop + 1 if run.last is not None else stop
            row = Row(pid, self.name(pid, named), "running", run.start, run.end, run.cpu, None)
            self.pieces[pid].append(Piece(row, run.first is not None))
            if run.end > run.start:
                self.rows.append(row)
                if run.first is not None:
                    self.stays.append(Stay(run.cpu, run.start, run.end))
            since, cpu, at = run.end, run.cpu, stop
            state = "unknown"
            if run.last is not None:
                at = stop + 1
                bits = self.events[run.last]["prev_state"]
                state = self._state(bits)
        self._off(pid, at, since, state, cpu, len(self.events), None)

    def _state(self, bits: int) -> str:
        for bit in range(64):
            if bits >> bit & 1 and 1 << bit in self.states:
                return self.states[1 << bit]
        return "preempted" if bits else "runnable"

    def _open_loss(self, place: int, ts: int) -> bool:
        return any(loss.at <= place and loss.end > ts for loss in self.losses)

    def _happens(self, pid: int, at: int, to: int) -> Iterator[tuple[int, int, object]]:
        """Losses, moves and wakes of a task between two places, in their order."""
        found: list[tuple[int, int, object]] = []
        found += [(loss.at, 0, loss) for loss in self.losses if at <= loss.at <= to]
        wakes = self.wakes.get(pid, [])
        first, last = bisect.bisect_left(wakes, at), bisect.bisect_left(wakes, to)
        found += [(place, 1, "wake") for place in wakes[first:last]]
        moves = self.moves.get(pid, [])
        for place, cpu in moves[bisect.bisect_left(moves, (at, -1)) :]:
            if place >= to:
                break
            found.append((place, 2, cpu))
        return iter(sorted(found, key=lambda each: each[:2]))

    def _off(self, pid: int, at: int, since: int, state: str, cpu: int | None, to: int,
             run: Run | None) -> None:  # fmt: skip
        """What a task did between two runs."""
        until = self.finish if run is None else run.start
        waker: int | None = None
        stay = since
        if state not in FINAL and self._open_loss(at - 1, since):
            state = "unknown"

        def put(end: int, named: int) -> None:
            shown = None if state == "unknown" else cpu
            row = Row(pid, self.name(pid, named), state, since, end, shown,
                      waker if state == "runnable" else None)  # fmt: skip
            self.pieces[pid].append(Piece(row, exact=True))
            if end > since:
                self.rows.append(row)

        def leave(end: int) -> None:
            if state in ("runnable", "preempted") and end > stay and cpu is not None:
                self.stays.append(Stay(cpu, stay, end))

        for place, _, what in self._happens(pid, at, to):
            if isinstance(what, Loss):
                if state not in (*FINAL, "unknown"):
                    begin = max(what.begin, since)
                    put(begin, place)
                    leave(begin)
                    since, state, waker = begin, "unknown", None
                continue
            event = self.events[place]
            if isinstance(what, int):
                if what != cpu:
                    leave(event.ts)
                    stay, cpu = event.ts, what
                continue
            unsure = any(a <= place < b for a, b in self.unknown_until)
            if event.name != "sched_wakeup_new" and (
                state in ("runnable", "preempted") or (state == "unknown" and unsure)
            ):
                continue
            lost = self._open_loss(place, event.ts)
            if state == "unknown" and lost:
                continue
            put(event.ts, place + 1)
            leave(event.ts)
            state, waker = ("unknown", None) if lost else ("runnable", event.pid)
            since = stay = event.ts
        put(until, to if run is None else to + 1)
        leave(until)
        if run is not None and run.first is not None and state == "runnable" and waker is not None:
            name = self.name(pid, to + 1)
            self.waits.append(Wait(pid, name, waker, run.cpu, since, until))
