"""``tracecmd latency``: how long tasks waited for a CPU after they were woken."""

from __future__ import annotations

import argparse
from typing import Any

from .._readable import Readable
from ..analysis import Answer
from ._common import whole_number
from ._rows import Column, add_arguments, micro, run_answer, seconds

COLUMNS = (
    Column("latency", "LATENCY us", micro),
    Column("pid", "PID"),
    Column("name", "NAME", left=True),
    Column("cpu", "CPU"),
    Column("woken", "WOKEN", seconds),
    Column("run", "RUN", seconds),
    Column("waker", "BY PID"),
)
MEANWHILE = (
    Column("rank", "RANK"),
    Column("latency", "LATENCY us", micro),
    Column("pid", "PID"),
    Column("name", "NAME", left=True),
    Column("cpu", "CPU"),
    Column("woken", "WOKEN", seconds),
    Column("held", "HELD us", micro),
    Column("by_pid", "BY PID"),
    Column("by_name", "BY", left=True),
)
WAKERS = (
    Column("start", "WOKEN", seconds),
    Column("latency", "LATENCY us", micro),
    Column("pid", "PID"),
    Column("name", "NAME", left=True),
    Column("cpu", "CPU"),
    Column("waker", "BY PID"),
    Column("waker_name", "BY", left=True),
    Column("context", "IN", left=True),
)


EXAMPLES = """examples:
  tracecmd latency trace.dat                      # the 20 longest waits
  tracecmd latency --worst 5 --json trace.dat
  tracecmd latency --all --end 205.5 trace.dat
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "latency",
        help="list how long tasks waited for a CPU after they were woken",
        description="List the longest waits from wake-up to running, from sched_waking or "
        "sched_wakeup and sched_switch.",
        epilog=EXAMPLES,
    )
    add_arguments(parser)
    parser.add_argument(
        "-n",
        "--worst",
        type=whole_number(1, 1_000_000),
        default=20,
        metavar="N",
        help="so many (%(default)s)",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="all of them, in order of time")
    which.add_argument(
        "--meanwhile", action="store_true", help="who held the CPU while each of them lasted"
    )
    which.add_argument(
        "--wakers", action="store_true", help="each time that a task was awake, and who woke it"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print them."""

    def make(trace: Readable, options: dict[str, Any]) -> Answer:
        if arguments.wakers:
            return trace.sched.wakers(ts="uint64", **options)
        waits = trace.sched.latency(ts="uint64", **options)
        if arguments.all:
            return waits
        return waits.worst(arguments.worst, meanwhile=arguments.meanwhile)

    columns = MEANWHILE if arguments.meanwhile else WAKERS if arguments.wakers else COLUMNS
    return run_answer(arguments, make, columns)
