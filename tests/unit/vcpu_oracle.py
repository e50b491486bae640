"""Timelines of vCPUs made plainly, with all records in memory: the core's have to be the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import tracecmd
from tracecmd.session import VCpu
from tracecmd.session.vcpu_timeline import STATES, Interval, State, on_one_clock, recorded_span

GUEST, HOST, PREEMPTED, BLOCKED, UNKNOWN = STATES
Task = tuple[int, str]
SWITCH = "sched:sched_switch"
WAKES = ("sched:sched_waking", "sched:sched_wakeup", "sched:sched_wakeup_new")
EVENTS = (SWITCH, *WAKES, "kvm:kvm_entry", "kvm:kvm_exit")
DEAD = 0x10 | 0x20  # EXIT_DEAD, EXIT_ZOMBIE in the kernel's sched.h
ASLEEP = 0xFF  # above it there are marks of the tracepoint only: 0x100 says preempted

# What is known of a thread at an instant.
_LOST, _ON_CPU, _ASLEEP, _RUNNABLE, _WOKEN = range(5)
# Pieces of time that wait for what they were to be known.
_ON_CPU_PIECE, _ASLEEP_PIECE, _WOKEN_PIECE = range(3)
# The last KVM event.
_NONE, _ENTERED, _EXITED = range(3)


class Thread:
    """The host thread of a vCPU: what is known of it, and its time up to now in pieces."""

    def __init__(self, vcpu: VCpu, start: int, done: list[Interval], wakes: bool) -> None:
        self.vcpu = vcpu
        self.cpu: int | None = None
        self.task: Task | None = None
        self.seen = start  # last record about it
        self.mode = _LOST
        self.exits: Counter[str] = Counter()
        self.guest_records = 0  # since the last KVM event
        self.inside = 0
        self.checkable = 0
        self._wakes = wakes
        self._since = start
        self._woken = False  # while it was on a CPU: it may be about to sleep
        self._kvm = _NONE
        self._reason = ""
        self._done = done
        self._last: Interval | None = None
        # [start, end, host CPU, kind or state, exit reason, task]
        self._pending: list[list[Any]] = []
        self._undecided = 0

    # Pieces

    def cut(self, ts: int) -> None:
        """End the piece that is open."""
        since = self._since
        if ts <= since:
            return
        self._since = ts
        mode = self.mode
        kind: int | State
        if mode == _ON_CPU:
            kind = _ON_CPU_PIECE if self._kvm else UNKNOWN
        elif mode == _ASLEEP:
            kind = _ASLEEP_PIECE
        elif mode == _RUNNABLE:
            kind = PREEMPTED
        elif mode == _WOKEN:
            kind = _WOKEN_PIECE
        else:
            kind = UNKNOWN
        if isinstance(kind, int):
            self._undecided += 1
        elif not self._undecided:
            self._put(since, ts, self.cpu, kind, None, self.task)
            return
        self._pending.append([since, ts, self.cpu, kind, None, self.task])

    def _decide(self, kind: int, state: State, reason: str | None = None) -> None:
        """Now it is known what the pieces of one kind were."""
        if not self._undecided:
            return
        pending = self._pending
        for piece in pending:
            if piece[3] == kind:
                piece[3] = state
                piece[4] = reason
                self._undecided -= 1
        if not self._undecided:
            for piece in pending:
                self._put(*piece)
            pending.clear()

    def _put(
        self, start: int, end: int, cpu: int | None, state: State, reason: str | None,
        task: Task | None,
    ) -> None:  # fmt: skip
        pid, comm = task or (None, None)
        last = self._last
        if last is not None:
            if last[6:] == (state, pid, comm, reason) and last[3] == cpu:
                self._last = last._replace(end=end)
                return
            self._done.append(last)
        guest, vcpu, host_pid = self.vcpu
        self._last = Interval(
            guest, vcpu, host_pid, cpu, start, end, state, pid, comm, reason
        )  # fmt: skip

    def forget(self, ts: int) -> None:
        """From this time on nothing is known."""
        self.cut(ts)
        if self._undecided:
            self._decide(_ON_CPU_PIECE, UNKNOWN)
            slept = self._wakes and not self._woken
            self._decide(_ASLEEP_PIECE, BLOCKED if slept else UNKNOWN)
            self._decide(_WOKEN_PIECE, UNKNOWN)
        self._kvm = _NONE
        self.guest_records = 0
        self.mode = _LOST
        self.cpu = None

    def finish(self, ts: int) -> None:
        """The host's records end here."""
        self.forget(ts)
        if self._last is not None:
            self._done.append(self._last)
            self._last = None

    # What the records say

    def observe(self, ts: int, cpu: int) -> None:
        """It made a record: it is on that CPU."""
        if self.mode != _ON_CPU or self.cpu != cpu:
            if self.mode != _LOST:  # it should not be there
                self.forget(self.seen)
            self.cut(ts)
            self.mode = _ON_CPU
            self.cpu = cpu
        self._woken = False
        self.seen = ts

    def switch_in(self, ts: int, cpu: int) -> None:
        if self.mode == _ON_CPU:
            self.forget(self.seen)
        self.cut(ts)
        self._decide(_ASLEEP_PIECE, PREEMPTED if self._woken else UNKNOWN)
        self._decide(_WOKEN_PIECE, PREEMPTED)
        self.mode = _ON_CPU
        self.cpu = cpu
        self._woken = False
        self.seen = ts

    def switch_out(self, ts: int, cpu: int, state: int) -> None:
        woken = self._woken
        self.observe(ts, cpu)
        self.cut(ts)
        if self._kvm == _ENTERED:
            self._kvm = _NONE
            self.guest_records = 0
            self._decide(_ON_CPU_PIECE, UNKNOWN)
        if state & DEAD:
            self.forget(ts)
        self.mode = _LOST if state & DEAD else _ASLEEP if state & ASLEEP else _RUNNABLE
        self._woken = woken
        self.cpu = None

    def wake(self, ts: int) -> None:
        mode = self.mode
        if mode == _ASLEEP:
            self.cut(ts)
            self._decide(_ASLEEP_PIECE, BLOCKED)
            self.mode = _RUNNABLE
            self.seen = ts
        elif mode == _ON_CPU:
            # Going to sleep, it was found by its waker already: then it sleeps without another
            # wake-up and was runnable all the time. Or it stays awake.
            self._woken = True
        elif mode == _LOST:
            self.cut(ts)  # runnable from here, if the next of it is a switch to it
            self.mode = _WOKEN
            self.seen = ts

    def entry(self, ts: int, cpu: int) -> None:
        self.observe(ts, cpu)
        self.cut(ts)
        if self._kvm == _EXITED:
            self._decide(_ON_CPU_PIECE, HOST, self._reason)
            self.checkable += self.guest_records
        else:
            self._decide(_ON_CPU_PIECE, UNKNOWN)
        self._kvm = _ENTERED
        self.guest_records = 0

    def exit(self, ts: int, cpu: int, reason: str) -> None:
        self.observe(ts, cpu)
        self.cut(ts)
        if self._kvm == _ENTERED:
            self._decide(_ON_CPU_PIECE, GUEST)
            self.checkable += self.guest_records
            self.inside += self.guest_records
        else:
            self._decide(_ON_CPU_PIECE, UNKNOWN)
        self._kvm = _EXITED
        self._reason = reason
        self.guest_records = 0
        self.exits[reason] += 1

    def set_task(self, ts: int, task: Task | None) -> None:
        """The guest switched to another task, or it is not known to which."""
        if task != self.task:
            self.cut(ts)
            self.task = task


# The host's CPUs ----------------------------------------------------------------------------------


def reason_of(form: tracecmd.EventFormat, event: tracecmd.Event) -> str:
    """Why a vCPU left the guest, by the lists of the print fmt."""
    field = next((f for f in ("exit_reason", "exit_nr", "ret", "reason") if f in form.fields), None)
    if field is None:
        return "?"
    lists: dict[tuple[str, object], Any] = {}
    for each in form._value_names:
        isa = each.condition[1] if each.condition and each.condition[0] == "isa" else None
        lists.setdefault((each.field, isa), each)

    def name(field: str, isa: object = None) -> str | None:
        value: Any = event[field]
        names = lists.get((field, isa)) or lists.get((field, None))
        return names and names.names.get(value if names.mask is None else value & names.mask)

    text = name(field, event["isa"] if "isa" in form.fields else None) or str(event[field])
    if "esr_ec" in form.fields and text == "TRAP":
        return name("esr_ec") or f"TRAP {event['esr_ec']:#x}"
    return text


class Oracle:
    """Rows and threads of a session."""

    def __init__(self, session: tracecmd.Session, *, every: bool = False) -> None:
        self.done: list[Interval] = []
        self.threads: list[Thread] = []
        self._session = session
        self._running: dict[int, Thread] = {}
        self._lost: Counter[int] = Counter()
        host = session.host
        span = None if host is None else recorded_span(host)
        if host is None or span is None:
            return
        self._end = span[1]
        names = {str(form) for form in map(host.events.get, EVENTS) if form is not None}
        found = set(host.stat().events) & names
        self._switches = SWITCH in found
        wakes = self._switches and bool(found & {*WAKES})
        self.threads = [Thread(vcpu, span[0], self.done, wakes) for vcpu in session.vcpus]
        self._by_pid: dict[int, Thread] = {}
        for thread in self.threads:
            self._by_pid.setdefault(thread.vcpu.host_pid, thread)
        self._run(sorted(self._items(host, span[0], every=every), key=lambda item: item[:3]))

    # What happens, in order

    def _items(self, host: tracecmd.Trace, start: int, *, every: bool) -> Iterator[tuple[Any, ...]]:
        """Time, place, place in its stream, what, and to whom."""
        place = 0
        for cpu, events in streams(host):
            yield from stream(events, place, start, cpu, every=False)
            place += 1
        marks = 0
        for name, trace in self._session.guests.items():
            span = recorded_span(trace)
            if span is None or not on_one_clock(self._session, name):
                continue
            threads = {t.vcpu.vcpu: t for t in self.threads if t.vcpu.guest == name}
            for cpu, events in streams(trace):
                if cpu not in threads:
                    continue
                thread = threads[cpu]
                yield from stream(events, place, span[0], thread, every=every)
                place += 1
            for cpu, thread in threads.items():
                first = next(trace.iter("sched_switch", cpus=[cpu]), None)
                if first is not None:
                    marks += 1
                    if not first.missed_events:
                        task = first["prev_pid"], first["prev_comm"]
                        yield span[0], -marks, 0, "task", thread, task
                    yield span[1], (1 << 30) + marks, 0, "task", thread, None

    def _run(self, items: list[tuple[Any, ...]]) -> None:
        over = False
        for ts, _, _, what, whose, event in items:
            if ts > self._end and not over:
                over = True
                for each in self.threads:
                    self._leave(each)
                    each.forget(self._end)
            self._put(min(ts, self._end), what, whose, event)
        for each in self.threads:
            each.finish(self._end)

    def _put(self, ts: int, what: str, whose: Any, event: Any) -> None:
        if isinstance(whose, int):
            if what == "lose":
                self._lose(ts, whose)
            elif what == "find":
                self._lost[whose] -= 1
                self._lost += Counter()  # those that lose none are not in it
            else:
                self._record(ts, whose, what, event)
        elif what == "task":
            whose.set_task(ts, event)
        elif what == "lose":
            whose.set_task(ts, None)
        elif what != "find":
            if what == SWITCH:
                whose.set_task(ts, (event["next_pid"], event["next_comm"]))
            whose.guest_records += 1

    # The host's records

    def _record(self, ts: int, cpu: int, what: str, event: tracecmd.Event) -> None:
        self._only(event["prev_pid"] if what == SWITCH else event.pid, cpu)
        if what == SWITCH:
            self._switch(ts, cpu, event)
            return
        thread = self._by_pid.get(event.pid)
        if thread is not None:
            self._leave(thread)
            if what == "kvm:kvm_entry":
                thread.entry(ts, cpu)
            elif what == "kvm:kvm_exit":
                assert self._session.host is not None
                form = self._session.host.events[what]
                thread.exit(ts, cpu, reason_of(form, event))
            else:
                thread.observe(ts, cpu)
            self._enter(thread, ts, cpu)
            if what == "kvm:kvm_exit" and not self._switches:  # it may be switched out now
                self._leave(thread)
                thread.forget(ts)
        if what in WAKES:
            woken = self._by_pid.get(event["pid"])
            if woken is not None and (not self._lost or woken.cpu is not None):
                woken.wake(ts)

    def _switch(self, ts: int, cpu: int, event: tracecmd.Event) -> None:
        thread = self._by_pid.get(event["prev_pid"])
        if thread is not None:
            self._leave(thread)
            thread.switch_out(ts, cpu, event["prev_state"])
            if self._lost:
                thread.forget(ts)
        thread = self._by_pid.get(event["next_pid"])
        if thread is not None:
            self._leave(thread)
            thread.switch_in(ts, cpu)
            self._enter(thread, ts, cpu)

    def _only(self, pid: int, cpu: int) -> None:
        thread = self._running.get(cpu)
        if thread is not None and thread.vcpu.host_pid != pid:
            del self._running[cpu]
            thread.forget(thread.seen)

    def _leave(self, thread: Thread) -> None:
        if thread.cpu is not None:
            self._running.pop(thread.cpu, None)

    def _enter(self, thread: Thread, ts: int, cpu: int) -> None:
        if cpu in self._lost:  # it is there, but for how long?
            thread.forget(ts)
        else:
            self._running[cpu] = thread

    def _lose(self, ts: int, cpu: int) -> None:
        self._lost[cpu] += 1
        for thread in self.threads:
            if thread.cpu is None or thread.cpu == cpu:
                self._leave(thread)
                thread.forget(ts)


def streams(trace: tracecmd.Trace) -> Iterator[tuple[int, list[tracecmd.Event]]]:
    """The records of each CPU."""
    for cpu in range(trace.cpus):
        yield cpu, list(trace.iter(buffers=[trace.buffers[0].name], cpus=[cpu]))


def stream(
    events: list[tracecmd.Event], place: int, start: int, whose: int | Thread, *, every: bool
) -> Iterator[tuple[Any, ...]]:
    """Records that matter, and losses where they begin and end."""
    before = start
    for number, event in enumerate(events):
        if event.missed_events:
            yield before, place, 4 * number, "lose", whose, None
            yield event.ts, place, 4 * number + 1, "find", whose, None
        name = f"{event.system}:{event.name}"
        wanted = (SWITCH,) if isinstance(whose, Thread) else EVENTS
        if every or name in wanted:
            yield event.ts, place, 4 * number + 2, name, whose, event
        before = event.ts
