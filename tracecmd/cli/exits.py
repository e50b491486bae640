"""``tracecmd exits``: why vCPUs left their guests, and for how long."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ._rows import Column, Table, add_arguments, micro, run_session

if TYPE_CHECKING:
    from ..session import Session

COLUMNS = (
    Column("guest", "GUEST", left=True),
    Column("vcpu", "VCPU"),
    Column("reason", "REASON", left=True),
    Column("exits", "EXITS"),
    Column("total", "TOTAL us", micro),
    Column("p50", "P50 us", micro),
    Column("p99", "P99 us", micro),
    Column("max", "MAX us", micro),
)


EXAMPLES = """examples:
  tracecmd exits .
  tracecmd exits --csv trace.dat trace-guest.dat
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "exits",
        help="sum up why the vCPUs of a session left their guests, and for how long",
        description="Sum up why vCPUs left their guests, from the host's kvm_exit and kvm_entry: "
        "of each the reason of the most time first. JSON and CSV have all percentiles, and how "
        "many were cut by losses, in ns.",
        epilog=EXAMPLES,
    )
    add_arguments(parser, session=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print them."""

    def make(session: Session, options: dict[str, Any]) -> Table:
        from ..session import VCpuExits  # noqa: PLC0415

        return Table.of(VCpuExits, session.exits(**options))

    return run_session(arguments, make, COLUMNS)
