"""``tracecmd losses``: where events were lost."""

from __future__ import annotations

import argparse
from typing import Any

from ._rows import Column, add_arguments, run_answer, seconds

COLUMNS = (
    Column("cpu", "CPU"),
    Column("from", "FROM", seconds),
    Column("to", "TO", seconds),
    Column("count", "EVENTS"),
    Column("buffer", "BUFFER", left=True),
)


EXAMPLES = """examples:
  tracecmd losses trace.dat
  tracecmd losses --csv trace.dat
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "losses",
        help="list where events were lost",
        description="List where events were lost: between which times of which CPU, and how many.",
        epilog=EXAMPLES,
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print them."""
    return run_answer(
        arguments, lambda trace, options: trace.losses(ts="uint64", **options), COLUMNS
    )
