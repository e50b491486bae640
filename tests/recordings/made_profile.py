"""A trace of all that a profile joins, made by code: two CPUs, some tasks, chance, and losses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .. import writer
from ..writer import Field
from .made import FUNCGRAPH_ENTRY, FUNCGRAPH_EXIT, NOWHERE, ONE, THREE, TWO, one_cpu

STACK = writer.EventFormat(
    "ftrace", "kernel_stack", 4,
    (Field("int size", 4, signed=True), Field("unsigned long caller[]", 0, align=8)),
    '"\\t=> %ps\\n", (void *)REC->caller[0]',
)  # fmt: skip


def _event(system: str, name: str, number: int, *fields: Field) -> writer.EventFormat:
    return writer.EventFormat(system, name, number, fields, f'"{name}"')


IRQ_EXIT = _event("irq", "irq_handler_exit", 151, Field("int irq", 4), Field("int ret", 4))
VECTOR = Field("unsigned int vec", 4)
SOFTIRQS = [
    _event("irq", f"softirq_{name}", 152 + number, VECTOR)
    for number, name in enumerate(("entry", "exit", "raise"))
]
SYS_ENTER = _event("raw_syscalls", "sys_enter", 400, Field("long id", 8), Field("long args[6]", 48))
SYS_EXIT = _event("raw_syscalls", "sys_exit", 401, Field("long id", 8), Field("long ret", 8))
EXEC = _event("sched", "sched_process_exec", 320, Field("pid_t pid", 4), Field("pid_t old_pid", 4))
SEND = _event("test", "send", 910, Field("u64 key", 8), Field("pid_t to", 4))
RECEIVE = _event("test", "receive", 911, Field("u32 found", 4))

FTRACE_EVENTS = (writer.FUNCTION, writer.PRINT, FUNCGRAPH_ENTRY, FUNCGRAPH_EXIT, STACK)
EVENTS = (*writer.EVENTS, IRQ_EXIT, *SOFTIRQS, SYS_ENTER, SYS_EXIT, EXEC, SEND, RECEIVE)

TASKS = {0: "swapper", 17: "worker", 18: "worker", 19: "other", 4711: "some"}
STATES = (0, 1, 2, 0x82, 0x20)
MACHINE = writer.Machine(False, 8)


class Chance:
    """Numbers that are the same everywhere."""

    def __init__(self) -> None:
        self._state = 1

    def below(self, bound: int) -> int:
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return (self._state >> 33) % bound

    def one_of(self, choices: Sequence[int]) -> int:
        return choices[self.below(len(choices))]


def _stack(chance: Chance, pid: int) -> writer.Values:
    addresses = [chance.one_of((ONE, TWO, THREE, NOWHERE)) for _ in range(1 + chance.below(6))]
    ended = chance.below(2) * b"\xff" * 8
    caller = b"".join(address.to_bytes(8, "little") for address in addresses) + ended
    return STACK.values(pid=pid, size=len(addresses), caller=caller)


def _switch(chance: Chance, pid: int) -> tuple[int, writer.Values]:
    following = chance.one_of([other for other in TASKS if other != pid])
    switch = writer.SCHED_SWITCH.values(
        pid=pid, prev_pid=pid, prev_comm=TASKS[pid], prev_state=chance.one_of(STATES),
        next_pid=following, next_comm=TASKS[following],
    )  # fmt: skip
    return following, switch


def _wakeup(pid: int, woken: int) -> writer.Values:
    common = writer.SCHED_WAKEUP.values(pid=pid, comm=TASKS.get(woken, "task")).values
    return writer.Values(writer.SCHED_WAKEUP, {**common, "pid": woken})


def _other(chance: Chance, pid: int) -> writer.Values:
    """An event of a task, or a stack."""
    key = chance.below(4)
    woken = chance.one_of(list(TASKS)[1:])
    made = (
        lambda: _wakeup(pid, woken),
        lambda: writer.IRQ_HANDLER_ENTRY.values(pid=pid, irq=key, name="timer"),
        lambda: IRQ_EXIT.values(pid=pid, irq=key),
        lambda: SOFTIRQS[0].values(pid=pid, vec=key * 4),
        lambda: SOFTIRQS[1].values(pid=pid, vec=key * 4),
        lambda: SOFTIRQS[2].values(pid=pid, vec=key * 4),
        lambda: SYS_ENTER.values(pid=pid, id=key),
        lambda: SYS_EXIT.values(pid=pid, id=key),
        lambda: FUNCGRAPH_ENTRY.values(pid=pid, func=(ONE, THREE, NOWHERE, TWO)[key]),
        lambda: FUNCGRAPH_EXIT.values(pid=pid, func=(ONE, THREE, NOWHERE, TWO)[key]),
        lambda: writer.FUNCTION.values(pid=pid, ip=TWO, parent_ip=ONE),
        lambda: writer.TICK.values(pid=pid, n=42),
        lambda: SEND.values(pid=pid, key=key, to=woken),
        lambda: RECEIVE.values(pid=pid, found=key),
        lambda: EXEC.values(pid=pid, old_pid=pid),
    )
    return made[chance.below(len(made))]()


def _records(chance: Chance, first: int) -> Iterator[tuple[int, writer.Values]]:
    pid, ts = first, 1_000_000_000
    for _ in range(900):
        ts += 1 + chance.below(2_000_000)
        if chance.below(4) == 0:
            recorder = pid
            pid, record = _switch(chance, pid)
        else:
            recorder, record = pid, _other(chance, pid)
        yield ts, record
        if chance.below(3) == 0:
            ts += 1 + chance.below(1000)
            yield ts, _stack(chance, recorder)


def profiled(hook: str = "") -> bytes:
    """Every third page of a CPU comes after a loss."""
    chance = Chance()
    cpus = {}
    for cpu, first in ((0, 17), (1, 0)):
        pages = writer.fill_pages(list(_records(chance, first)), MACHINE)
        cpus[cpu] = [
            writer.Page(page.timestamp, page.records, lost=writer.MISSED_EVENTS * (number % 3 == 2))
            for number, page in enumerate(pages)
        ]
    options = [writer.Hook(hook)] if hook else []
    return writer.Trace(
        ftrace_events=FTRACE_EVENTS, events=EVENTS, buffers=[writer.Buffer(cpus=cpus)],
        options=options,
    ).write().data  # fmt: skip


def wakes(woken: int = 5, run: int = 5) -> bytes:
    """A task that is woken twice just before a second is over, one of real time, and one of none.

    Args:
        woken, run: the pids that the first is woken and run by.
    """

    def wake(pid: int) -> writer.Values:
        return _wakeup(17, pid)

    def switch(pid: int, prio: int) -> writer.Values:
        return writer.SCHED_SWITCH.values(pid=17, prev_pid=17, next_pid=pid, next_prio=prio)

    second = 1_000_000_000
    return one_cpu(
        [
            (second - 1000, wake(woken)),
            (second - 700, wake(woken)),
            (second - 200, switch(run, 120)),
            (second, wake(6)),
            (second, switch(6, 10)),
            (second + 1, switch(6, 10)),
            (second + 5000, wake(7)),
            (second + 9000, switch(7, 100)),
            (second + 9001, switch(8, 99)),
        ]
    )
