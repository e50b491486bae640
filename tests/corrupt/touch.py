"""Touches everything that can be reached from a trace, and notes what was found.

Only a TraceError may come out of any of it; whatever else is raised goes through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import tracecmd
from tracecmd import OptionId

ITEMS = 5000
"""How many items of one collection are looked at."""

FACTS = (
    "trace_id",
    "guests",
    "time_shift",
    "tsc2nsec",
    "date_offset",
    "ts_offset",
    "uname",
    "recorder",
    "trace_clock",
    "clock",
    "cpus",
    "cpu_stats",
    "hooks",
    "proc_maps",
    "header_page",
    "header_event",
    "event_formats",
    "kallsyms",
    "printk_formats",
    "saved_cmdlines",
)


def touch(value: object, seen: set[int]) -> None:
    """Every public property of it, every item in it, and of those the same."""
    if value is None or isinstance(value, (int, float, str, bytes)) or id(value) in seen:
        return
    seen.add(id(value))
    repr(value)
    if isinstance(value, BaseException):
        str(value)
        return
    if isinstance(value, Mapping):
        touch(list(value.items())[:ITEMS], seen)
    elif isinstance(value, Iterable) and not isinstance(value, tracecmd.Trace):
        for count, item in enumerate(items(value)):
            touch(item, seen)
            if count == ITEMS:
                break
    if not type(value).__module__.startswith("tracecmd"):
        return
    for name in dir(type(value)):
        kind = getattr(type(value), name)
        if not name.startswith("_") and not callable(kind):
            touch(ask(value, name), seen)


def items(value: Iterable[object]) -> Iterator[object]:
    """Its items, until one of them cannot be had."""
    try:
        yield from value
    except tracecmd.TraceError as error:
        yield error


def ask(value: object, name: str) -> Any:
    try:
        return getattr(value, name)
    except tracecmd.TraceError as error:
        return error


def buffers(trace: tracecmd.Trace) -> list[object]:
    return [(b.name, b.clock, b.page_size, b.compressed, b.is_text, b.cpus) for b in trace.buffers]


def facts(trace: tracecmd.Trace) -> dict[str, Any]:
    """Answers as plain values; those that cannot be had are their exception."""
    found = {name: ask(trace, name) for name in FACTS}
    found["buffers"] = buffers(trace)
    found["options"] = [(option.id, option.data) for option in trace.options]
    for guest in trace.guests:
        found[f"map of {guest.trace_id:#x}"] = trace.guest_cpumap(guest.trace_id)
    for number in (*OptionId, 999, 65535):
        assert len(list(trace.options.find_all(number))) == trace.options.count(number)
    return found


def examine(source: str | int) -> dict[str, Any] | tracecmd.TraceError:
    """Open, touch everything, and tell; or the error that opening it gave."""
    try:
        trace = tracecmd.open(source)
    except tracecmd.TraceError as error:
        str(error)
        return error
    with trace:
        touch(trace, set())
        found = facts(trace)
        found["problems"] = trace.problems
    return found
