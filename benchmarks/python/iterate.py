# SPDX-License-Identifier: MIT
"""iterate MODE FILE ROUNDS [THREADS]: the Python package goes through all records.

bare: a loop over Event objects that only counts them. attributes: it reads their time, CPU, pid
and name. stat: Trace.stat() counts them by event and CPU. Opening is part of the time.
"""

from __future__ import annotations

import sys
from time import perf_counter_ns, process_time_ns

from _measure import print_memory_after, print_memory_before

import tracecmd


def bare(path: str, threads: int) -> int:
    records = 0
    with tracecmd.open(path) as trace:
        for _ in trace.iter():
            records += 1
    return records


def attributes(path: str, threads: int) -> int:
    records = 0
    with tracecmd.open(path) as trace:
        for event in trace.iter():
            _ = event.ts, event.cpu, event.pid, event.name
            records += 1
    return records


def stat(path: str, threads: int) -> int:
    with tracecmd.open(path) as trace:
        return trace.stat(threads=threads).records


def main() -> None:
    mode = {"bare": bare, "attributes": attributes, "stat": stat}[sys.argv[1]]
    path, rounds = sys.argv[2], int(sys.argv[3])
    threads = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    print_memory_before()
    records = 0
    for _ in range(rounds):
        start, cpu_start = perf_counter_ns(), process_time_ns()
        records = mode(path, threads)
        print("ns", perf_counter_ns() - start)
        print("cpu_ns", process_time_ns() - cpu_start)
    print_memory_after()
    print("check", records, "records")


if __name__ == "__main__":
    main()
