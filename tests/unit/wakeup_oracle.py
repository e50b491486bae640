"""Wake-ups across the border made plainly, of sessions that have lost nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tracecmd

INJECTIONS = ("kvm_set_irq", "kvm_msi_set_irq", "kvm_apic_accept_irq")
Row = tuple[Any, ...]
"""Guest, vCPU, PID, woken, run, source, begun, host CPU, waker, vCPU woken, vCPU run, entry."""


@dataclass(frozen=True)
class Chain:
    source: str
    begun: int
    cpu: int
    waker: int
    woken: int
    run: int | None = None
    entry: int | None = None


class Oracle:
    """Rows of a session."""

    def __init__(self, session: tracecmd.Session) -> None:
        self.rows: list[Row] = []
        self._pids = {(v.guest, v.vcpu): v.host_pid for v in session.vcpus}
        self._threads = set(self._pids.values())
        self._asleep: set[int] = set()
        self._chains: dict[int, Chain] = {}
        self._irqs: dict[int, int] = {}
        self._injected: dict[int, tuple[str, int]] = {}
        self._tasks: dict[tuple[str, int], int] = {}
        self._waiting: dict[tuple[str, int], tuple[int, Chain | None]] = {}
        for name, trace in session.guests.items():
            for event in trace.iter("sched_switch"):
                self._tasks.setdefault((name, event.cpu), event["prev_pid"])
        for event in session.iter():
            if event.peer == "host":
                self._host(event)
            elif (event.peer, event.cpu) in self._pids:
                self._guest(event)

    def _host(self, event: tracecmd.Event) -> None:
        cpu, name = event.cpu, event.name
        if name == "irq_handler_entry":
            self._irqs[cpu] = event.ts
        elif name == "irq_handler_exit":
            self._irqs.pop(cpu, None)
        elif name in INJECTIONS:
            self._injected.setdefault(cpu, (name, event.ts))
        elif name in ("sched_waking", "sched_wakeup"):
            self._wake(event)
            self._injected.pop(cpu, None)
        elif name == "sched_switch":
            self._switch(event)
            self._injected.pop(cpu, None)
        elif name in ("kvm_entry", "kvm_exit", "sched_wakeup_new"):
            self._injected.pop(cpu, None)
            chain = self._chains.get(event.pid)
            if name == "kvm_entry" and chain and chain.run is not None and chain.entry is None:
                self._chains[event.pid] = Chain(*_values(chain)[:6], event.ts)

    def _wake(self, event: tracecmd.Event) -> None:
        pid, cpu = event["pid"], event.cpu
        if pid not in self._asleep:
            return
        self._asleep.discard(pid)
        source, begun = self._injected.get(cpu, ("sched_waking", event.ts))
        if cpu in self._irqs and self._irqs[cpu] <= begun:
            source, begun = "irq_handler_entry", self._irqs[cpu]
        self._chains[pid] = Chain(source, begun, cpu, event.pid, event.ts)

    def _switch(self, event: tracecmd.Event) -> None:
        previous, following, state = event["prev_pid"], event["next_pid"], event["prev_state"]
        if previous in self._threads and state & 0xFF:
            self._asleep.add(previous)
            self._chains.pop(previous, None)
        self._asleep.discard(following)
        chain = self._chains.get(following)
        if chain and chain.run is None:
            self._chains[following] = Chain(*_values(chain)[:5], event.ts)

    def _guest(self, event: tracecmd.Event) -> None:
        guest, cpu = event.peer, event.cpu
        if event.name in ("sched_waking", "sched_wakeup", "sched_wakeup_new"):
            pid = event["pid"]
            running = {task for (name, _), task in self._tasks.items() if name == guest}
            if pid in running or (guest, pid) in self._waiting:
                return
            chain = self._chains.get(self._pids[guest, cpu])
            known = not event.pid and chain and chain.run is not None
            known = known and self._tasks.get((guest, cpu)) == 0
            self._waiting[guest, pid] = event.ts, chain if known else None
        elif event.name == "sched_switch":
            pid = self._tasks[guest, cpu] = event["next_pid"]
            if not pid:
                return
            self._chains.pop(self._pids[guest, cpu], None)
            if (guest, pid) in self._waiting:
                woken, chain = self._waiting.pop((guest, pid))
                values = [None] * 7 if chain is None else _values(chain)
                self.rows.append((guest, cpu, pid, woken, event.ts, *values))


def _values(chain: Chain) -> list[Any]:
    return [
        chain.source, chain.begun, chain.cpu, chain.waker, chain.woken, chain.run, chain.entry,
    ]  # fmt: skip
