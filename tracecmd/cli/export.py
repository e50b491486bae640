"""``tracecmd export``: records as columns (Parquet, Arrow, CSV, JSON lines), or for Perfetto."""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Any

from ..events import UnknownEventError, UnknownFieldError
from ..export import FORMATS, write_stream, write_table, write_tables
from ..filter import FilterError
from ..opening import open as open_trace
from ..packages import MissingPackageError
from ..trace import Trace
from ._common import add_threads, complain, warn, warn_problems, whole_number
from ._progress import Bar
from ._times import UsageError, add_window, warn_outside, window_of

PERFETTO = ".pftrace"
PERFETTO_NAMES = (PERFETTO, f"{PERFETTO}.gz")
STDOUT = "-"
TEXT_FORMATS = ("csv", "jsonl")


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
        description="Write the records of a trace file as columns, or those of many as a folder "
        "of columns (a lake). Needs pyarrow: pip install 'tracecmd[arrow]'. Or those of a file or "
        "a whole session (its files, or a folder of them) as a trace for Perfetto's UI: "
        f"OUT{PERFETTO}, or compressed, OUT{PERFETTO}.gz.",
        epilog=EXAMPLES,
    )
    parser.add_argument("files", metavar="FILE", nargs="+")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help=f"a file ({', '.join(FORMATS)}) of one event or of what several have in common "
        "(.jsonl: with each event's own fields), a folder for a file per event (FOLDER or "
        f"FOLDER/), - for stdout, or {PERFETTO}; of several recordings, or a folder of them, a "
        "folder of Parquet files that are read as one, which is kept up to date",
    )
    parser.add_argument(
        "-e",
        "--events",
        metavar="EVENT",
        action="append",
        help='events ("sched_switch", "sched:*", "sched_w*", several with commas); all if not '
        "given",
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
        help="of the files in a folder, or of stdout: arrow is an IPC stream there (%(default)s)",
    )
    add_threads(parser, "read windows of time, or write files, on N threads")
    parser.add_argument(
        "--processes",
        type=whole_number(1, 1024),
        metavar="N",
        help="of several recordings read N at a time (as many as there are processors)",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def _split(values: list[str] | None) -> list[str] | None:
    if values is None:
        return None
    return [name for value in values for name in value.split(",") if name]


def _own_events(trace: Trace, events: list[str] | None, columns: object) -> list[str] | None:
    """For JSON lines of all events: those that occur, as each field becomes a column on its way."""
    if events is not None or columns is not None:
        return events
    counted = trace.stat().events
    return list(counted) if counted and all(name in trace.events for name in counted) else None


def _write_stdout(trace: Trace, arguments: argparse.Namespace, options: dict[str, Any]) -> None:
    """Write one table into a pipe."""
    if arguments.format not in TEXT_FORMATS and sys.stdout.isatty():
        texts = " or ".join(TEXT_FORMATS)
        raise UsageError(f"{arguments.format} is binary, and stdout a terminal: --format {texts}")
    events = _split(arguments.events)
    if arguments.format == "jsonl":
        events = _own_events(trace, events, options["columns"])
    write_stream(trace.table(events, **options), sys.stdout.buffer, f".{arguments.format}")


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
        if arguments.output == STDOUT:
            _write_stdout(trace, arguments, options)
        elif single:
            if out.suffix.lower() == ".jsonl":
                events = _own_events(trace, events, options["columns"])
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
    warnings: list[str] = []
    with open_session(*arguments.files) as session:
        bar.label(out.name)
        try:
            perfetto.write(
                session, out, events=events, progress=bar.show, warn=warnings.append, **window
            )
        finally:
            bar.clear()
        for text in warnings:
            warn(text)
        warn_outside(session, arguments.files[0], **window)
        warn_problems(peer.trace for peer in session.peers)


def _write_lake(arguments: argparse.Namespace, bar: Bar) -> int:
    """Several recordings into one folder; 1 if some could not be read."""
    from ..export.lake import lake  # noqa: PLC0415

    if arguments.columns is not None or arguments.where is not None:
        raise UsageError("--columns and --where are for columns of one file")
    out = Path(arguments.output)
    is_name = arguments.output != STDOUT and (not out.suffix or _is_folder(arguments.output))
    if arguments.format != "parquet" or not is_name:
        raise UsageError(f"several go to OUT{PERFETTO}, or as columns to a folder of Parquet files")
    bar.label(out.name)
    try:
        made = lake(
            arguments.files,
            out,
            events=_split(arguments.events),
            exclude=_split(arguments.exclude),
            **window_of(arguments),
            symbols=arguments.symbols,
            processes=arguments.processes or min(os.cpu_count() or 1, 32),
            progress=bar.show,
        )
    except BlockingIOError:
        complain(f"{out}: another export is writing there")
        return 1
    except BrokenExecutor:
        complain("a process that read recordings was ended; another export goes on from here")
        return 1
    finally:
        bar.clear()
    for path, reason in made.failed.items():
        warn(f"{path}: {reason}")
    return 1 if made.failed else 0


def run(arguments: argparse.Namespace) -> int:
    """Write the file or the files; each appears when it is whole."""
    bar = Bar(not arguments.quiet)
    try:
        if arguments.output.lower().endswith(PERFETTO_NAMES) and not _is_folder(arguments.output):
            _write_perfetto(arguments, bar)
            return 0
        if len(arguments.files) > 1 or Path(arguments.files[0]).is_dir():
            return _write_lake(arguments, bar)
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
