"""The guest's scheduler: which task each of its CPUs runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ..event import EventFormat
from ..trace import Trace
from ._host import Handler
from ._interval import Task
from ._thread import Thread

SWITCH_FIELDS = frozenset({"prev_pid", "prev_comm", "next_pid", "next_comm"})
"""Fields without which sched_switch tells no task."""


def task_of(
    form: EventFormat, raw: bytes, order: Literal["little", "big"], which: Literal["prev", "next"]
) -> Task | None:
    """The task that a sched_switch leaves, or goes to; None if its fields are of other types."""
    pid = form.fields[f"{which}_pid"].read(raw, order)
    comm = form.fields[f"{which}_comm"].read(raw, order)
    return (pid, comm) if isinstance(pid, int) and isinstance(comm, str) else None


def task_handler(form: EventFormat, trace: Trace, threads: Mapping[int, Thread]) -> Handler:
    """What is done with the records of a guest's sched_switch; ``threads`` by vCPU."""
    order = trace.byteorder

    def switch(ts: int, cpu: int, pid: int, data: bytes, low: int, high: int) -> None:
        thread = threads.get(cpu)
        if thread is not None:
            thread.set_task(ts, task_of(form, data[low:high], order, "next"))

    return switch
