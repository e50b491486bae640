"""``tracecmd functions``: what functions took."""

from __future__ import annotations

import argparse
from typing import Any

from ._rows import Column, add_arguments, micro, run_answer

_NAME = Column("name", "FUNCTION", left=True)
_BY = {
    "parent": (Column("parent", "CALLED BY", left=True),),
    "task": (Column("pid", "PID"), Column("task", "TASK", left=True)),
    "cpu": (Column("cpu", "CPU"),),
}
_SUMS = (
    Column("calls", "CALLS"),
    Column("total", "TOTAL us", micro),
    Column("self", "SELF us", micro),
    Column("p50", "P50 us", micro),
    Column("max", "MAX us", micro),
)


EXAMPLES = """examples:
  tracecmd functions trace.dat
  tracecmd functions --by task --by parent trace.dat
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "functions",
        help="sum up what functions took, with callees and without",
        description="Sum up what functions took, from the function_graph tracer, that of the most "
        "time first; of the function tracer how often they were called. JSON and CSV have all "
        "percentiles, and how many calls were cut by losses, in ns.",
        epilog=EXAMPLES,
    )
    add_arguments(parser)
    parser.add_argument(
        "--by",
        action="append",
        choices=tuple(_BY),
        default=[],
        help="a row for each caller, task or CPU of a function; may be given again",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print them."""
    by = [column for name in _BY if name in arguments.by for column in _BY[name]]
    return run_answer(
        arguments,
        lambda trace, options: trace.functions(by=arguments.by, **options),
        (_NAME, *by, *_SUMS),
    )
