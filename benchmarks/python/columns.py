# SPDX-License-Identifier: MIT
"""columns MODE FILE ROUNDS THREADS: the Python package makes columns.

table: all fields of every sched_switch of the top buffer, batches kept. values: the same, and tells
what the values are. parquet: all events to a folder, by the package's own export.
"""

from __future__ import annotations

import sys
import tempfile
from time import perf_counter_ns, process_time_ns

from _columns import COLUMNS, print_check
from _measure import print_memory_after, print_memory_before

import tracecmd
from tracecmd import RecordBatch


def table(path: str, threads: int) -> list[RecordBatch]:
    with tracecmd.open(path) as trace:
        found = trace.table("sched_switch", columns=COLUMNS, buffers=[""], threads=threads)
        return list(found.batches())


def print_values(batches: list[RecordBatch]) -> None:
    arrow = [batch.to_arrow() for batch in batches]
    columns: list[list[int] | list[str]] = []
    for index, name in enumerate(COLUMNS):
        columns.append([])
        for batch in arrow:
            values = batch.column(index)
            columns[-1] += (values.cast("int64") if name == "ts" else values).to_pylist()
    print_check(columns)


def parquet(path: str, threads: int) -> int:
    with tracecmd.open(path) as trace, tempfile.TemporaryDirectory() as folder:
        return sum(trace.tables(threads=threads).to_parquet(folder).values())


def main() -> None:
    mode = {"table": table, "values": table, "parquet": parquet}[sys.argv[1]]
    path, rounds, threads = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    print_memory_before()
    found: list[RecordBatch] | int = []
    for _ in range(rounds):
        del found
        start, cpu_start = perf_counter_ns(), process_time_ns()
        found = mode(path, threads)
        print("ns", perf_counter_ns() - start)
        print("cpu_ns", process_time_ns() - cpu_start)
    print_memory_after()
    if sys.argv[1] == "values":
        assert isinstance(found, list)
        print_values(found)


if __name__ == "__main__":
    main()
