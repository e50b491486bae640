"""``tracecmd idle``: which idle state each CPU was in for how long."""

from __future__ import annotations

import argparse
from typing import Any

from .._readable import Readable
from .._reading import Selection
from ..analysis import Answer
from ..analysis.needs import require
from ._rows import Column, add_arguments, micro, run_answer, seconds

NOT_IDLE = (1 << 32) - 1  # PWR_EVENT_EXIT of the kernel


def _state(value: int) -> str:
    return "busy" if value == NOT_IDLE else str(value)


COLUMNS = (
    Column("cpu_id", "CPU"),
    Column("state", "STATE", _state),
    Column("start", "START", seconds),
    Column("end", "END", seconds),
    Column("duration", "us", micro),
)


EXAMPLES = """examples:
  tracecmd idle trace.dat
  tracecmd idle --json trace.dat
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "idle",
        help="list which idle state each CPU was in for how long",
        description="List which idle state each CPU was in, and when it was busy, from cpu_idle.",
        epilog=EXAMPLES,
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print them."""

    def make(trace: Readable, options: dict[str, Any]) -> Answer:
        selection = Selection(trace._recording, peers=options["peers"])
        require(trace._answering(selection), "idle", "power:cpu_idle")
        return trace.residency(
            "power:cpu_idle", key="cpu_id", value="state", ts="uint64", **options
        )

    return run_answer(arguments, make, COLUMNS)
