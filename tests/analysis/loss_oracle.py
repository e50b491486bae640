"""Where events were lost, from single events."""

from __future__ import annotations

from typing import NamedTuple

import tracecmd

Key = tuple[str, int]  # buffer, CPU


class Gap(NamedTuple):
    """A loss of a CPU between two records, of any event; None: there is none, or not known."""

    cpu: int
    begin: int | None
    end: int
    count: int | None
    buffer: str


def gaps(trace: tracecmd.Trace) -> list[Gap]:
    """All losses of a file, as its records come. Those after a CPU's last one are not seen."""
    latest: dict[Key, int] = {}
    found = []
    for event in trace:
        key = event.buffer, event.cpu
        before = latest.get(key)
        if event.missed_events:
            count = None if event.missed_events < 0 else event.missed_events
            end = event.ts if before is None else max(event.ts, before)
            found.append(Gap(event.cpu, before, end, count, event.buffer))
        latest[key] = event.ts if before is None else max(before, event.ts)
    return found


def inside(gap: Gap, start: int, end: int) -> bool:
    """Whether it reaches into a window."""
    return (gap.begin is None or gap.begin < end) and gap.end >= start
