# SPDX-License-Identifier: MIT
"""open FILE ROUNDS [GUEST_TRACE_ID...]: what core/open.c does, through the Python package."""

from __future__ import annotations

import sys
from time import perf_counter_ns

from _measure import print_memory_after, print_memory_before

import tracecmd


def main() -> None:
    path, rounds, guests = sys.argv[1], int(sys.argv[2]), [int(a, 0) for a in sys.argv[3:]]
    print_memory_before()
    for i in range(rounds):
        start = perf_counter_ns()
        trace = tracecmd.open(path)
        trace_id = trace.trace_id
        maps = [trace.guest_cpumap(guest) for guest in guests]
        end = perf_counter_ns()
        print("ns", end - start)
        if i == rounds - 1:
            print_memory_after()
            words = [f"trace_id={trace_id:x}"]
            for guest in maps:
                words += [f"{guest.name}/{vcpu}={pid}" for vcpu, pid in enumerate(guest.cpu_pid)]
            print("check", *words)
        trace.close()


if __name__ == "__main__":
    main()
