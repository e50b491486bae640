# SPDX-License-Identifier: MIT
"""report_columns ROUNDS COMMAND...: a script makes columns of the text that COMMAND prints.

What people do without a library: COMMAND is `trace-cmd report -t -R`, whose lines have all fields
of an event (-R) and nanoseconds (-t), and a regular expression takes those of sched_switch apart.
Lines of other events are passed over without it. Columns are lists, the quickest in plain Python.
"""

from __future__ import annotations

import re
import subprocess
import sys
from time import perf_counter_ns

from _columns import COLUMNS, print_check
from _measure import all_cpu_ns, print_children_peak, print_memory_after, print_memory_before

# "   bash-200   [003]-0x1    19.150995123: sched_switch:     prev_comm=bash prev_pid=200 ..."
LINE = re.compile(
    r".*\[(\d+)\]\S*\s+(\d+)\.(\d+): sched_switch:\s+prev_comm=(.*) prev_pid=(\d+) prev_prio=(\d+) "
    r"prev_state=(\d+) next_comm=(.*) next_pid=(\d+) next_prio=(\d+)"
)


def read_columns(command: list[str]) -> list[list[int] | list[str]]:
    ts: list[int] = []
    cpu: list[int] = []
    prev_pid: list[int] = []
    prev_prio: list[int] = []
    prev_state: list[int] = []
    next_pid: list[int] = []
    next_prio: list[int] = []
    prev_comm: list[str] = []
    next_comm: list[str] = []
    match = LINE.match
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stdout is not None
        for line in process.stdout:
            found = match(line) if ": sched_switch: " in line else None
            if found:
                of_cpu, s, ns, before, pid, prio, state, behind, to_pid, to_prio = found.groups()
                ts.append(int(s + ns))
                cpu.append(int(of_cpu))
                prev_pid.append(int(pid))
                prev_prio.append(int(prio))
                prev_state.append(int(state))
                next_pid.append(int(to_pid))
                next_prio.append(int(to_prio))
                prev_comm.append(before)
                next_comm.append(behind)
    if process.returncode:
        raise SystemExit(f"{command}: exit code {process.returncode}")
    named = {
        "ts": ts, "cpu": cpu, "prev_pid": prev_pid, "prev_prio": prev_prio,
        "prev_state": prev_state, "next_pid": next_pid, "next_prio": next_prio,
        "prev_comm": prev_comm, "next_comm": next_comm,
    }  # fmt: skip
    return [named[name] for name in COLUMNS]


def main() -> None:
    rounds, command = int(sys.argv[1]), sys.argv[2:]
    columns: list[list[int] | list[str]] = []
    print_memory_before()
    for _ in range(rounds):
        start, cpu_start = perf_counter_ns(), all_cpu_ns()
        columns = read_columns(command)
        print("ns", perf_counter_ns() - start)
        print("cpu_ns", all_cpu_ns() - cpu_start)
    print_memory_after()
    print_children_peak()
    print_check(columns)


if __name__ == "__main__":
    main()
