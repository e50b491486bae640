"""``tracecmd unknown``: how long it is unknown what vCPUs did, and why."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ._rows import Column, Table, add_arguments, micro, run_session

if TYPE_CHECKING:
    from ..session import Session

COLUMNS = (
    Column("guest", "GUEST", left=True),
    Column("vcpu", "VCPU"),
    Column("what", "WHAT", left=True),
    Column("time", "us", micro),
    Column("stretches", "TIMES"),
    Column("reason", "WHY", left=True),
)


EXAMPLES = """examples:
  tracecmd unknown .
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "unknown",
        help="sum up how long it is unknown what the vCPUs of a session did, and why",
        description="Sum up how long it is unknown what vCPUs did (state), and which of the "
        "guest's tasks they ran (task), and why: what was not recorded, or lost.",
        epilog=EXAMPLES,
    )
    add_arguments(parser, session=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print it."""

    def make(session: Session, options: dict[str, Any]) -> Table:
        from ..session import VCpuUnknown  # noqa: PLC0415

        return Table.of(VCpuUnknown, session.timeline(**options).unknown())

    return run_session(arguments, make, COLUMNS)
