"""``tracecmd query``: ask in SQL."""

from __future__ import annotations

import argparse
import contextlib
import decimal
import itertools
import json
import math
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, BinaryIO, NamedTuple

from .._texts import one_line
from ..errors import MissingEventError
from ..events import UnknownEventError
from ..export.files import replacing
from ..packages import MissingPackageError, package
from ..trace import Trace
from ..writing.cut import refuse_input
from ._common import complain, warn_problems
from ._rows import Column, Row, print_csv, print_rows, print_table, seconds
from ._times import UsageError, add_window, window_of

EXAMPLES = """examples:
  tracecmd query trace.dat "SELECT pid, max(latency) FROM latency GROUP BY pid"
  tracecmd query trace.dat "FROM tasks ORDER BY running DESC LIMIT 5" --csv
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "query",
        help="ask in SQL: each event and each answer is a view",
        description="Ask in SQL, with DuckDB: pip install 'tracecmd[duckdb]'. Each event is a "
        "view by its name (sched_switch, or sched.sched_switch), and so are records (all "
        "events), tasks, states, latency, nr_running, irqs, softirqs, syscalls, markers, "
        "functions, losses, buffers and problems; SHOW TABLES lists them. Of several files each "
        "view has the rows of all, with a column file; a folder is the files of a session, with "
        "a column peer.",
        epilog=EXAMPLES,
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="trace files, or folders of them")
    parser.add_argument("sql", metavar="SQL", help="what is asked")
    add_window(parser)
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print JSON: an array of rows")
    formats.add_argument("--csv", action="store_true", help="print CSV; times in ns")
    formats.add_argument(
        "--parquet", metavar="OUT", help="write a Parquet file; - for standard output"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what the query gives."""
    from ..scanning import open_sources  # noqa: PLC0415 - other commands start faster without

    try:
        window = tuple(window_of(arguments).values())
        errors = package("duckdb", "duckdb").Error
        arrow = package("pyarrow", "duckdb")
        files = arguments.files
        opened = open_sources(files[0] if len(files) == 1 else files)
    except UsageError as error:
        complain(error)
        return 2
    except MissingPackageError as error:
        complain(error)
        return 1
    with contextlib.ExitStack() as stack:
        for each in opened:
            stack.enter_context(each.readable)
        worker = stack.enter_context(_Worker())
        relation = None
        try:
            if arguments.parquet not in (None, "-"):
                refuse_input(arguments.parquet, [t.path for t in _traces(opened)])
        except ValueError as error:
            complain(error)
            return 2
        try:
            relation = worker.run(lambda: _ask(arguments.sql, opened, window, worker.connected))
            if relation is not None:
                _print(worker.read(relation), arguments)
        except UnknownEventError as error:
            complain(error)
            return 2
        except MissingEventError as error:
            complain(error)
            return 1
        except (errors, arrow.ArrowException) as error:
            complain(_in_short(str(error)))
            return 2 if relation is None else 1
        warn_problems(_traces(opened))
    return 0


def _traces(opened: Any) -> list[Trace]:
    """The files, those of sessions included."""
    return [
        trace
        for _, readable in opened
        for trace in [peer.trace for peer in getattr(readable, "peers", ())] or [readable]
    ]


def _in_short(text: str) -> str:
    """What DuckDB says, without the picture of the query that it draws below."""
    lines = itertools.takewhile(lambda line: not line.startswith("LINE "), text.splitlines())
    return " ".join(line.strip() for line in lines if line.strip())


def _names(schema: Any) -> list[str]:
    """Names of the columns, each once."""
    names: list[str] = []
    for name in schema.names:
        others = (f"{name}_{number}" for number in itertools.count(1))
        taken = {*names, *schema.names}
        names.append(name if name not in names else next(n for n in others if n not in taken))
    return names


def _ask(
    text: str,
    opened: Any,
    window: tuple[int | None, int | None],
    connected: Callable[[Any], None],
) -> Any:
    from ..lazy import query  # noqa: PLC0415 - other commands start faster without

    return query(opened, text, None, window, connected)


class _Result(NamedTuple):
    """A schema and the batches of rows, each read when it is asked for."""

    schema: Any
    batches: Iterator[Any]


class _Worker:
    """A thread for DuckDB, which hears no Ctrl-C while it works: the main thread does."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._connection: Any = None

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def connected(self, connection: Any) -> None:
        """Take note of what is to be interrupted."""
        self._connection = connection

    def run(self, work: Callable[[], Any]) -> Any:
        """What the work gives; Ctrl-C ends it."""
        done = self._pool.submit(work)
        try:
            return done.result()
        except KeyboardInterrupt:
            while not done.done():  # it is not heard before a query begins
                if self._connection is not None:
                    self._connection.interrupt()
                wait([done], timeout=0.05)
            raise

    def read(self, relation: Any) -> _Result:
        """The rows of a relation."""
        arrow = package("pyarrow", "duckdb")
        reader = self.run(lambda: arrow.RecordBatchReader.from_stream(relation))
        return _Result(reader.schema, iter(lambda: self.run(lambda: next(reader, None)), None))


def _print(reader: _Result, arguments: argparse.Namespace) -> None:
    if arguments.parquet == "-":
        _write_parquet(reader, sys.stdout.buffer)
    elif arguments.parquet is not None:
        with replacing(arguments.parquet) as file:
            _write_parquet(reader, file)
    elif arguments.json:
        print_rows(_rows(reader))
    elif arguments.csv:
        print_csv(_names(reader.schema), _rows(reader))
    else:
        named = zip(reader.schema, _names(reader.schema), strict=True)
        print_table(_rows(reader), [_column(field.with_name(n)) for field, n in named])


def _write_parquet(reader: _Result, file: BinaryIO) -> None:
    parquet = package("pyarrow.parquet", "duckdb")
    with parquet.ParquetWriter(file, reader.schema, compression="zstd") as writer:
        for batch in reader.batches:
            writer.write_batch(batch)


def _rows(reader: _Result) -> Iterator[Row]:
    """Rows with values that JSON has; times are in ns."""
    arrow = package("pyarrow", "duckdb")
    names = _names(reader.schema)
    for batch in reader.batches:
        columns = []
        for column in batch.columns:
            kind = column.type
            if arrow.types.is_timestamp(kind) and kind.unit == "ns":
                column = column.cast(arrow.int64())  # noqa: PLW2901
            columns.append(map(_plain, column.to_pylist()))
        for values in zip(*columns, strict=True):
            yield dict(zip(names, values, strict=True))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):  # pairs, of a map
        return [_plain(each) for each in value]
    return str(value)


def _column(field: Any) -> Column:
    """How a column is shown to people."""
    arrow = package("pyarrow", "duckdb").types
    kind = field.type
    show: Callable[[Any], str] = str
    if arrow.is_timestamp(kind) and kind.unit == "ns":
        show = seconds
    elif arrow.is_nested(kind):
        show = json.dumps
    numeric = arrow.is_integer(kind) or arrow.is_floating(kind) or arrow.is_decimal(kind)
    return Column(field.name, one_line(field.name), show, left=not (numeric or show is seconds))
