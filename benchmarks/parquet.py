# SPDX-License-Identifier: MIT
"""Which writer makes Parquet files fastest and smallest, and how near does the export come to it?

All events of a grown recording, as columns in memory, are written by pyarrow as it is, by pyarrow
with the options of `tracecmd export` (and with each of them left out), by Polars and by DuckDB, a
file an event. Then the export itself, which also reads the recording. Told is processor time of the
best of some rounds, so that other work on the machine matters little.

    python benchmarks/parquet.py [RECORDING.dat] [--size 256M]
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from time import process_time_ns
from typing import Any

import _harness as harness
import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq

import tracecmd
from tracecmd.export.parquet import encodings

GROUP_ROWS = 1 << 20
WANTED = 1.3  # times the writer alone and the reading alone

Columns = Mapping[str, pa.Table]


def with_pyarrow(options: Callable[[pa.Schema], dict[str, Any]], *, unify: bool = True) -> Any:
    def write(columns: Columns, folder: Path) -> None:
        for name, table in columns.items():
            one = table.unify_dictionaries() if unify else table
            made = {"compression": "zstd", **options(one.schema)}
            with pq.ParquetWriter(folder / name, one.schema, **made) as writer:
                writer.write_table(one, row_group_size=GROUP_ROWS)

    return write


def ours(schema: pa.Schema, *without: str, **more: Any) -> dict[str, Any]:
    options = encodings(schema, pq.ParquetWriter)
    return {k: v for k, v in options.items() if k not in without} | more


def with_polars(columns: Columns, folder: Path) -> None:
    for name, table in columns.items():
        frame = polars.from_arrow(table)
        assert isinstance(frame, polars.DataFrame)
        frame.write_parquet(folder / name, compression_level=1, row_group_size=GROUP_ROWS)


def with_duckdb(columns: Columns, folder: Path) -> None:
    connection = duckdb.connect(config={"threads": 1})
    for name, table in columns.items():
        connection.register("one", table)
        connection.execute(f"COPY one TO '{folder / name}' (FORMAT parquet, COMPRESSION zstd)")


def measure(rounds: int, write: Callable[[Path], object]) -> tuple[int, int]:
    """Processor time of the best round, and the size of the files."""
    times, size = [], 0
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            start = process_time_ns()
            write(Path(name))
            times.append(process_time_ns() - start)
            size = sum(path.stat().st_size for path in Path(name).iterdir())
    return min(times), size


WRITERS: dict[str, Callable[[Columns, Path], None]] = {
    "pyarrow as it is": with_pyarrow(lambda _: {}, unify=False),
    "pyarrow, as export": with_pyarrow(ours),
    "... a dictionary of times": with_pyarrow(
        lambda s: ours(s, "use_dictionary", "column_encoding")
    ),
    "... times split by byte": with_pyarrow(
        lambda s: ours(s, column_encoding={"ts": "BYTE_STREAM_SPLIT"})
    ),
    "... dictionaries not made one": with_pyarrow(ours, unify=False),
    "... pages of 20000 rows": with_pyarrow(lambda s: ours(s, "max_rows_per_page")),
    "... statistics of all columns": with_pyarrow(lambda s: ours(s, "write_statistics")),
    "... zstd level 3": with_pyarrow(lambda s: ours(s, compression_level=3)),
    "... no compression": with_pyarrow(lambda s: ours(s, compression="none")),
    "Polars": with_polars,
    "DuckDB": with_duckdb,
}


def main() -> None:
    parser = harness.arguments(__doc__ or "", turns=3)
    parser.set_defaults(size="256M")
    chosen = parser.parse_args()
    path = harness.grown(chosen.recording, chosen.size)
    figures: dict[str, dict[str, int]] = {}
    with tracecmd.open(path) as trace:
        tables = trace.tables()
        read, _ = measure(chosen.turns, lambda _: [None for _ in tables.batches()])
        export, size = measure(chosen.turns, tables.to_parquet)
        columns = tables.to_arrow()
        figures["reading alone"] = {"cpu_ns": read, "size": 0}
        for name, write in WRITERS.items():
            took, written = measure(chosen.turns, lambda to, write=write: write(columns, to))  # type: ignore[misc]
            figures[name] = {"cpu_ns": took, "size": written}
        figures["export, reading and writing"] = {"cpu_ns": export, "size": size}
    rows = sum(table.num_rows for table in columns.values())
    print(f"{path.name}: {rows} records of {len(columns)} events, {path.stat().st_size} bytes\n")
    harness.print_table(
        ["", "processor time", "files"],
        [[name, harness.human_ns(found["cpu_ns"]), harness.human_size(found["size"])]
         for name, found in figures.items()],
    )  # fmt: skip
    alone = read + figures["pyarrow, as export"]["cpu_ns"]
    judged = "met" if export <= WANTED * alone else "MISSED"
    print(
        f"\nexport: {export / alone:.2f}x of reading and writing alone; {WANTED}x wanted: {judged}"
    )
    print(f"\n{harness.rerun_line()}")
    harness.write_json(chosen.json, "parquet", figures)


if __name__ == "__main__":
    main()
