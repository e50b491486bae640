# SPDX-License-Identifier: MIT
"""analysis QUESTION FILE ROUNDS: the Python package answers one question about all records.

states, tasks, latency: Trace.sched's; batches are dropped as they come. profile: Trace.profile(),
whose text is.
"""

from __future__ import annotations

import sys
from time import perf_counter_ns, process_time_ns

from _measure import print_memory_after, print_memory_before

import tracecmd


def ask(question: str, path: str) -> int:
    """Number of rows, or lines."""
    with tracecmd.open(path) as trace:
        if question == "profile":
            return sum(piece.count(b"\n") for piece in trace.profile())
        answer = getattr(trace.sched, question)()
        return sum(len(batch) for batch in answer.batches())


def main() -> None:
    question, path, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    print_memory_before()
    rows = 0
    for _ in range(rounds):
        start, cpu = perf_counter_ns(), process_time_ns()
        rows = ask(question, path)
        print("ns", perf_counter_ns() - start)
        print("cpu_ns", process_time_ns() - cpu)
    print_memory_after()
    print(f"{question}: {rows} rows", file=sys.stderr)


if __name__ == "__main__":
    main()
