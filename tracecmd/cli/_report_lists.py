"""The lists that report prints instead of events."""

from __future__ import annotations

import argparse
import errno
import re
import sys
from collections.abc import Sequence
from typing import Any

from .. import _lowlevel
from ..buffer import CpuArea
from ..trace import Trace
from ._actions import ENDS_BOTH
from ._common import warn
from ._report_files import options_of, symbols_of

__all__ = ["print_list"]


def print_list(arguments: argparse.Namespace, traces: Sequence[Trace]) -> int:
    """Print the list that was asked for, of each file; the exit code."""
    for trace in traces:
        if arguments.event is not None:
            _print_formats(trace, arguments.event)
        elif arguments.listing in ("f", "P"):
            # The first file's alone: trace-cmd ends there.
            own = symbols_of([trace._reader], arguments)[0]
            _print_symbols(own or trace._reader.symbols, arguments.listing)
            return 0
        elif arguments.listing == "check-events":
            code = _check_events(arguments, trace)
            if code:
                return code
        else:
            LISTS[arguments.listing](trace)
    return 0


def _print_formats(trace: Trace, pattern: str | None = None) -> None:
    """Formats as the kernel wrote them, by system, those of ftrace itself left out."""
    system_pattern, colon, name_pattern = (pattern or "").partition(":")
    shown = ""
    for form in trace.event_formats:
        if form.system == "ftrace":
            continue
        match = re.match(r"name: (\S+)", form.text)
        name = match[1] if match else ""
        if colon:
            wanted = re.search(system_pattern, form.system) and re.search(name_pattern, name)
        else:
            wanted = re.search(system_pattern, form.system) or re.search(system_pattern, name)
        if not wanted:
            continue
        if form.system != shown:
            print(f"\nsystem: {form.system}")
            shown = form.system
        print(form.text)


def _check_events(arguments: argparse.Namespace, trace: Trace) -> int:
    """Warn of formats that cannot be read, and count the others; the exit code is trace-cmd's."""
    metadata = trace._reader.metadata
    flags = options_of(arguments).flags()
    events = [] if arguments.q else list(trace.events.values())
    understood = len(events)
    for place, event in enumerate(events):
        if event.fields_failed:
            warn(f"{trace.path}: fields of {event} cannot be read")
        if metadata.print_fmt_failed(place, flags):
            warn(f"{trace.path}: print fmt of {event} cannot be parsed, its fields are shown")
            understood -= 1
    if events:
        warn(f"{trace.path}: {understood} of {len(events)} print fmts are understood")
    # It counts only texts that do not make an event: without a name, or an id.
    return 0 if len(trace.events) == len(trace.event_formats) else errno.EINVAL


def _print_symbols(symbols: _lowlevel.Symbols, which: str) -> None:
    if which == "P":
        for address, text in symbols.printk_formats():
            print(f"{address:016x} {text}")
        return
    for address, name, module in symbols.list():
        print(f"{address:016x} {name}" + (f" [{module}]" if module else ""))


def _print_names(trace: Trace) -> None:
    for event in sorted(trace.events.values(), key=lambda e: (e.system, e.name)):
        print(f"{event.system}:{event.name}")


def _print_byteorder(trace: Trace) -> None:
    print(f"file is {trace.byteorder} endian and host is {sys.byteorder} endian")


# Clocks that count nanoseconds, as trace-cmd sees it; the others' ticks are shown as they are.
NANOSECONDS = ("", "local", "global", "uptime", "perf", "mono", "mono_raw", "tai", "tsc2nsec")


def _time(trace: Trace, ts: int) -> str:
    if trace.clock not in NANOSECONDS and trace.tsc2nsec is None:
        return f"{ts:12d}"
    micros = ((ts + 500) & 0xFFFF_FFFF_FFFF_FFFF) // 1000
    return f"{micros // 10**6:5d}.{micros % 10**6:06d}"


def _print_ends(trace: Trace, which: Sequence[str]) -> None:
    print(f"List of CPUs in {trace.path} with data:")
    for area in trace.buffers[0].cpus:
        line = f"  {area.cpu}"
        for end in which:
            event = next(trace.buffers[0].iter(cpus=[area.cpu], reverse=end == "Last"), None)
            if event is None:
                break
            line += f"\t{end} event:{_time(trace, event.ts)}"
        else:
            print(line)


def _print_cpus(trace: Trace) -> None:
    print(f"List of CPUs in {trace.path} with data:")
    for area in trace.buffers[0].cpus:
        print(f"  {area.cpu}")


def _print_stat(trace: Trace) -> None:
    print(f"cpus={trace.cpus}")
    print(
        '\nKernel buffer statistics:\n  Note: "entries" are the entries left in the kernel ring '
        "buffer and are not\n        recorded in the trace data. They should all be zero.\n"
    )
    buffer = ""
    if not trace.cpu_stat_texts:
        print(" No stats in this file", end="")
    for name, text in trace.cpu_stat_texts:
        if name != buffer:
            print(f"\nBuffer: {name}\n")
            buffer = name
        print(text)
    print()
    areas = {area.cpu: area for area in (*trace.buffers[0].empty_cpus, *trace.buffers[0].cpus)}
    for cpu in range(max(areas, default=-1) + 1):
        area = areas.get(cpu, CpuArea(cpu, 0, 0))
        print(f"CPU{cpu} data recorded at offset={area.offset:#x}")
        print(f"    {area.size} bytes in size")


def _print_recorder(trace: Trace) -> None:
    print(trace.recorder or " version was not recorded in this file")


def _print_uname(trace: Trace) -> None:
    print(f"cpus={trace.cpus}")
    print(trace.uname or " uname was not recorded in this file")
    _print_recorder(trace)


def _print_version(trace: Trace) -> None:
    print(f"cpus={trace.cpus}")
    _print_recorder(trace)


LISTS: dict[str, Any] = {
    "E": _print_names,
    "e": _print_byteorder,
    "events": _print_formats,
    "first-event": lambda trace: _print_ends(trace, ("First",)),
    "last-event": lambda trace: _print_ends(trace, ("Last",)),
    ENDS_BOTH: lambda trace: _print_ends(trace, ("First", "Last")),
    "cpus": _print_cpus,
    "stat": _print_stat,
    "uname": _print_uname,
    "version": _print_version,
}
