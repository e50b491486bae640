"""``tracecmd steal``: how long vCPUs could have run, but had no CPU."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ._rows import Column, Table, add_arguments, micro, run_session

if TYPE_CHECKING:
    from ..session import Session

COLUMNS = (
    Column("guest", "GUEST", left=True),
    Column("vcpu", "VCPU"),
    Column("host_pid", "THREAD"),
    Column("running", "RUN us", micro),
    Column("steal", "STEAL us", micro),
    Column("waiting", "IDLE us", micro),
    Column("unknown", "UNKNOWN us", micro),
)


EXAMPLES = """examples:
  tracecmd steal .
  tracecmd steal --start 206 --end 207 .
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "steal",
        help="sum up how long the vCPUs of a session could have run, but had no CPU",
        description="Sum up what vCPUs' threads did, from the host's sched_switch and wake-ups: "
        "had a CPU, could have run, had nothing to run.",
        epilog=EXAMPLES,
    )
    add_arguments(parser, session=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print it."""

    def make(session: Session, options: dict[str, Any]) -> Table:
        from ..session import VCpuSteal  # noqa: PLC0415

        return Table.of(VCpuSteal, session.steal(**options))

    return run_session(arguments, make, COLUMNS)
