"""``tracecmd convert``: a recording in another version or compression: trace-cmd-convert(1)."""

from __future__ import annotations

import argparse
import os
from typing import Any

from ..errors import TraceError
from ..opening import open as open_trace
from ._common import complain, warn_problems
from ._progress import Bar
from ._times import UsageError
from ._writing import add_format, add_work, require_format

EXAMPLES = """examples:
  tracecmd convert -i trace.dat -o small.dat      # version 7, zstd
  tracecmd convert trace.dat old.dat --file-version 6 # before trace-cmd 3.0
  tracecmd convert trace.dat plain.dat --compression none
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "convert",
        help="write a trace file in another version of the format, or compression",
        description="Write a trace file in another version of the format, or with another "
        "compression. All records, buffers and options stay. Options are those of "
        "trace-cmd-convert(1).",
        epilog=EXAMPLES,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "words", metavar="IN OUT", nargs="*", help="the files, where -i and -o do not say them"
    )
    parser.add_argument("-i", dest="input", metavar="IN", help="the file")
    parser.add_argument("-o", dest="output", metavar="OUT", help="the new file")
    add_format(parser, default="7 with zstd")
    add_work(parser)


def _names(arguments: argparse.Namespace) -> tuple[str, str]:
    words = list(arguments.words)
    names = [
        given if given is not None else words.pop(0) if words else None
        for given in (arguments.input, arguments.output)
    ]
    if None in names or words:
        raise UsageError("convert: a file to read and one to write are wanted")
    return str(names[0]), str(names[1])


def run(arguments: argparse.Namespace) -> int:
    """Write the file; it appears when it is whole."""
    try:
        source, output = _names(arguments)
        version, compression = arguments.file_version, arguments.compression
        require_format(version, compression)
        version = version or 7
        if compression is None:
            compression = "zstd" if version == 7 else "none"
        with open_trace(source, strict=arguments.strict) as trace:
            with Bar(not arguments.quiet) as bar:
                bar.label(os.path.basename(output))
                trace.write(output, version=version, compression=compression,
                            threads=arguments.threads, progress=bar.show)  # fmt: skip
            warn_problems([trace])
    except TraceError:
        raise
    except (ValueError, UsageError) as error:
        complain(error)
        return 2
    return 0
