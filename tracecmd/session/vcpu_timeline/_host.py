"""The host's CPUs: which thread of a vCPU each of them runs, as the scheduler and KVM say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Literal

from ...events import EventFormat
from . import _kvm
from ._thread import Thread

SWITCH = "sched:sched_switch"
WAKES = ("sched:sched_waking", "sched:sched_wakeup", "sched:sched_wakeup_new")
ENTRY, EXIT = "kvm:kvm_entry", "kvm:kvm_exit"

Handler = Callable[[int, int, int, bytes, int, int], None]
"""What is done with a record: time, CPU, PID, and the payload: bytes, start, end."""


class HostCpus:
    """Follows threads from CPU to CPU.

    Args:
        threads: those of the vCPUs.
        switches: whether the host recorded any.
    """

    def __init__(self, threads: Iterable[Thread], switches: bool) -> None:
        self.by_pid: dict[int, Thread] = {}
        self.threads = list(threads)
        self._running: dict[int, Thread] = {}
        self._lost: Counter[int] = Counter()  # CPUs that are losing events
        self._switches = switches
        for thread in self.threads:
            self.by_pid.setdefault(thread.vcpu.host_pid, thread)

    def handler(self, form: EventFormat, order: Literal["little", "big"]) -> Handler | None:
        """What is done with the records of an event; None: they say nothing."""
        name = str(form)
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
        running, by_pid, lost = self._running, self.by_pid, self._lost

        def switch(ts: int, cpu: int, pid: int, data: bytes, low: int, high: int) -> None:
            values = decode(data, low, high)
            if values is None:  # as good as lost
                self.lose(ts, cpu)
                self.find(cpu)
                return
            previous, state, following = values
            if cpu in running:
                self._only(previous, cpu)
            thread = by_pid.get(previous)
            if thread is not None:
                self.leave(thread)
                thread.switch_out(ts, cpu, state)
                if lost:
                    thread.forget(ts)
            thread = by_pid.get(following)
            if thread is not None:
                self.leave(thread)
                thread.switch_in(ts, cpu)
                self._enter(thread, ts, cpu)

        return switch

    def _wake_handler(self, decode: _kvm.Decode) -> Handler:
        running, by_pid, lost = self._running, self.by_pid, self._lost

        def wake(ts: int, cpu: int, pid: int, data: bytes, low: int, high: int) -> None:
            if cpu in running:
                self._only(pid, cpu)
            thread = by_pid.get(pid)
            if thread is not None:
                self.leave(thread)
                thread.observe(ts, cpu)
                self._enter(thread, ts, cpu)
            values = decode(data, low, high)
            if values is None:
                self.lose(ts, cpu)
                self.find(cpu)
                return
            thread = by_pid.get(values[0])
            if thread is not None and (not lost or thread.cpu is not None):
                thread.wake(ts)

        return wake

    def _entry(self, ts: int, cpu: int, pid: int, data: bytes, low: int, high: int) -> None:
        if cpu in self._running:
            self._only(pid, cpu)
        thread = self.by_pid.get(pid)
        if thread is not None:
            self.leave(thread)
            thread.entry(ts, cpu)
            self._enter(thread, ts, cpu)

    def _exit_handler(self, name: Callable[[bytes, int, int], str] | None) -> Handler:
        def leave(ts: int, cpu: int, pid: int, data: bytes, low: int, high: int) -> None:
            if cpu in self._running:
                self._only(pid, cpu)
            thread = self.by_pid.get(pid)
            if thread is not None:
                self.leave(thread)
                thread.exit(ts, cpu, "?" if name is None else name(data, low, high))
                self._enter(thread, ts, cpu)
                if not self._switches:  # it may be switched out now
                    self.leave(thread)
                    thread.forget(ts)

        return leave

    def _only(self, pid: int, cpu: int) -> None:
        """Some thread made a record on a CPU: no other is there."""
        thread = self._running[cpu]
        if thread.vcpu.host_pid != pid:
            del self._running[cpu]
            thread.forget(thread.seen)

    def leave(self, thread: Thread) -> None:
        """It is on no CPU."""
        if thread.cpu is not None:
            self._running.pop(thread.cpu, None)

    def _enter(self, thread: Thread, ts: int, cpu: int) -> None:
        if self._lost and cpu in self._lost:  # it is there, but for how long?
            thread.forget(ts)
        else:
            self._running[cpu] = thread

    def lose(self, ts: int, cpu: int) -> None:
        """A host CPU loses events from here on."""
        self._lost[cpu] += 1
        for thread in self.threads:
            if thread.cpu is None or thread.cpu == cpu:
                self.leave(thread)
                thread.forget(ts)

    def find(self, cpu: int) -> None:
        """It has records again."""
        self._lost[cpu] -= 1
        if not self._lost[cpu]:
            del self._lost[cpu]
