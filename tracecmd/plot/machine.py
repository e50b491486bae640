"""The scene of one machine: which task each CPU ran, and what each task did."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .. import _arguments
from .._reading import Progress, Time
from .._texts import one_line
from ..analysis import Answer
from ..analysis.sched import SWITCH
from .colours import IDLE, OTHER, REST, TASKS, Shade
from .columns import batches_of
from .scene import Detail, Kind, Lane, Rule, Scene, Section, Table

if TYPE_CHECKING:
    from ..trace import Trace

__all__ = ["LOSSES", "RUN", "RUNNING", "Asked", "losses_of", "scene_of", "states_of", "within"]

RUNNING = ("state", ("running", "unknown"))
"""Rows of :meth:`Sched.states` that say what a CPU ran: those of tasks in unknown states have no
CPU."""
COLUMNS = ("pid", "name", "state", "start", "end", "cpu", "waker")
PICTURED = 40  # tasks in a picture

STATES = {
    "running": Shade("running", "green"),
    "runnable": Shade("runnable: waits for a CPU", "yellow"),
    "preempted": Shade("preempted", "vermillion"),
    "blocked": Shade("blocked: uninterruptible", "blue"),
    "sleeping": Shade("sleeping", "idle"),
    "other": Shade("stopped, dead, ...", "other"),
    "unknown": REST,
}
_SHADE_OF = {
    state: place for place, state in enumerate(STATES) if state != "other"
} | {"idle": list(STATES).index("sleeping")}  # fmt: skip


class Asked(NamedTuple):
    """What is to be drawn of the recording."""

    start: Time = None
    end: Time = None
    buffer: str | None = None
    progress: Progress = None


def scene_of(trace: Trace, asked: Asked) -> Scene:
    """Find what is to be drawn; the tasks are summed up, which reads the records once.

    Raises:
        ValueError: there is nothing to draw at that time.
        MissingEventError, KeyError, TypeError, TraceError: as :meth:`Sched.states` does.
    """
    first, last = trace.sched.states(buffer=asked.buffer).window
    start, end = within(asked, first, last)
    asked = asked._replace(start=start, end=None if end == last else end)
    states = trace.sched.states(ts="uint64", **asked._asdict())
    sources = states._question.request.sources
    sums = trace.sched.tasks(**asked._asdict())
    names = tuple((pid, one_line(name)) for pid, name, *_ in sums.values())
    if not names and trace.at(0, SWITCH, buffers=[sources[0].buffer]) is None:
        raise ValueError(
            f"nothing to draw: there is no {SWITCH}; trace-cmd record -e {SWITCH} records it"
        )
    cpus = sorted({source.cpu for source in sources})
    return Scene(
        one_line(os.path.basename(trace.path)),
        start,
        end,
        trace._time_unit,
        (states_of(states), losses_of(trace, start, end, sources[0].buffer)),
        (_cpus(names), _TASKS, LOSSES),
        (
            Section("CPUs", tuple(Lane(f"CPU {cpu}", 0, (cpu,), 2) for cpu in cpus)),
            Section(
                "Tasks",
                tuple(Lane(f"{name} [{pid}]", 1, (pid,)) for pid, name in names),
                PICTURED,
                sifted=True,
            ),
        ),
        names,
    )


def within(asked: Asked, first: int, last: int) -> tuple[int, int]:
    """The times that are asked for, as far as there are records."""
    if first == last:
        raise ValueError("nothing to draw: there are no records of two different times")
    begin, stop = _arguments.window(asked.start, asked.end)
    start, end = max(begin, first), last if stop is None else min(stop, last)
    if end <= start:
        raise ValueError("nothing to draw: no records at that time")
    return start, end


def states_of(states: Answer, only: tuple[str, tuple[str, ...]] | None = None) -> Table:
    """The rows of :meth:`Sched.states`."""
    return Table(lambda: batches_of(states._schema, states._arrays(), COLUMNS, only))


def losses_of(trace: Trace, start: int, end: int, buffer: str) -> Table:
    """Where a buffer lost events; those of several would lie upon each other."""
    losses = trace.losses(start=start, end=end, buffers=buffer, ts="uint64")
    columns = ("cpu", "from", "to", "count", "buffer")
    return Table(lambda: batches_of(losses._schema, losses._arrays(), columns), "from", "to")


LOSSES = Kind(
    "Losses",
    1,
    ("cpu",),
    None,
    (Shade("events lost", "vermillion"),),
    (Rule("cpu", (), 0),),
    details=(Detail("events lost", "count"), Detail("buffer", "buffer"), Detail("CPU", "cpu")),
    strip=True,
)

RUN = (
    Detail("task", "name"),
    Detail("PID", "pid"),
    Detail("CPU", "cpu"),
)


def _cpus(names: Sequence[tuple[int, str]]) -> Kind:
    """What CPUs ran, in the colours of the tasks that ran longest."""
    longest = names[: len(TASKS)]
    shades = [
        Shade(f"{name} [{pid}]", colour)
        for (pid, name), colour in zip(longest, TASKS, strict=False)
    ]
    shades += [OTHER, IDLE, REST]
    other, idle, rest = range(len(longest), len(shades))
    own = tuple((pid, place) for place, (pid, _) in enumerate(longest))
    rules = (Rule("pid", (*own, (0, idle), (None, rest)), other),)
    return Kind(
        "On a CPU", 0, ("cpu",), RUNNING, tuple(shades), rules, rest, "name", RUN, ("name", "pid")
    )


_TASKS = Kind(
    "A task is",
    0,
    ("pid",),
    None,
    tuple(STATES.values()),
    (Rule("state", tuple(_SHADE_OF.items()), list(STATES).index("other")),),
    list(STATES).index("unknown"),
    "state",
    (
        Detail("state", "state"),
        Detail("task", "name"),
        Detail("PID", "pid"),
        Detail("CPU", "cpu"),
        Detail("woken by", "waker", "task"),
    ),
    ("name", "pid"),
)
