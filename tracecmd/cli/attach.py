"""``tracecmd attach``: a guest's file becomes its host's: trace-cmd-attach(1)."""

from __future__ import annotations

import argparse
import os
import re
from typing import Any

from ..errors import TraceError
from ._common import complain, warn, whole_number
from ._progress import Bar
from ._times import UsageError
from ._writing import numbers_of

CPUS_MAX = 1 << 16
NUMBER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]{1,16})|(0[0-7]{1,22})|([0-9]{1,20}))")

EXAMPLES = """examples:
  tracecmd attach -c 2 -s 27950965013436847 trace.dat trace-guest.dat 147 148
  tracecmd attach -s 100,2,1 -s 110,2,1 trace.dat trace-guest.dat 140-150
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "attach",
        help="attach a guest's file, recorded apart, to its host's",
        description="Make one session of a host's and a guest's file that were recorded apart: "
        "the host's learns which of its threads ran which vCPU, the guest's how its clock relates "
        "to the host's. Both files are replaced by new ones. Options are those of "
        "trace-cmd-attach(1).",
        epilog=EXAMPLES,
    )
    parser.set_defaults(run=run)
    # argparse takes "-5" for a number, and is to take "-5,1" for one, too.
    setattr(parser, "_negative_number_matcher", re.compile(r"-[0-9]"))  # noqa: B010
    parser.add_argument("-c", dest="cpus", type=whole_number(1, CPUS_MAX), metavar="CPUS",
                        help="how many CPUs the guest has (as its file says)")  # fmt: skip
    parser.add_argument(
        "-s", dest="shifts", action="append", type=_shift, metavar="SHIFT",
        help="OFFSET[,SCALE[,FRAC[,TIMESTAMP]]] of the guest's clock, an option for each CPU; the "
        "last is that of all further CPUs. OFFSET is the negative of KVM's tsc-offset. Without, "
        "the guest's file stays as it is",
    )  # fmt: skip
    parser.add_argument("host", metavar="HOST", help="the host's file")
    parser.add_argument("guest", metavar="GUEST", help="the guest's file")
    parser.add_argument("pids", metavar="PID", nargs="+",
                        help="threads of the host that may have run the guest's vCPUs")  # fmt: skip
    parser.add_argument(
        "--strict", action="store_true", help="refuse files that anything is wrong with"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar")


def _number(text: str) -> int:
    """A number in C's way: decimal, or with 0x or 0 in front."""
    match = NUMBER.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    sign, hexadecimal, octal, decimal = match.groups()
    digits, base = (hexadecimal, 16) if hexadecimal else (octal, 8) if octal else (decimal, 10)
    value = int(digits, base)
    return -value if sign == "-" else value


def _shift(text: str) -> tuple[int, ...]:
    numbers = tuple(_number(part) for part in text.split(","))
    if len(numbers) > 4:
        raise argparse.ArgumentTypeError(f"{text!r} is not OFFSET[,SCALE[,FRAC[,TIMESTAMP]]]")
    return numbers


def run(arguments: argparse.Namespace) -> int:
    """Replace both files, and say which thread ran which vCPU."""
    # Other commands start faster without.
    from ..writing.attach import Shift, attach  # noqa: PLC0415

    shifts = arguments.shifts
    try:
        pids = numbers_of("PID", arguments.pids) or []
        with Bar(not arguments.quiet) as bar:
            bar.label(os.path.basename(arguments.host))
            attached = attach(
                arguments.host,
                arguments.guest,
                pids,
                cpus=arguments.cpus,
                shifts=None if shifts is None else [Shift(*shift) for shift in shifts],
                strict=arguments.strict,
                progress=bar.show,
            )
    except TraceError:
        raise
    except (ValueError, UsageError) as error:
        complain(error)
        return 2
    for vcpu, pid in attached.vcpus.items():
        print(f"vCPU {vcpu} -> host PID {pid}")
    if attached.known:
        warn(f"{arguments.host}: names this guest already, and stays as it is")
    elif not attached.vcpus:
        warn(f"{arguments.host}: none of these threads ran a vCPU")
    if shifts is None:
        warn(f"{arguments.guest}: stays as it is, as no time shift was given (-s)")
    return 0
