# SPDX-License-Identifier: MIT
"""columns MODE FILE ROUNDS THREADS: the Python package makes columns.

table: all fields of every sched_switch of the top buffer, batches kept. count: the same, batch by
batch. report: the lines of `trace-cmd report` (the environment's TRACE_CMD, or trace-cmd) through a
regular expression. parquet: all events to a folder, by the package's own export.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from time import perf_counter_ns, process_time_ns

from _measure import print_memory_after, print_memory_before

import tracecmd

COLUMNS = ["ts", "cpu", "prev_pid", "prev_prio", "prev_state", "next_pid", "next_prio",
           "prev_comm", "next_comm"]  # fmt: skip
LINE = re.compile(
    r"\[(\d+)\].*?([\d.]+): +sched_switch: +(.*?):(-?\d+) \[(\d+)\] (\S+) ==> (.*?):(\d+) \[(\d+)\]"
)


def table(path: str, threads: int) -> int:
    with tracecmd.open(path) as trace:
        found = trace.table("sched_switch", columns=COLUMNS, buffers=[""], threads=threads)
        kept = list(found.batches())
    return sum(map(len, kept))


def count(path: str, threads: int) -> int:
    with tracecmd.open(path) as trace:
        found = trace.table("sched_switch", columns=COLUMNS, buffers=[""], threads=threads)
        return sum(map(len, found.batches()))


def report(path: str, threads: int) -> int:
    command = [os.environ.get("TRACE_CMD", "trace-cmd"), "report", path]
    rows = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stdout
        for line in process.stdout:
            if LINE.search(line):
                rows += 1
    return rows


def parquet(path: str, threads: int) -> int:
    with tracecmd.open(path) as trace, tempfile.TemporaryDirectory() as folder:
        return sum(trace.tables(threads=threads).to_parquet(folder).values())


def main() -> None:
    mode = {"table": table, "count": count, "report": report, "parquet": parquet}[sys.argv[1]]
    path, rounds, threads = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    print_memory_before()
    rows = 0
    for _ in range(rounds):
        start, cpu_start = perf_counter_ns(), process_time_ns()
        rows = mode(path, threads)
        print("ns", perf_counter_ns() - start)
        print("cpu_ns", process_time_ns() - cpu_start)
    print_memory_after()
    print("rows", rows, file=sys.stderr)


if __name__ == "__main__":
    main()
