# SPDX-License-Identifier: MIT
"""How long do 200 recordings take to become a lake, and a query over all of them?

Half of them are one recording, grown; the others those of tests/data, of several architectures and
kernels. They are written by one process and by two, then once more, when all is done already.
DuckDB and Polars count the switches of each machine and the time between the first and the last.

    python benchmarks/lake.py [RECORDING.dat] [--size 2M] [--files 200]
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns

import _harness as harness
import duckdb
import polars
from _harness import Measured
from python._measure import all_cpu_ns

import tracecmd

QUERY = """SELECT machine, arch, count(*) AS n, max(ts) - min(ts) AS time
FROM read_parquet('{lake}/events/system=sched/event=sched_switch/*.parquet') AS s
JOIN read_parquet('{lake}/files.parquet') AS f USING (file, machine) GROUP BY ALL ORDER BY ALL"""


def measure(work: Callable[[], object]) -> tuple[Measured, object]:
    start, cpu_start = perf_counter_ns(), all_cpu_ns()
    result = work()
    took = Measured(ns=[perf_counter_ns() - start], cpu_ns=[all_cpu_ns() - cpu_start])
    took.first_ns = took.ns
    return took, result


def collect(folder: Path, grown: Path, count: int) -> int:
    """Names for the recordings; gives their size together."""
    folder.mkdir()
    others = sorted((harness.ROOT / "tests" / "data").glob("*.dat"))
    total = 0
    for number, other in zip(range(count), itertools.cycle(others)):
        source = grown if number % 2 else other
        os.symlink(source.resolve(), folder / f"{number:03}.dat")
        total += source.stat().st_size
    return total


def query_duckdb(lake: Path) -> list[object]:
    return list(duckdb.sql(QUERY.format(lake=lake)).fetchall())


def query_polars(lake: Path) -> int:
    switches = polars.scan_parquet(lake / "events/system=sched/event=sched_switch/*.parquet")
    grouped = switches.group_by("file", "machine").agg(
        polars.len(), polars.col("ts").max() - polars.col("ts").min()
    )
    return int(grouped.collect()["len"].sum())


def main() -> None:
    parser = harness.arguments(__doc__ or "", turns=1)
    parser.add_argument("--files", type=int, default=200)
    parser.set_defaults(size="2M")
    chosen = parser.parse_args()
    grown = harness.grown(chosen.recording, chosen.size)
    figures: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory() as name:
        day = Path(name) / "day"
        size = collect(day, grown, chosen.files)
        for processes in (1, 2):
            lake = Path(name) / f"lake-{processes}"
            figures[f"lake, processes={processes}"], made = measure(
                lambda to=lake, n=processes: tracecmd.lake(day, to, processes=n)  # type: ignore[misc]
            )
            assert isinstance(made, tracecmd.Lake)
        figures["again, nothing to do"], again = measure(lambda: tracecmd.lake(day, lake))
        assert isinstance(again, tracecmd.Lake)
        assert not again.written
        figures["query, DuckDB"], found = measure(lambda: query_duckdb(lake))
        figures["query, Polars"], counted = measure(lambda: query_polars(lake))
        parts = list(lake.rglob("*.parquet"))
        written = harness.human_size(sum(part.stat().st_size for part in parts))
        print(f"{chosen.files} recordings, {harness.human_size(size)}, {made.rows} rows")
        print(f"{len(parts)} Parquet files, {written}\n")
    harness.print_table(
        ["", "time", "processor time", "read"],
        [
            [key, harness.human_ns(took.median_ns), harness.human_ns(took.median_cpu_ns),
             f"{size / took.median_ns:.2f} GB/s" if key.startswith("lake") else ""]
            for key, took in figures.items()
        ],
    )  # fmt: skip
    print(f"\n{counted} switches; {found}")
    print(f"\n{harness.rerun_line()}")
    harness.write_json(chosen.json, "lake", {key: took.as_json() for key, took in figures.items()})


if __name__ == "__main__":
    main()
