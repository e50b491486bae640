"""``tracecmd export``: records as columns (Parquet, Arrow, CSV, JSON lines), or for Perfetto."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from ..events import UnknownEventError, UnknownFieldError
from ..export import FORMATS, write_table, write_tables
from ..filter import FilterError
from ..opening import open as open_trace
from ..packages import MissingPackageError
from ..trace import Trace
from ._common import add_threads, complain, warn_problems
from ._progress import Bar
from ._times import UsageError, add_window, warn_outside, window_of

PERFETTO = ".pftrace"


EXAMPLES = """examples:
  tracecmd export trace.dat -o switches.parquet -e sched_switch
  tracecmd export trace.dat -o events/            # a file for each event
  tracecmd export trace.dat -o part.csv -e 'sched:*' --start 205 --end 205100ms
  tracecmd export trace.dat -o trace.pftrace      # for ui.perfetto.dev
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "export",
        help="write records as columns (Parquet, Arrow, CSV, JSON lines), or for Perfetto",
        description="Write the records of a trace file as columns. Needs pyarrow: "
        "pip install 'tracecmd[arrow]'. Or those of a file or a whole session (its files, or a "
        f"folder of them) as a trace for Perfetto's UI: OUT{PERFETTO}.",
        epilog=EXAMPLES,
    )
    parser.add_argument("files", metavar="FILE", nargs="+")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help=f"a file ({', '.join(FORMATS)}) of one event or of what several have in common, "
        f"a folder for a file per event (FOLDER or FOLDER/), or {PERFETTO}",
    )
    parser.add_argument(
        "-e",
        "--events",
        metavar="EVENT",
        action="append",
        help='events ("sched_switch", "sched:*", several with commas); all if not given',
    )
    parser.add_argument(
        "--exclude",
        metavar="EVENT",
        action="append",
        help='events that are not wanted, also with wildcards ("sched_stat_*", "rcu:*")',
    )
    parser.add_argument("--columns", metavar="A,B,...", help="columns to write")
    parser.add_argument(
        "--symbols",
        action="store_true",
        help="beside addresses that a report shows as functions write their names (ip_symbol)",
    )
    parser.add_argument("--where", metavar="FILTER", help="as trace-cmd report -F takes it")
    add_window(parser)
    parser.add_argument(
        "--format",
        choices=[suffix[1:] for suffix in FORMATS],
        default="parquet",
        help="of the files in a folder (%(default)s)",
    )
    add_threads(parser, "read windows of time, or write files, on N threads")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def _split(values: list[str] | None) -> list[str] | None:
    if values is None:
        return None
    return [name for value in values for name in value.split(",") if name]


def _is_folder(output: str) -> bool:
    return output.endswith(os.sep) or Path(output).is_dir()


def _write_columns(trace: Trace, arguments: argparse.Namespace, bar: Bar) -> None:
    """Write one file, or one per event."""
    events = _split(arguments.events)
    window = window_of(arguments)
    options: dict[str, Any] = {
        "columns": None if arguments.columns is None else arguments.columns.split(","),
        "where": arguments.where,
        "symbols": arguments.symbols,
        "exclude": _split(arguments.exclude),
        **window,
        "threads": arguments.threads,
        "progress": bar.show,
    }
    out, folder = Path(arguments.output), _is_folder(arguments.output)
    single = out.suffix.lower() in FORMATS and not folder
    if out.suffix and not single and not folder:
        raise UsageError(f"{out.name}: a file's name ends with {', '.join(FORMATS)}")
    bar.label(out.name)
    try:
        if single:
            write_table(trace.table(events, **options), out)
        else:
            write_tables(trace.tables(events, **options), out, f".{arguments.format}")
    finally:
        bar.clear()
    warn_outside(trace, arguments.files[0], **window)


def _write_perfetto(arguments: argparse.Namespace, bar: Bar) -> None:
    # Other exports start faster without.
    from ..export import perfetto  # noqa: PLC0415
    from ..session import open_session  # noqa: PLC0415

    given = (arguments.columns, arguments.where, arguments.exclude, arguments.symbols or None)
    if any(each is not None for each in given):
        raise UsageError(f"--columns, --exclude, --symbols and --where are not for {PERFETTO}")
    events = _split(arguments.events)
    window = window_of(arguments)
    out = Path(arguments.output)
    with open_session(*arguments.files) as session:
        bar.label(out.name)
        try:
            perfetto.write(session, out, events=events, progress=bar.show, **window)
        finally:
            bar.clear()
        warn_outside(session, arguments.files[0], **window)
        warn_problems(peer.trace for peer in session.peers)


def run(arguments: argparse.Namespace) -> int:
    """Write the file or the files; each appears when it is whole."""
    bar = Bar(not arguments.quiet)
    try:
        if arguments.output.lower().endswith(PERFETTO) and not _is_folder(arguments.output):
            _write_perfetto(arguments, bar)
            return 0
        if len(arguments.files) > 1:
            raise UsageError(f"columns are of one file; several go to OUT{PERFETTO}")
        with open_trace(arguments.files[0]) as trace:
            _write_columns(trace, arguments, bar)
            warn_problems([trace])
    except (FilterError, UnknownEventError, UnknownFieldError, UsageError) as error:
        complain(error)
        return 2
    except MissingPackageError as error:
        complain(error)
        return 1
    return 0
