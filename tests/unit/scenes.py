"""Makes sessions from a list of what happened when, on the host and in its guests."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import tracecmd

from .. import writer
from ..writer import Field

KVM_ENTRY = writer.EventFormat(
    "kvm",
    "kvm_entry",
    401,
    (Field("unsigned int vcpu_id", 4), Field("unsigned long rip", "long")),
    '"vcpu %u, rip 0x%lx", REC->vcpu_id, REC->rip',
)
KVM_EXIT = writer.EventFormat(
    "kvm",
    "kvm_exit",
    402,
    (
        Field("unsigned int exit_reason", 4),
        Field("unsigned long guest_rip", "long"),
        Field("u32 isa", 4),
    ),
    '"reason %s%s", (REC->isa == 1) ? __print_symbolic(REC->exit_reason & 0xffff, '
    '{ 1, "EXTERNAL_INTERRUPT" }, { 12, "HLT" }) : __print_symbolic(REC->exit_reason, '
    '{ 0x060, "interrupt" }, { 120, "hlt" }, { -1, "invalid" }), ""',
)
SCHED_WAKING = dataclasses.replace(writer.SCHED_WAKEUP, name="sched_waking", id=318)
FORMATS = (*writer.EVENTS, KVM_ENTRY, KVM_EXIT, SCHED_WAKING)

S, R, RUNNING_PREEMPTED = 1, 0, 0x100
HOST_ID, GUEST_ID = 0x1000, 0x2000


@dataclass
class Machine:
    """What one file holds: of each CPU the records in order; a number is a loss of so many."""

    cpus: dict[int, list[tuple[int, writer.Values] | int]] = field(default_factory=dict)

    def add(self, ts: int, cpu: int, values: writer.Values) -> None:
        self.cpus.setdefault(cpu, []).append((ts, values))

    def lose(self, cpu: int, count: int = -1) -> None:
        """Events are lost between the last record of a CPU and its next."""
        self.cpus.setdefault(cpu, []).append(count)

    def tick(self, ts: int, cpu: int, pid: int = 0) -> None:
        self.add(ts, cpu, writer.TICK.values(pid=pid))

    def switch(
        self,
        ts: int,
        cpu: int,
        prev: int,
        next: int,
        state: int = R,
        comms: tuple[str, str] = ("", ""),
    ) -> None:
        self.add(
            ts,
            cpu,
            writer.SCHED_SWITCH.values(
                pid=prev, prev_pid=prev, prev_state=state, next_pid=next,
                prev_comm=comms[0], next_comm=comms[1],
            ),
        )  # fmt: skip

    def wake(self, ts: int, cpu: int, pid: int, by: int = 0, name: str = "waking") -> None:
        form = SCHED_WAKING if name == "waking" else writer.SCHED_WAKEUP
        self.add(ts, cpu, _wake(form, by, pid))

    def entry(self, ts: int, cpu: int, pid: int) -> None:
        self.add(ts, cpu, KVM_ENTRY.values(pid=pid))

    def exit(self, ts: int, cpu: int, pid: int, reason: int = 120, isa: int = 2) -> None:
        self.add(ts, cpu, KVM_EXIT.values(pid=pid, exit_reason=reason, isa=isa))

    def pages(self, machine: writer.Machine) -> dict[int, list[writer.Page | bytes]]:
        made: dict[int, list[writer.Page | bytes]] = {}
        for cpu, items in sorted(self.cpus.items()):
            pages: list[writer.Page] = []
            group: list[tuple[int, writer.Values | bytes]] = []
            lost = 0
            for item in [*items, 0]:
                if not isinstance(item, int):
                    group.append(item)
                    continue
                filled = writer.fill_pages(group, machine)
                if filled:
                    filled[0] = dataclasses.replace(filled[0], lost=lost)
                pages += filled
                group, lost = [], item
            made[cpu] = list(pages)
        return made


def _wake(form: writer.EventFormat, by: int, pid: int) -> writer.Values:
    values = form.values(pid=by)
    return writer.Values(form, {**values.values, "pid": pid})


@dataclass
class Scene:
    """A host and its guests. ``threads``: of each guest the host thread of each vCPU."""

    threads: dict[str, list[int]]
    host: Machine = field(default_factory=Machine)
    guests: dict[str, Machine] = field(default_factory=dict)
    version: int = 7
    big_endian: bool = False
    long_size: int = 8
    clock: str = "local"
    synchronised: bool = True

    def __post_init__(self) -> None:
        for name in self.threads:
            self.guests[name] = Machine()

    def open(self, folder: Path) -> tracecmd.Session:
        """Write the files and open them."""
        ids = {name: GUEST_ID + i for i, name in enumerate(self.threads)}
        options: list[writer.Option] = [writer.TraceId(HOST_ID)]
        options += [
            writer.Guest(name, ids[name], dict(enumerate(pids)))
            for name, pids in self.threads.items()
        ]
        self._write(folder / "trace.dat", self.host, options)
        for name, pids in self.threads.items():
            own: list[writer.Option] = [writer.TraceId(ids[name])]
            if self.synchronised:
                sample = writer.Sample(0, 0)
                own.append(writer.TimeShift(HOST_ID, [[sample]] * len(pids)))
            self._write(folder / f"trace-{name}.dat", self.guests[name], own)
        return tracecmd.open_session(folder)

    def _write(self, path: Path, machine: Machine, options: list[writer.Option]) -> None:
        made = writer.Trace(
            version=self.version,
            big_endian=self.big_endian,
            long_size=self.long_size,
            clock=self.clock,
            events=FORMATS,
            options=options,
            buffers=[
                writer.Buffer(cpus=machine.pages(writer.Machine(self.big_endian, self.long_size)))
            ],
        )
        path.write_bytes(made.write().data)
