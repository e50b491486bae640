"""``tracecmd irqs``: what handlers of interrupts took."""

from __future__ import annotations

import argparse
from typing import Any

from .._readable import Readable
from ..analysis import Answer
from ._rows import Column, add_arguments, micro, run_answer, seconds

_SPAN = (
    Column("start", "START", seconds),
    Column("duration", "TOOK us", micro),
    Column("self", "SELF us", micro),
    Column("cpu", "CPU"),
    Column("pid", "PID"),
)
HARD = (*_SPAN, Column("irq", "IRQ"), Column("name", "NAME", left=True))
SOFT = (*_SPAN, Column("vec", "VEC"), Column("name", "NAME", left=True))


EXAMPLES = """examples:
  tracecmd irqs trace.dat
  tracecmd irqs --csv trace.dat
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "irqs",
        help="list interrupts and what their handlers took",
        description="List what handlers of interrupts took, from irq_handler_entry and "
        "irq_handler_exit.",
        epilog=EXAMPLES,
    )
    add_arguments(parser)
    parser.add_argument("--soft", action="store_true", help="softirqs instead")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print them."""

    def make(trace: Readable, options: dict[str, Any]) -> Answer:
        ask = trace.softirqs if arguments.soft else trace.irqs
        return ask(ts="uint64", **options)

    return run_answer(arguments, make, SOFT if arguments.soft else HARD)
