"""``tracecmd restore``: a recording of what a killed recorder left: trace-cmd-restore(1)."""

from __future__ import annotations

import argparse
import os
from typing import Any

from ..errors import TraceError
from ._common import complain, warn
from ._progress import Bar
from ._times import UsageError
from ._writing import add_format, add_work, require_format

WHOLE, PARTIAL = "trace.dat", "trace-partial.dat"  # names that trace-cmd gives

EXAMPLES = """examples:
  tracecmd restore -c -t tracing -k kallsyms -o head.dat # of copies of both
  tracecmd restore -i head.dat trace.dat.cpu0 trace.dat.cpu1
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "restore",
        help="make a trace file of what a killed recorder left",
        description="Make a trace file of the files of single CPUs that a killed recorder left. "
        "Files named ....cpuN are of CPU N, others of CPU 0, 1 and so on. Damaged pages are left "
        "out. Options are those of trace-cmd-restore(1).",
        epilog=EXAMPLES,
    )
    parser.set_defaults(run=run)
    parser.add_argument("files", metavar="CPU_FILE", nargs="*", help="the files of the CPUs")
    parser.add_argument("-c", dest="create", action="store_true",
                        help="write only the head: what this kernel says of itself")  # fmt: skip
    parser.add_argument("-t", dest="tracing", metavar="DIR",
                        help="take that from a copy of the tracing directory")  # fmt: skip
    parser.add_argument("-k", dest="kallsyms", metavar="FILE",
                        help="take the kernel's symbols from a copy of /proc/kallsyms")  # fmt: skip
    parser.add_argument(
        "-i", dest="head", metavar="HEAD", help="a head, or any file of that kernel"
    )
    parser.add_argument("-o", dest="output", metavar="OUT",
                        help=f"the new file ({WHOLE}, with -c {PARTIAL})")  # fmt: skip
    add_format(parser, default="as the head's")
    add_work(parser)


def _require_sense(arguments: argparse.Namespace) -> None:
    if arguments.create and arguments.files:
        raise UsageError("restore: -c takes no CPU files")
    if not arguments.create and not arguments.files:
        raise UsageError("restore: the files of CPUs are wanted, or -c")
    if arguments.head is not None and (
        arguments.create or arguments.tracing is not None or arguments.kallsyms is not None
    ):
        raise UsageError("restore: -i is the head itself; -c, -t and -k are for making one")
    require_format(arguments.file_version, arguments.compression)


def run(arguments: argparse.Namespace) -> int:
    """Write the file; it appears when it is whole."""
    # Other commands start faster without.
    from ..writing.restore import restore, write_head  # noqa: PLC0415

    form = {"version": arguments.file_version, "compression": arguments.compression}
    origin = {"tracing": arguments.tracing, "kallsyms": arguments.kallsyms}
    try:
        _require_sense(arguments)
        if arguments.create:
            given = {name: value for name, value in form.items() if value is not None}
            write_head(arguments.output or PARTIAL, **origin, **given)
            return 0
        output = arguments.output or WHOLE
        with Bar(not arguments.quiet) as bar:
            bar.label(os.path.basename(output))
            restored = restore(arguments.files, output, head=arguments.head, **origin, **form,
                               strict=arguments.strict, threads=arguments.threads,
                               progress=bar.show)  # fmt: skip
    except TraceError:
        raise
    except (ValueError, UsageError) as error:
        complain(error)
        return 2
    for problem in restored.problems:
        warn(problem)
    return 0
