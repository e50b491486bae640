"""One vCPU's host thread: what the records say of it, and its time in pieces."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ._interval import BLOCKED, GUEST, HOST, PREEMPTED, UNKNOWN, Interval, State, Task

if TYPE_CHECKING:
    from ..session import VCpu

PENDING_LIMIT = 16384  # pieces of one vCPU that wait for the record that says what they were
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
