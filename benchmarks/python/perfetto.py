# SPDX-License-Identifier: MIT
"""perfetto FILE OUT ROUNDS: the Python package writes a recording for Perfetto."""

from __future__ import annotations

import sys
from time import perf_counter_ns, process_time_ns

from _measure import print_memory_after, print_memory_before

import tracecmd
from tracecmd.export import perfetto


def main() -> None:
    path, out, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    print_memory_before()
    for _ in range(rounds):
        start, cpu = perf_counter_ns(), process_time_ns()
        with tracecmd.open_session(path) as session:
            perfetto.write(session, out)
        print("ns", perf_counter_ns() - start)
        print("cpu_ns", process_time_ns() - cpu)
    print_memory_after()


if __name__ == "__main__":
    main()
