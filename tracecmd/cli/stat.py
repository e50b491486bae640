"""``tracecmd stat``: how many records, of which events, on which CPUs, what was lost, and when."""

from __future__ import annotations

import argparse
from typing import Any

from .._texts import one_line
from .._times import seconds
from ..analysis import CpuCount, Stat
from ..trace import Trace
from ._common import add_files, add_threads, describe_files, warn_problems
from ._progress import Bar

EXAMPLES = """examples:
  tracecmd stat trace.dat
  tracecmd stat --json --threads 2 trace.dat
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "stat",
        help="count a trace file's records",
        description="Count the records of trace files: by event, by buffer and CPU; losses, times.",
        epilog=EXAMPLES,
    )
    add_files(parser)
    add_threads(parser, "count on N threads")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Count each file."""

    def look(trace: Trace) -> dict[str, Any]:
        description = describe(trace, count(trace, arguments.threads))
        warn_problems([trace])  # also of what only reading found
        return description

    return describe_files(arguments, look, print_text)


def count(trace: Trace, threads: int) -> Stat:
    """Count, with a bar while it lasts."""
    with Bar(True) as bar:
        return trace.stat(threads=threads, progress=bar.show)


# What there is to tell -----------------------------------------------------------------------


def describe(trace: Trace, stat: Stat) -> dict[str, Any]:
    """Collect everything as plain values; times are in ns."""
    return {
        "path": trace.path,
        "records": stat.records,
        "missed_events": stat.missed_events,
        "missed_unknown": stat.missed_unknown,
        **_times(stat.first_ts, stat.last_ts),
        "events": dict(stat.events),
        "cpus": [_cpu(cpu) for cpu in stat.cpus],
    }


def _times(first: int | None, last: int | None) -> dict[str, int | None]:
    duration = None if first is None or last is None else last - first
    return {"first_ts": first, "last_ts": last, "duration": duration}


def _cpu(cpu: CpuCount) -> dict[str, Any]:
    return {
        "buffer": cpu.buffer,
        "cpu": cpu.cpu,
        "records": cpu.records,
        "missed_events": cpu.missed_events,
        "missed_unknown": cpu.missed_unknown,
        **_times(cpu.first_ts, cpu.last_ts),
        "events": dict(cpu.events),
    }


def print_text(described: dict[str, Any]) -> None:
    """Print it for people."""
    print(f"{one_line(described['path'])}: {described['records']} records{_lost(described)}")
    if described["records"]:
        first, last = seconds(described["first_ts"]), seconds(described["last_ts"])
        print(f"  from {first} to {last}, {seconds(described['duration'])} s")
    width = len(str(described["records"]))
    for cpu in described["cpus"]:
        where = f"buffer {one_line(cpu['buffer'])}, " if cpu["buffer"] else ""
        print(f"  {cpu['records']:>{width}} {where}CPU {cpu['cpu']}{_lost(cpu)}")
    if described["events"]:
        print("  events:")
    for name, records in described["events"].items():
        print(f"  {records:>{width}} {one_line(name)}")


def _lost(described: dict[str, Any]) -> str:
    text = f", {described['missed_events']} lost" if described["missed_events"] else ""
    if described["missed_unknown"]:
        text += f", {described['missed_unknown']} times an unknown number lost"
    return text
