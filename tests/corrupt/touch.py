"""Touches everything that can be reached from a trace, and notes what was found.

Only a TraceError may come out of any of it; whatever else is raised goes through.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    "modules",
    "last_boot",
)

FUNCTIONS = ("integers", "odd_integers", "pointers", "structures", "variadic", "many", "twice")
"""Of which types are told."""


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


def prototypes(types: tracecmd.Btf) -> object:
    return [str(types.prototype(name)) for name in FUNCTIONS if name in types], types.data


def facts(trace: tracecmd.Trace) -> dict[str, Any]:
    """Answers as plain values; those that cannot be had are their exception."""
    found = {name: ask(trace, name) for name in FACTS}
    found["buffers"] = buffers(trace)
    types = ask(trace, "btf")
    found["btf"] = prototypes(types) if isinstance(types, tracecmd.Btf) else types
    found["options"] = [(option.id, option.data) for option in trace.options]
    for guest in trace.guests:
        found[f"map of {guest.trace_id:#x}"] = trace.guest_cpumap(guest.trace_id)
    for number in (*OptionId, 999, 65535):
        assert len(list(trace.options.find_all(number))) == trace.options.count(number)
    return found


def all_of(read: Callable[[], Iterable[Any]]) -> tuple[list[Any], tracecmd.TraceError | None]:
    """What comes, and the error that it ended with, if it did."""
    found = []
    try:
        for count, item in enumerate(read()):
            if count == ITEMS:
                break
            found.append(item)
    except tracecmd.TraceError as error:
        return found, error
    return found, None


def one_of(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except tracecmd.TraceError as error:
        return error


def rows(read: Callable[[], Iterable[Any]]) -> Any:
    """The events as plain values, and every answer of theirs had."""
    found, error = all_of(read)
    for event in found[:50]:
        repr(event)
        dict(event), dict(event.fields), event.offset
    return [
        (e.buffer, e.cpu, e.ts, e.pid, e.id, e.raw, e.missed_events, str(e.format), e.comm)
        for e in found
    ], str(error or "")


def steps_back(found: list[Any]) -> bool:
    """Whether time does inside a CPU: then walks in two directions are no mirror images."""
    latest: dict[Any, int] = {}
    for buffer, cpu, ts, *_ in found:
        if ts < latest.get((buffer, cpu), 0):
            return True
        latest[buffer, cpu] = ts
    return False


def answers(trace: tracecmd.Trace) -> None:
    """What analyses say; states fill the window of each task."""
    for read in (
        lambda: trace.losses().values(),
        lambda: trace.markers().values(),
        lambda: trace.spans("sched_waking", "sched_switch", key=[("pid", "next_pid")]).values(),
        lambda: trace.spans("sched_switch", "sched_switch", key="next_comm").values(),
        lambda: trace.irqs().values(),
        lambda: trace.sched.tasks().values(),
        lambda: trace.sched.latency().worst(3).values(),
        lambda: trace.sched.nr_running().values(),
    ):
        with contextlib.suppress(ValueError):  # a field is of a kind that cannot be used
            all_of(read)
    states, error = all_of(lambda: trace.sched.states(ts="uint64").values())
    latest: dict[Any, int] = {}
    for pid, _, state, start, end, *_ in states:
        assert state
        assert start < end
        if pid:
            assert latest.get(pid, start) == start or error
            latest[pid] = end


def records(trace: tracecmd.Trace, *, thorough: bool) -> Any:
    """The records; thorough: in all the ways that they can be asked for, which have to agree."""
    forwards, error = rows(trace.iter)
    if not thorough:
        return forwards, error
    answers(trace)
    backwards, _ = rows(lambda: trace.iter(reverse=True))
    whole = not error and len(forwards) < ITEMS
    for buffer in trace.buffers:
        if buffer.is_text:
            one_of(buffer.text)
        elif buffer.name:
            found, _ = rows(buffer.iter)
            assert not whole or found == [row for row in forwards if row[0] == buffer.name]
    stat = one_of(trace.stat)
    if isinstance(stat, tracecmd.TraceError):
        assert not forwards
    elif whole:
        assert stat.records == sum(stat.events.values()) == len(forwards)
    if not whole:
        return forwards, error
    if steps_back(forwards):
        assert sorted(backwards) == sorted(forwards)
    else:
        assert backwards == forwards[::-1]
        ts = forwards[len(forwards) // 2][2] if forwards else 0
        event = one_of(lambda: trace.at(ts))
        first = next((row for row in forwards if row[2] >= ts), None)
        assert (event and (event.cpu, event.ts, event.raw)) == (
            first and (first[1], first[2], first[5])
        )
    return forwards, error


def examine(
    source: str | int, *, thorough: bool = True, mmap: bool = True
) -> dict[str, Any] | tracecmd.TraceError:
    """Open, touch everything, and tell; or the error that opening it gave."""
    try:
        trace = tracecmd.open(source, mmap=mmap)
    except tracecmd.TraceError as error:
        str(error)
        return error
    with trace:
        touch(trace, set())
        found = facts(trace)
        found["records"] = records(trace, thorough=thorough)
        found["problems"] = trace.problems
    return found
