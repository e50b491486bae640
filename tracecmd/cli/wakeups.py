"""``tracecmd wakeups``: how long guests' tasks waited since their vCPU was woken in the host."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ._rows import Column, Table, add_arguments, micro, run_session, seconds

if TYPE_CHECKING:
    from ..session import Session

COLUMNS = (
    Column("guest", "GUEST", left=True),
    Column("vcpu", "VCPU"),
    Column("pid", "PID"),
    Column("name", "NAME", left=True),
    Column("latency", "us", micro),
    Column("run", "RUN", seconds),
    Column("source", "SINCE", left=True),
)


EXAMPLES = """examples:
  tracecmd wakeups .
  tracecmd wakeups --json .
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "wakeups",
        help="list how long tasks of guests waited since what woke their vCPU in the host",
        description="List how long guests' tasks waited to run, from what woke their vCPU in the "
        "host (SINCE), or, where that cannot be told (-), from their wake-up in the guest. JSON "
        "and CSV have all times between, and why it cannot be told.",
        epilog=EXAMPLES,
    )
    add_arguments(parser, session=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print them."""

    def make(session: Session, options: dict[str, Any]) -> Table:
        answer = session.wakeups(ts="uint64", **options)
        return Table(answer.column_names, answer.values())

    return run_session(arguments, make, COLUMNS)
