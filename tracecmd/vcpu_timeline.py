"""What each vCPU of a session did when, seen from both sides: host scheduler, KVM and guest tasks.

The host's records are followed thread by thread. What they do not tell is ``unknown``; no state is
made up. The rules:

- A thread is on a CPU from the switch to it until the switch away from it. Any record of the
  scheduler or KVM that a thread makes shows it on that CPU.
- Time on a CPU is told by pairs of successive KVM events of the thread. From kvm_entry to kvm_exit,
  without a switch between, it was in the guest. From kvm_exit to kvm_entry it was in the host for
  that exit's reason, also where it was switched out meanwhile. Any other pair (some events were
  filtered away or lost), and the time before the first and after the last, tell nothing.
- A thread that was switched out while it could run, or was woken up, is preempted until it is
  switched to. One that was switched out otherwise is blocked until it is woken up; if it is
  switched to without a wake-up on record (these are not traced), when it became runnable is not
  known.
- Where a host CPU lost events a thread known to be on another CPU is not concerned. All others
  are unknown from there until the next record that places them.
- Records that contradict what was known (one between was filtered away) leave the time since the
  last record about the thread unknown.
- If the host recorded no switches at all, only the time from kvm_entry to kvm_exit is known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from . import _kvm, _records
from ._lookahead import LOSS_BEGINS, LOSS_ENDS, NO_ROWS, Row, Stream, merge
from .event import EventFormat
from .packages import package
from .trace import Trace

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from .session import Session, VCpu

__all__ = [
    "STATES", "Interval", "State", "Timeline", "VCpuSummary", "recorded_span", "summarize",
    "unit_of",
]  # fmt: skip

State = Literal["running-in-guest", "running-in-host", "preempted", "blocked", "unknown"]

GUEST: State = "running-in-guest"
HOST: State = "running-in-host"
PREEMPTED: State = "preempted"
BLOCKED: State = "blocked"
UNKNOWN: State = "unknown"
STATES: tuple[State, ...] = (GUEST, HOST, PREEMPTED, BLOCKED, UNKNOWN)

SWITCH = "sched:sched_switch"
WAKES = ("sched:sched_waking", "sched:sched_wakeup", "sched:sched_wakeup_new")
ENTRY, EXIT = "kvm:kvm_entry", "kvm:kvm_exit"
PENDING_LIMIT = 16384  # pieces of one vCPU that wait for the record that tells what they were
DONE_ROWS = 512
DEAD = 0x10 | 0x20  # EXIT_DEAD, EXIT_ZOMBIE in the kernel's sched.h
ASLEEP = 0xFF  # above it there are marks of the tracepoint only: 0x100 says preempted


class Interval(NamedTuple):
    """What one vCPU did for a time.

    Attributes:
        guest, vcpu: the vCPU.
        host_pid: the host thread that runs it.
        host_cpu: the CPU that the thread was on; None if on none, or not known.
        start, end: in ns on the session's clock, ``start <= t < end``.
        state: ``"running-in-guest"``; ``"running-in-host"``: KVM or the hypervisor's user space
            worked for it; ``"preempted"``: it could have run; ``"blocked"``: it had nothing to
            do; ``"unknown"``.
        guest_pid, guest_comm: the guest's task on that vCPU; None if not known.
        exit_reason: why it had left the guest, if running in the host.
    """

    guest: str
    vcpu: int
    host_pid: int
    host_cpu: int | None
    start: int
    end: int
    state: State
    guest_pid: int | None
    guest_comm: str | None
    exit_reason: str | None


Task = tuple[int, str]


# One thread ------------------------------------------------------------------------------------

# What is known of a thread at an instant.
_LOST, _ON_CPU, _ASLEEP, _RUNNABLE, _WOKEN = range(5)
# Pieces of time that wait to be told what they were.
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
        if len(self._pending) > PENDING_LIMIT:
            self._kvm = _NONE
            for undecided in (_ON_CPU_PIECE, _ASLEEP_PIECE, _WOKEN_PIECE):
                self._decide(undecided, UNKNOWN)

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


# All threads -----------------------------------------------------------------------------------

Handler = Callable[[int, int, int, bytes, int, int], None]
"""What is done with a record: time, CPU, PID, and the payload: bytes, start, end."""

_TASK_ROW = -3  # instead of an event's id: a row of our own, for _task_rows


class Followed(NamedTuple):
    """A record that was asked for, given when all threads are at its time.

    ``thread`` is that of the vCPU that a guest's record was made on, or the one that made a
    host's record; None if there is none, or the guest is not on the host's clock.
    """

    row: Row
    stream: Stream
    thread: Thread | None


class _Place(NamedTuple):
    """What is done with the rows of one stream."""

    cpu: int
    handlers: Mapping[int, Handler]
    asked: frozenset[int] | None  # ids of events to give to the join; None: all
    is_host: bool
    thread: Thread | None


class Machine:
    """Follows the threads of all vCPUs through a session's records.

    Args:
        session: the session.
        buffers: names of buffers to read; None: all on the clock of the peer's top buffer.
        guests: names of guests; None for all.
        asked: peers and events whose records :meth:`run` shall give.
        count_guest_records: tell for each thread how many of the guest's records lie between
            KVM events.
        progress: called now and then with work done and all work, in pages.
    """

    def __init__(
        self,
        session: Session,
        *,
        buffers: Iterable[str] | None = None,
        guests: Iterable[str] | None = None,
        asked: Mapping[str, Iterable[str] | None] | None = None,
        count_guest_records: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        chosen = None if guests is None else {guests} if isinstance(guests, str) else set(guests)
        self._session = session
        self._buffers = (
            None if buffers is None else {buffers} if isinstance(buffers, str) else set(buffers)
        )
        self._asked = dict(asked or {})
        self._count = count_guest_records
        self._progress = progress
        self._streams: list[Stream] = []
        self._places: list[_Place] = []
        self._task_rows: dict[int, tuple[int, Thread, Task | None]] = {}
        self._lost: Counter[int] = Counter()  # host CPUs that are losing events
        self._running: dict[int, Thread] = {}
        self._by_pid: dict[int, Thread] = {}
        self._switches = False
        self.done: list[Interval] = []
        self.threads: list[Thread] = []
        self.start = self.end = 0
        host = session.host
        span = None if host is None else recorded_span(host, self._buffer_names(host))
        if host is not None and span is not None:
            self.start, self.end = span
            self._switches = self._recorded(host, [SWITCH])
            wakes = self._switches and self._recorded(host, WAKES)
            vcpus = [v for v in session.vcpus if chosen is None or v.guest in chosen]
            self.threads = [Thread(vcpu, self.start, self.done, wakes) for vcpu in vcpus]
            for thread in self.threads:
                self._by_pid.setdefault(thread.vcpu.host_pid, thread)
            self._add_host(host)
        for name, trace in session.guests.items():
            if chosen is None or name in chosen:
                self._add_guest(name, trace)

    # What is read of whom

    def _buffer_names(self, trace: Trace) -> list[str]:
        clock = trace.buffers[0].clock if trace.buffers else ""
        return [
            b.name
            for b in trace.buffers
            if (b.name in self._buffers if self._buffers is not None else b.clock == clock)
        ]

    def _recorded(self, trace: Trace, names: Iterable[str]) -> bool:
        known = [name for name in names if _format(trace, name) is not None]
        return bool(known) and trace.at(0, known, buffers=self._buffer_names(trace)) is not None

    def _add(
        self,
        trace: Trace,
        peer: str,
        span: tuple[int, int],
        handlers: Mapping[int, Handler],
        threads: Mapping[int, Thread] | None,
    ) -> None:
        """Read the records of one peer that are to be handled, counted or given to the join.

        ``threads`` are those of a guest's vCPUs, None for the host.
        """
        reader = trace._reader
        count = self._count and threads is not None
        asked: frozenset[int] | None = frozenset()
        if peer in self._asked:
            names = self._asked[peer]
            asked = None
            if names is not None:
                known = [name for name in names if _known(trace, name)]
                asked = frozenset(f.id for name in known for f in reader.events.select(name))
        ids = None
        if asked is not None and not count:
            wanted = map(reader.events.by_id, {*handlers, *asked})
            ids = _records.id_bitmap(form for form in wanted if form is not None)
        sources = _records.choose(
            reader, buffers=self._buffer_names(trace), cpus=None, events=None, pids=None
        )
        for source in sources:
            thread = None if threads is None else threads.get(source.cpu)
            if threads is not None and thread is None and peer not in self._asked:
                continue
            self._streams.append(Stream(trace, source._replace(event_ids=ids), *span))
            self._places.append(_Place(source.cpu, handlers, asked, threads is None, thread))

    def _add_host(self, host: Trace) -> None:
        handlers: dict[int, Handler] = {}
        for name in (SWITCH, *WAKES, ENTRY, EXIT):
            form = _format(host, name)
            handler = None if form is None else self._host_handler(form, host)
            if form is not None and handler is not None:
                handlers[form.id] = handler
        self._add(host, "host", (self.start, self.end), handlers, None)

    def _add_guest(self, name: str, trace: Trace) -> None:
        span = recorded_span(trace, self._buffer_names(trace))
        if span is None:
            return
        threads: dict[int, Thread] = {}
        if on_one_clock(self._session, name):
            threads = {t.vcpu.vcpu: t for t in self.threads if t.vcpu.guest == name}
        form = _format(trace, SWITCH)
        handlers: dict[int, Handler] = {}
        needed = {"prev_pid", "prev_comm", "next_pid", "next_comm"}
        if form is not None and needed <= {*form.fields}:
            handlers[form.id] = _task_handler(form, trace, threads)
            for vcpu, thread in threads.items():
                self._frame_tasks(trace, form, vcpu, thread, span)
        self._add(trace, name, span, handlers, threads)

    def _frame_tasks(
        self, trace: Trace, form: EventFormat, vcpu: int, thread: Thread, span: tuple[int, int]
    ) -> None:
        """Tell which task a vCPU has before its first switch; behind the last record, none."""
        buffers = self._buffer_names(trace)
        first = next(trace.iter(str(form), buffers=buffers, cpus=[vcpu]), None)
        if first is None:
            return
        number = len(self._task_rows)
        if not first.missed_events:
            task = _task(form, first.raw, trace.byteorder, "prev")
            self._task_rows[-1 - number] = span[0], thread, task  # in front of all at that time
        self._task_rows[(1 << 30) + number] = span[1], thread, None

    # What the records say

    def _host_handler(self, form: EventFormat, host: Trace) -> Handler | None:
        order, name = host.byteorder, str(form)
        if name == SWITCH:
            decode = _kvm.integers(form, ("prev_pid", "prev_state", "next_pid"), order)
            return None if decode is None else self._switch_handler(decode)
        if name in WAKES:
            decode = _kvm.integers(form, ("pid",), order)
            return None if decode is None else self._wake_handler(decode)
        if name == ENTRY:
            return self._entry
        return self._exit_handler(_kvm.exit_reasons(form, order))

    def _switch_handler(self, decode: _kvm.Decode) -> Handler:
        running, by_pid, lost = self._running, self._by_pid, self._lost

        def switch(ts: int, cpu: int, pid: int, data: bytes, low: int, high: int) -> None:
            values = decode(data, low, high)
            if values is None:  # as good as lost
                self._lose(ts, cpu)
                self._find(cpu)
                return
            previous, state, following = values
            if cpu in running:
                self._only(previous, cpu)
            thread = by_pid.get(previous)
            if thread is not None:
                self._leave(thread)
                thread.switch_out(ts, cpu, state)
                if lost:
                    thread.forget(ts)
            thread = by_pid.get(following)
            if thread is not None:
                self._leave(thread)
                thread.switch_in(ts, cpu)
                self._enter(thread, ts, cpu)

        return switch

    def _wake_handler(self, decode: _kvm.Decode) -> Handler:
        running, by_pid, lost = self._running, self._by_pid, self._lost

        def wake(ts: int, cpu: int, pid: int, data: bytes, low: int, high: int) -> None:
            if cpu in running:
                self._only(pid, cpu)
            thread = by_pid.get(pid)
            if thread is not None:
                self._leave(thread)
                thread.observe(ts, cpu)
                self._enter(thread, ts, cpu)
            values = decode(data, low, high)
            if values is None:
                self._lose(ts, cpu)
                self._find(cpu)
                return
            thread = by_pid.get(values[0])
            if thread is not None and (not lost or thread.cpu is not None):
                thread.wake(ts)

        return wake

    def _entry(self, ts: int, cpu: int, pid: int, data: bytes, low: int, high: int) -> None:
        if cpu in self._running:
            self._only(pid, cpu)
        thread = self._by_pid.get(pid)
        if thread is not None:
            self._leave(thread)
            thread.entry(ts, cpu)
            self._enter(thread, ts, cpu)

    def _exit_handler(self, name: Callable[[bytes, int, int], str] | None) -> Handler:
        def leave(ts: int, cpu: int, pid: int, data: bytes, low: int, high: int) -> None:
            if cpu in self._running:
                self._only(pid, cpu)
            thread = self._by_pid.get(pid)
            if thread is not None:
                self._leave(thread)
                thread.exit(ts, cpu, "?" if name is None else name(data, low, high))
                self._enter(thread, ts, cpu)
                if not self._switches:  # it may be switched out now
                    self._leave(thread)
                    thread.forget(ts)

        return leave

    def _only(self, pid: int, cpu: int) -> None:
        """Some thread made a record on a CPU: no other is there."""
        thread = self._running[cpu]
        if thread.vcpu.host_pid != pid:
            del self._running[cpu]
            thread.forget(thread.seen)

    def _leave(self, thread: Thread) -> None:
        if thread.cpu is not None:
            self._running.pop(thread.cpu, None)

    def _enter(self, thread: Thread, ts: int, cpu: int) -> None:
        if self._lost and cpu in self._lost:  # it is there, but for how long?
            thread.forget(ts)
        else:
            self._running[cpu] = thread

    def _lose(self, ts: int, cpu: int) -> None:
        """A host CPU loses events from here on."""
        self._lost[cpu] += 1
        for thread in self.threads:
            if thread.cpu is None or thread.cpu == cpu:
                self._leave(thread)
                thread.forget(ts)

    def _find(self, cpu: int) -> None:
        """It has records again."""
        self._lost[cpu] -= 1
        if not self._lost[cpu]:
            del self._lost[cpu]

    # The walk

    def _rows(self) -> Iterator[Row]:
        own = [
            [(ts, place, 0, _TASK_ROW, NO_ROWS, 0)] for place, (ts, _, _) in self._task_rows.items()
        ]
        return merge(self._streams, own, self._progress)

    def run(self) -> Iterator[Followed | None]:
        """Walk over the records; gives those that were asked for, and None now and then.

        Whatever is in :attr:`done` then are finished intervals, the caller's to take away.
        """
        places, done, by_pid = self._places, self.done, self._by_pid
        now, end, over = 0, self.end, False
        for row in self._rows():
            ts, index, pid, number, rows, position = row
            # The merge gives times in order but where a stream steps back.
            now = ts = now if ts < now else ts
            if ts > end and not over:  # the host's records end before those of a guest
                over = True
                for each in self.threads:
                    self._leave(each)
                    each.forget(end)
            ts = min(ts, end)
            if number < 0:
                self._mark(ts, index, number)
                continue
            place = places[index]
            handler = place.handlers.get(number)
            if handler is not None:
                high = rows.payload_end[position]
                low = high - rows.size[position]
                handler(ts, place.cpu, pid, rows.payload, low, high)
                if len(done) >= DONE_ROWS:
                    yield None
            if place.thread is not None:
                place.thread.guest_records += 1
            if place.asked is None or number in place.asked:
                thread = by_pid.get(pid) if place.is_host else place.thread
                yield Followed(row, self._streams[index], thread)
        for each in self.threads:
            each.finish(end)
        yield None

    def _mark(self, ts: int, index: int, number: int) -> None:
        """A loss begins or ends, or a task is known from elsewhere."""
        if number == _TASK_ROW:
            _, thread, task = self._task_rows[index]
            thread.set_task(ts, task)
            return
        place = self._places[index]
        if not place.is_host:
            if number == LOSS_BEGINS and place.thread is not None:
                place.thread.set_task(ts, None)
        elif number == LOSS_BEGINS:
            self._lose(ts, place.cpu)
        elif number == LOSS_ENDS:
            self._find(place.cpu)


def unit_of(trace: Trace) -> Literal["ns", "cycles"]:
    """What a file's time stamps count: cycles if its clock is the counter, not converted."""
    return "cycles" if trace.clock == "x86-tsc" and trace.tsc2nsec is None else "ns"


def recorded_span(trace: Trace, buffers: Iterable[str] | None = None) -> tuple[int, int] | None:
    """Times of a file's first and last record; None without records."""
    first = next(trace.iter(buffers=buffers), None)
    last = next(trace.iter(buffers=buffers, reverse=True), None)
    return None if first is None or last is None else (first.ts, max(first.ts, last.ts))


def _format(trace: Trace, name: str) -> EventFormat | None:
    try:
        return trace.events[name]
    except KeyError:
        return None


def _known(trace: Trace, name: str) -> bool:
    try:
        return bool(trace.events.select(name))
    except KeyError:
        return False


def on_one_clock(session: Session, guest: str) -> bool:
    """Whether a guest's time stamps were put on the host's clock, so that both can be compared."""
    shift = session.guests[guest].time_shift
    host = session.host
    return (
        session._sync
        and host is not None
        and shift is not None
        and shift.peer_trace_id == host.trace_id
    )


def _task(
    form: EventFormat, raw: bytes, order: Literal["little", "big"], which: Literal["prev", "next"]
) -> Task | None:
    pid = form.fields[f"{which}_pid"].read(raw, order)
    comm = form.fields[f"{which}_comm"].read(raw, order)
    return (pid, comm) if isinstance(pid, int) and isinstance(comm, str) else None


def _task_handler(form: EventFormat, trace: Trace, threads: Mapping[int, Thread]) -> Handler:
    order = trace.byteorder

    def switch(ts: int, cpu: int, pid: int, data: bytes, low: int, high: int) -> None:
        thread = threads.get(cpu)
        if thread is not None:
            thread.set_task(ts, _task(form, data[low:high], order, "next"))

    return switch


# The table -------------------------------------------------------------------------------------


class Timeline:
    """Intervals of all vCPUs; a question that reads whenever it is iterated or turned to columns.

    The intervals of each vCPU cover the host's records from the first to the last, without a gap
    or an overlap, in order of time; those of several vCPUs come as they get known. Memory does
    not depend on the session's size, but for ``to_arrow`` and its like, which hold all rows.
    Made by :meth:`Session.timeline`, which has the arguments.
    """

    def __init__(
        self,
        session: Session,
        *,
        guests: Iterable[str] | None = None,
        buffers: Iterable[str] | None = None,
        start: int | None = None,
        end: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.session = session
        self._guests = guests if guests is None or isinstance(guests, str) else list(guests)
        self._buffers = buffers if buffers is None or isinstance(buffers, str) else list(buffers)
        self._start = start
        self._end = end
        self._progress = progress

    def __iter__(self) -> Iterator[Interval]:
        machine = Machine(
            self.session, guests=self._guests, buffers=self._buffers, progress=self._progress
        )
        for _ in machine.run():
            if self._start is None and self._end is None:
                yield from machine.done
            else:
                yield from map(self._clip, filter(self._wanted, machine.done))
            machine.done.clear()

    def _wanted(self, row: Interval) -> bool:
        return (self._start is None or row.end > self._start) and (
            self._end is None or row.start < self._end
        )

    def _clip(self, row: Interval) -> Interval:
        start = row.start if self._start is None else max(row.start, self._start)
        end = row.end if self._end is None else min(row.end, self._end)
        return row._replace(start=start, end=end)

    def batches(self, rows: int = 65536) -> Iterator[pyarrow.RecordBatch]:
        """Give the rows as pyarrow record batches of at most so many rows."""
        arrow = package("pyarrow", "arrow")
        schema = _schema(arrow)
        held: list[Interval] = []
        for interval in self:
            held.append(interval)
            if len(held) >= rows:
                yield _batch(arrow, schema, held)
                held = []
        if held:
            yield _batch(arrow, schema, held)

    def to_arrow(self) -> pyarrow.Table:
        """All rows as a pyarrow table."""
        arrow = package("pyarrow", "arrow")
        return arrow.Table.from_batches(self.batches(), _schema(arrow))

    def to_pandas(self) -> pandas.DataFrame:
        """All rows as a pandas data frame."""
        package("pandas", "pandas")
        return self.to_arrow().to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """All rows as a Polars data frame."""
        frame: polars.DataFrame = package("polars", "polars").from_arrow(self.to_arrow())
        return frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The Arrow PyCapsule interface: rows are read as the consumer takes them."""
        arrow = package("pyarrow", "arrow")
        reader = arrow.RecordBatchReader.from_batches(_schema(arrow), self.batches())
        return reader.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"<Timeline of {len(self.session.vcpus)} vCPUs>"


def _schema(arrow: Any) -> Any:
    return arrow.schema(
        [
            arrow.field("guest", arrow.string(), nullable=False),
            arrow.field("vcpu", arrow.int32(), nullable=False),
            arrow.field("host_pid", arrow.int32(), nullable=False),
            arrow.field("host_cpu", arrow.int32()),
            arrow.field("start", arrow.int64(), nullable=False),
            arrow.field("end", arrow.int64(), nullable=False),
            arrow.field("state", arrow.string(), nullable=False),
            arrow.field("guest_pid", arrow.int32()),
            arrow.field("guest_comm", arrow.string()),
            arrow.field("exit_reason", arrow.string()),
        ]
    )


def _batch(arrow: Any, schema: Any, rows: list[Interval]) -> Any:
    columns = [list(column) for column in zip(*rows, strict=True)]
    for index, field in enumerate(schema):
        if field.type == arrow.string():  # a file's texts may be no UTF-8
            columns[index] = [
                text and text.encode(errors="surrogateescape").decode(errors="replace")
                for text in columns[index]
            ]
    arrays = [arrow.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
    return arrow.RecordBatch.from_arrays(arrays, schema=schema)


# The summary -----------------------------------------------------------------------------------


class VCpuSummary(NamedTuple):
    """What one vCPU did all in all.

    Attributes:
        vcpu: which it is.
        traced: ns between the first and the last record of the host.
        states: ns in each state; they add up to ``traced``.
        exits: number of kvm_exit events by reason, the most frequent first.
        longest_preemption: when the longest one began, and how long it was in ns; None: none.
        inside, checkable: of the guest's records on that vCPU between two KVM events of its
            thread, one of them an entry and the other an exit, those that lie behind the entry;
            and all of them. On one clock that is right they are equal.
    """

    vcpu: VCpu
    traced: int
    states: Mapping[State, int]
    exits: Mapping[str, int]
    longest_preemption: tuple[int, int] | None
    inside: int
    checkable: int


def summarize(
    session: Session,
    *,
    buffers: Iterable[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    each: Callable[[Interval], None] | None = None,
) -> list[VCpuSummary]:
    """Sum up the timeline of every vCPU; ``each`` is called with its intervals on the way."""
    machine = Machine(session, buffers=buffers, count_guest_records=True, progress=progress)
    threads = {(t.vcpu.guest, t.vcpu.vcpu): t for t in machine.threads}
    states: dict[tuple[str, int], Counter[State]] = {key: Counter() for key in threads}
    open_since: dict[tuple[str, int], tuple[int, int]] = {}  # preemption: start, end
    longest: dict[tuple[str, int], tuple[int, int]] = {}
    for _ in machine.run():
        for row in machine.done:
            key = row.guest, row.vcpu
            states[key][row.state] += row.end - row.start
            if row.state == PREEMPTED:  # rows of several tasks may be one preemption
                began, ended = open_since.get(key, (row.start, row.start))
                began = began if ended == row.start else row.start
                open_since[key] = began, row.end
                if key not in longest or row.end - began > longest[key][1]:
                    longest[key] = began, row.end - began
            if each is not None:
                each(row)
        machine.done.clear()
    return [
        VCpuSummary(
            thread.vcpu,
            machine.end - machine.start,
            {state: states[key][state] for state in STATES},
            dict(thread.exits.most_common()),
            longest.get(key),
            thread.inside,
            thread.checkable,
        )
        for key, thread in threads.items()
    ]
