"""``tracecmd latency``: how long tasks waited for a CPU after they were woken."""

from __future__ import annotations

import argparse
from typing import Any

from ..analysis import Answer
from ..trace import Trace
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
    parser.add_argument("--all", action="store_true", help="all of them, in order of time")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print them."""

    def make(trace: Trace, options: dict[str, Any]) -> Answer:
        waits = trace.sched.latency(ts="uint64", **options)
        return waits if arguments.all else waits.worst(arguments.worst)

    return run_answer(arguments, make, COLUMNS)
