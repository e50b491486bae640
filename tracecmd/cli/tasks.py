"""``tracecmd tasks``: what each task did altogether."""

from __future__ import annotations

import argparse
from typing import Any

from ._rows import Column, add_arguments, micro, run_answer

COLUMNS = (
    Column("pid", "PID"),
    Column("name", "NAME", left=True),
    Column("running", "RUN us", micro),
    Column("runnable", "WAIT us", micro),
    Column("preempted", "PREEMPT us", micro),
    Column("slices", "SLICES"),
    Column("migrations", "MOVES"),
)


EXAMPLES = """examples:
  tracecmd tasks trace.dat
  tracecmd tasks --csv --start 205 --end 206.5 trace.dat
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "tasks",
        help="sum up what each task did: time on CPUs, waits, sleeps",
        description="Sum up what each task did, from sched_switch and its like: the longest "
        "running first. JSON and CSV have all states, in ns.",
        epilog=EXAMPLES,
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    return run_answer(arguments, lambda trace, options: trace.sched.tasks(**options), COLUMNS)
