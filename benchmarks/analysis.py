# SPDX-License-Identifier: MIT
"""How fast is it told what tasks did?

States, sums and waits of all tasks of a grown recording, and trace-cmd's own profile of them, by
the Python package on one thread, beside `trace-cmd report --profile`, which makes sums of tasks and
waits, too, and prints them. The answers are not compared: trace-cmd has them as text only, and
guesses where nothing is known. The profiles are, line by line.

    python benchmarks/analysis.py [RECORDING.dat] [--size 256M]

With --lisa PYTHON, one that has lisa-linux, or --trace-processor DIR, which has Perfetto's as
tests/trace_processor wants it, how long each task ran is compared with what these say.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import _harness as harness
import _task_sums as task_sums

import tracecmd

QUESTIONS = ("states", "tasks", "latency", "profile")
PEER = "trace-cmd report --profile"
WANTED = 10e6  # records a second


def contenders(path: Path) -> list[harness.Contender]:
    peer = [*harness.peer_tool("trace-cmd"), "report", "--profile", "-i", path]
    return [
        harness.Contender(PEER, peer, timed_outside=True),
        *(harness.python_contender(name, "analysis", name, path, "3") for name in QUESTIONS),
    ]


def compare(path: Path) -> str:
    """Whether the profiles have the same lines; their order is left to chance by trace-cmd."""
    theirs, ours = (
        sorted(subprocess.run(command, capture_output=True, check=True).stdout.splitlines())
        for command in (
            [*harness.peer_tool("trace-cmd"), "report", "--profile", "-i", path],
            [sys.executable, "-m", "tracecmd", "report", "-q", "--profile", "-i", path],
        )
    )
    return f"{len(ours)} lines, {'as' if theirs == ours else 'NOT as'} trace-cmd has them"


def main() -> None:
    parser = harness.arguments("What tasks did.", turns=3)
    parser.set_defaults(size="256M")
    parser.add_argument("--lisa", metavar="PYTHON", help="a Python that has lisa-linux")
    parser.add_argument("--trace-processor", metavar="DIR", type=Path, help="Perfetto's")
    args = parser.parse_args()
    path = harness.grown(args.recording, args.size)
    if args.lisa or args.trace_processor:
        task_sums.compare(path, args.lisa, args.trace_processor)
        return
    with tracecmd.open(path) as trace:
        counted = trace.stat()
    of_tasks = sum(n for name, n in counted.events.items() if name.startswith("sched:"))
    print(f"{counted.records} records, {of_tasks} of them of the scheduler")
    print(f"profile: {compare(path)}")
    results = harness.run_in_turns(contenders(path), args.turns)
    peer = results[PEER]
    rows = []
    for name, result in results.items():
        took = result.median_cpu_ns if result.cpu_ns else result.median_ns
        rate = counted.records / took * 1e9
        judged = "" if result is peer else "met" if rate >= WANTED else "MISSED"
        rows.append(
            [
                name,
                harness.human_ns(result.median_ns),
                f"{peer.median_ns / result.median_ns:.0f}x",
                f"{rate / 1e6:.2f} M/s",
                f"{of_tasks / took * 1e3:.2f} M/s",
                judged,
                harness.human_kib(result.peak_kib),
            ]
        )
    print(harness.machine())
    wanted = f"{WANTED / 1e6:.0f} M/s"
    harness.print_table(
        ["", "median", "ratio", "records", "the scheduler's", wanted, "peak memory"], rows
    )
    print(harness.rerun_line())
    figures = {name: result.as_json() for name, result in results.items()}
    harness.write_json(args.json, "analysis", {"records": counted.records, "contenders": figures})


if __name__ == "__main__":
    main()
