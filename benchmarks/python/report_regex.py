# SPDX-License-Identifier: MIT
"""report_regex FILE ROUNDS COMMAND...: a script reads the text of `trace-cmd report FILE`.

What people do without a library: a regular expression takes time, CPU, pid and name out of each
line. COMMAND is how trace-cmd is started.
"""

from __future__ import annotations

import re
import subprocess
import sys
from time import perf_counter_ns

from _measure import all_cpu_ns, print_children_peak, print_memory_after, print_memory_before

# "   bash-200   [003] d.h3.    19.150995: sched_switch: ...", the flags since trace-cmd 3.2
LINE = re.compile(r"\s*.{1,16}-(\d+)\s+\[(\d+)\]\s+(?:\S+\s+)?(\d+)\.(\d+):\s+(\w+):")


def read_report(command: list[str]) -> int:
    records = 0
    match = LINE.match
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stdout is not None
        for line in process.stdout:
            found = match(line)
            if found:
                pid, cpu, seconds, fraction, name = found.groups()
                _ = int(seconds + fraction), int(cpu), int(pid), name
                records += 1
    if process.returncode:
        raise SystemExit(f"{command}: exit code {process.returncode}")
    return records


def main() -> None:
    path, rounds, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    print_memory_before()
    records = 0
    for _ in range(rounds):
        start, cpu_start = perf_counter_ns(), all_cpu_ns()
        records = read_report([*command, "report", "-N", path])
        print("ns", perf_counter_ns() - start)
        print("cpu_ns", all_cpu_ns() - cpu_start)
    print_memory_after()
    print_children_peak()
    print("check", records, "records")


if __name__ == "__main__":
    main()
