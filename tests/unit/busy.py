"""A trace with enough in it for tables: many records of a few events."""

from __future__ import annotations

from pathlib import Path

from .. import writer
from ..conftest import Trace
from ..writer import Buffer, Machine, Values, fill_pages


def busy(count: int) -> Trace:
    """Two CPUs, one buffer more; switches, ticks and wakeups."""
    machine = Machine()
    cpus: dict[int, list[tuple[int, Values]]] = {0: [], 1: []}
    for i in range(count):
        values = (
            writer.SCHED_SWITCH.values(
                pid=i % 50, prev_pid=i % 50, prev_state=i % 4, next_pid=i % 7,
                prev_comm=f"task{i % 50}", next_comm=f"next{i % 7}",
            )
            if i % 3
            else writer.TICK.values(pid=17, n=i)
        )  # fmt: skip
        cpus[(i // 5) % 2].append((1000 * i, values))
    instance = [
        (500 * i, writer.SCHED_WAKEUP.values(pid=1, comm="w", prio=i)) for i in range(1, 99)
    ]
    return Trace(
        buffers=(
            Buffer(cpus={cpu: fill_pages(found, machine) for cpu, found in cpus.items()}),
            Buffer("other", cpus={1: fill_pages(instance, machine)}),
        )
    )


def write_busy(folder: Path, count: int = 30_000) -> Path:
    """The trace in a file of the folder."""
    found = folder / "trace.dat"
    found.write_bytes(busy(count).write().data)
    return found
