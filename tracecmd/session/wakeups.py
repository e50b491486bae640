"""Wake-ups of guests' tasks, from what woke their vCPUs in the host."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from .. import _arguments, _lowlevel, errors
from .._reading import Progress, ReadOptions, Request, Time, split_part
from ..analysis.answer import Answer, Times, check_times, make_answer
from ..analysis.needs import require
from .clock import require_one_clock
from .vcpu_timeline import Question

if TYPE_CHECKING:
    from .session import Session

__all__ = ["wakeups"]

_SWITCH = "sched:sched_switch"
_WAKES = ("sched:sched_waking", "sched:sched_wakeup")


def wakeups(
    session: Session,
    *,
    guests: tuple[str, ...] | None,
    buffers: str | Iterable[str] | None,
    start: Time,
    end: Time,
    ts: Times,
    batch_rows: int,
    progress: Progress,
) -> Answer:
    """Do the work of :meth:`Session.wakeups`."""
    check_times(ts)
    part = split_part(session._recording)[1]
    first, last = _arguments.common_window(_arguments.window(start, end), part)
    if session.host is None:
        raise errors.SessionError("wakeups(): there is no file of the host")
    peers = [
        peer
        for peer in session.peers
        if peer.role == "host" or (peer.role == "guest" and (guests is None or peer.name in guests))
    ]
    require_one_clock(session, peers, of_host=True)
    for readers in ([session.host._reader], [p.trace._reader for p in peers if p.role == "guest"]):
        for choices in ((_SWITCH,), _WAKES):
            if readers:
                require(readers, "wakeups()", *choices)
    question = Question.of(session, guests=guests, buffers=_arguments.names("buffers", buffers))
    asked = question.asked._replace(wakeups=True, first=first or None, last=last)
    reading = ReadOptions(batch_rows=batch_rows, progress=progress)
    request = Request(question.sources, batch_size=reading.batch_rows, on_progress=reading.report)
    options = _lowlevel.AnalysisOptions(0, (1 << 64) - 1, to_last=True, ts=ts)
    make = partial(_lowlevel.analyses.vcpus, asked=asked)
    return make_answer(request, options, make, "wakeups")
