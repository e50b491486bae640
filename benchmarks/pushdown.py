# SPDX-License-Identifier: MIT
"""What does a query read that wants one column of one event, in one per cent of the time?

A grown recording, asked by a lazy frame of Polars and in SQL by DuckDB, each beside the whole event
handed to it with all of its columns and filtered then. All give the same rows. Told are the
quickest rounds, in processor time of all threads, and how many pages were gone through where the
read tells. tracecmd.sql() makes a database for its query, which is most of what it takes here.

    python benchmarks/pushdown.py [RECORDING.dat] [--size 1G]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import _harness as harness
import duckdb
import polars as pl
import pyarrow

import tracecmd

EVENT, COLUMN = "sched_switch", "next_pid"
WANTED = 20  # times as fast as decoding everything


class Round(NamedTuple):
    """What the quickest of some rounds took."""

    wall_ns: int
    cpu_ns: int
    pages: int
    rows: int


class Pages:
    """How many pages a read went through, as its progress tells."""

    def __init__(self) -> None:
        self.total = 0

    def show(self, done: int, _: int) -> None:
        """Take a step of it."""
        self.total = max(self.total, done)


QUERY = f"""SELECT {COLUMN} FROM {EVENT}
            WHERE ts >= make_timestamp_ns(?) AND ts < make_timestamp_ns(?)"""


def all_polars(trace: tracecmd.Trace, start: int, end: int, pages: Pages) -> int:
    frame = pl.DataFrame(trace.table(EVENT, progress=pages.show))
    times = frame["ts"].to_physical()
    return len(frame.filter((times >= start) & (times < end)).select(COLUMN))


def ask_polars(trace: tracecmd.Trace, start: int, end: int, pages: Pages) -> int:
    first, last = (pl.lit(ts, dtype=pl.Int64).cast(pl.Datetime("ns")) for ts in (start, end))
    frame = tracecmd.scan(trace, EVENT, progress=pages.show)
    return len(frame.filter(pl.col("ts") >= first, pl.col("ts") < last).select(COLUMN).collect())


def all_duckdb(trace: tracecmd.Trace, start: int, end: int, pages: Pages) -> int:
    with duckdb.connect() as connection:
        table = pyarrow.RecordBatchReader.from_stream(trace.table(EVENT, progress=pages.show))
        connection.register(EVENT, table)
        return len(connection.sql(QUERY, params=[start, end]).pl())


def ask_duckdb(trace: tracecmd.Trace, start: int, end: int, _: Pages) -> int:
    return len(tracecmd.sql(QUERY, trace, parameters=[start, end]).pl())


def measure(ask: Callable[[Pages], int], turns: int) -> Round:
    rounds = []
    for _ in range(turns):
        pages = Pages()
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        rows = ask(pages)
        took = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
        rounds.append(Round(*took, pages.total, rows))
    return min(rounds, key=lambda each: each.cpu_ns)


def main() -> None:
    parser = harness.arguments("One column in one per cent of the time.", turns=3)
    parser.set_defaults(size="1G")
    args = parser.parse_args()
    path: Path = harness.grown(args.recording, args.size)
    with tracecmd.open(path) as trace:
        first, last = trace.start, trace.end
        assert first is not None
        assert last is not None
        start = first + (last - first) // 2
        end = start + (last - first) // 100
        asked: dict[str, Any] = {
            "all to Polars": all_polars,
            "tracecmd.scan()": ask_polars,
            "all to DuckDB": all_duckdb,
            "tracecmd.sql()": ask_duckdb,
        }
        results = {
            name: measure(lambda pages, ask=ask: ask(trace, start, end, pages), args.turns)
            for name, ask in asked.items()
        }
    if len({each.rows for each in results.values()}) > 1:
        harness.stop(f"not the same rows: {results}")
    rows = []
    whole = next(iter(results.values()))
    for name, each in results.items():
        is_whole = name.startswith("all")
        whole = each if is_whole else whole
        ratio = whole.cpu_ns / each.cpu_ns
        judged = "" if is_whole else "met" if ratio >= WANTED else "MISSED"
        pages = str(each.pages) if each.pages else "-"
        rows.append([name, harness.human_ns(each.wall_ns), harness.human_ns(each.cpu_ns),
                     f"{ratio:.0f}x", judged, pages, str(each.rows)])  # fmt: skip
    print(harness.machine())
    titles = ["", "quickest", "its CPU time", "ratio", f"{WANTED}x", "pages", "rows"]
    harness.print_table(titles, rows)
    print(harness.rerun_line())
    figures = {name: each._asdict() for name, each in results.items()}
    harness.write_json(args.json, "pushdown", {"contenders": figures})


if __name__ == "__main__":
    main()
