"""Work that is queued, begun and ended, from single events: all of one key at a time."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import tracecmd

from .loss_oracle import gaps


class Kind(NamedTuple):
    queue: str
    start: str
    end: str
    cancel: str
    keys: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    """Name, and q, s, e: letters of the steps that it is taken from."""


WORK = Kind("workqueue_queue_work", "workqueue_execute_start", "workqueue_execute_end", "-",
            ("work",), (("function", "qse"), ("workqueue", "q")))  # fmt: skip
TIMERS = Kind("timer_start", "timer_expire_entry", "timer_expire_exit", "timer_cancel",
              ("timer",), (("function", "qse"), ("expires", "q"), ("now", "s")))  # fmt: skip
HRTIMERS = Kind("hrtimer_start", "hrtimer_expire_entry", "hrtimer_expire_exit", "hrtimer_cancel",
                ("hrtimer",), TIMERS.fields)  # fmt: skip
BLOCK = Kind("block_rq_insert", "block_rq_issue", "block_rq_complete", "-", ("dev", "sector"),
             (("nr_sector", "qse"), ("bytes", "qse"), ("rwbs", "qse"), ("comm", "qs"),
              ("error", "e")))  # fmt: skip


class Job(NamedTuple):
    queued: int | None
    start: int | None
    end: int | None
    cancelled: int | None
    cpu: int
    pid: int
    queued_cpu: int | None
    queued_pid: int | None
    values: tuple[Any, ...]
    """Of keys and fields."""
    lost: bool
    """Of the oracle: a loss reaches between its records, so that it has to be marked."""
    buffer: str


Steps = dict[str, tuple[int, tracecmd.Event]]


def _stories(events: list[tuple[int, tracecmd.Event]], kind: Kind) -> list[Steps]:
    """The steps of each job of one key. A queueing goes with the next start, if that is the next
    but for cancels; a start with the next end, if no other start comes first."""
    of = {kind.queue: "q", kind.start: "s", kind.end: "e", kind.cancel: "c"}
    stories: list[Steps] = []
    waiting: Steps | None = None
    running: Steps | None = None
    for place, event in events:
        step = of[event.name]
        if step == "q":
            if waiting is not None and kind.cancel != "-":
                waiting.setdefault("c", (place, event))
            waiting = {"q": (place, event)}
            stories.append(waiting)
        elif step == "c" and waiting is not None:
            waiting["c"] = (place, event)
        elif step == "s":
            running = waiting if waiting is not None else {}
            if waiting is None:
                stories.append(running)
            running.pop("c", None)
            running["s"] = (place, event)
            waiting = None
        elif step == "e":
            if running is None:
                running = {}
                stories.append(running)
            running["e"] = (place, event)
            running = None
    return stories


def jobs(trace: tracecmd.Trace, kind: Kind) -> list[Job]:
    names = [name for name in kind[:4] if name in trace.events]
    has_queue = kind.queue in names
    losses = gaps(trace)
    by_key: dict[Any, list[tuple[int, tracecmd.Event]]] = defaultdict(list)
    for place, event in enumerate(trace.iter(names)):
        key = (event.buffer, *(event[name] for name in kind.keys))
        by_key[key].append((place, event))
    found = []
    for (buffer, *key), events in by_key.items():
        for story in _stories(events, kind):
            found.append(_job(trace, kind, story, key, buffer, losses, has_queue))
    return found


def _job(trace: tracecmd.Trace, kind: Kind, story: Steps, key: list[Any], buffer: str,
         losses: list[Any], has_queue: bool) -> Job:  # fmt: skip
    values = list(key)
    for name, steps in kind.fields:
        having = [story[s][1] for s in steps if s in story and name in story[s][1].format.fields]
        value = having[0][name] if having else None
        if name == "function" and having:
            symbol = trace.symbol(value)
            value = symbol.name if symbol else hex(value)
        values.append(value)
    times = {step: event.ts for step, (_, event) in story.items()}
    of = story.get("s") or story.get("e") or story["q"]
    known = [times[s] for s in "qs" if s in times]
    since = None if not known or (has_queue and "q" not in times) else known[0]
    queued = story["q"][1] if "q" in story else None
    own = [gap for gap in losses if gap.buffer == buffer]
    last = times.get("e", times.get("c", max(times.values())))
    lost = any((since is None or gap.end > since) and (gap.begin is None or gap.begin < last)
               for gap in own)  # fmt: skip
    return Job(times.get("q"), times.get("s"), times.get("e"), times.get("c"), of[1].cpu,
               of[1].pid, queued and queued.cpu, queued and queued.pid, tuple(values), lost,
               buffer)  # fmt: skip
