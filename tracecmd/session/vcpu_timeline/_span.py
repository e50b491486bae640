"""What the times of a file count and cover, and whether those of two files can be compared."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING, Literal

from ..._reading import ReadOptions, Selection
from ...event import Event
from ...trace import Trace

if TYPE_CHECKING:
    from ..session import Session


def unit_of(trace: Trace) -> Literal["ns", "cycles"]:
    """What a file's time stamps count: cycles if its clock is the counter, not converted."""
    return trace._time_unit


def buffer_names(trace: Trace, buffers: Container[str] | None) -> list[str]:
    """Those of a file's buffers that are asked for; None: all on the clock of the top one."""
    clock = trace.buffers[0].clock if trace.buffers else ""
    return [
        b.name
        for b in trace.buffers
        if (b.name in buffers if buffers is not None else b.clock == clock)
    ]


def recorded(trace: Trace, names: Iterable[str], buffers: Container[str] | None) -> bool:
    """Whether a file has any record of some events."""
    known = [name for name in names if trace.events.get(name) is not None]
    return bool(known) and trace.at(0, known, buffers=buffer_names(trace, buffers)) is not None


def first_of(trace: Trace, selection: Selection) -> Event | None:
    """The first record, without reading more of them."""
    return next(trace._read(selection, ReadOptions(batch_rows=1)), None)


def recorded_span(trace: Trace, buffers: Iterable[str] | None = None) -> tuple[int, int] | None:
    """Times of a file's first and last record; None without records."""
    whole = Selection(trace._recording, buffers=buffers)
    first, last = first_of(trace, whole), first_of(trace, whole.replace(reverse=True))
    return None if first is None or last is None else (first.ts, max(first.ts, last.ts))


def on_one_clock(session: Session, guest: str) -> bool:
    """Whether a guest's time stamps were put on the host's clock, so that both can be compared."""
    trace = session.guests[guest]
    shift = trace.time_shift
    host = session.host
    return trace.path in session._claimed or (
        session._sync
        and host is not None
        and shift is not None
        and shift.peer_trace_id == host.trace_id
    )
