"""The guest's scheduler: which task each of its CPUs runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ...events import EventFormat
from ...trace import Trace
from ._host import Handler
from ._interval import Task
from ._thread import Thread

SWITCH_FIELDS = frozenset({"prev_pid", "prev_comm", "next_pid", "next_comm"})
"""Fields without which sched_switch names no task."""
TASKS_MAX = 4096


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
    fields = form.fields["next_pid"], form.fields["next_comm"]
    first, last = min(f.offset for f in fields), max(f.offset + f.size for f in fields)
    in_place = all(f.size and not f.is_dynamic for f in fields)
    known: dict[bytes, Task | None] = {}  # few tasks take turns, and decoding takes its time

    def switch(ts: int, cpu: int, pid: int, data: bytes, low: int, high: int) -> None:
        thread = threads.get(cpu)
        if thread is None:
            return
        key = data[low + first : min(low + last, high)]
        try:
            task = known[key]
        except KeyError:
            task = task_of(form, data[low:high], order, "next")
            if in_place:
                if len(known) > TASKS_MAX:  # of a damaged file
                    known.clear()
                known[key] = task
        thread.set_task(ts, task)

    return switch
