# SPDX-License-Identifier: MIT
"""How long each task ran, as LISA and Perfetto's trace processor have it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter_ns
from typing import NamedTuple

import _harness as harness

import tracecmd

CLOSE = 1000  # ns: LISA's times are floats of seconds
SHOWN = 5


class Told(NamedTuple):
    """Sums by PID, in ns, and how long it took to get there."""

    ns: int
    sums: dict[int, int]


def ours(path: Path) -> Told:
    """The package's own."""
    start = perf_counter_ns()
    with tracecmd.open(path) as trace:
        columns = trace.sched.tasks().to_numpy()
    took = perf_counter_ns() - start
    return Told(took, dict(zip(columns["pid"].tolist(), columns["running"].tolist(), strict=True)))


def whole_runs(path: Path) -> dict[int, int]:
    """The same of runs that begin and end with a record, which is all that the others count."""
    sums: dict[int, int] = {}
    with tracecmd.open(path) as trace:
        begun: dict[int, tuple[int, int]] = {}
        for event in trace.iter("sched_switch"):
            pid, since = begun.get(event.cpu, (None, 0))
            if pid is not None and pid == event["prev_pid"]:
                sums[pid] = sums.get(pid, 0) + event.ts - since
            begun[event.cpu] = (event["next_pid"], event.ts)
    sums.pop(0, None)
    return sums


def _run(command: list[str | Path], environment: dict[str, str]) -> Told | str:
    result = subprocess.run(command, capture_output=True, text=True, check=False,
                            env={**os.environ, **environment})  # fmt: skip
    said = dict(line.split(" ", 1) for line in result.stdout.splitlines() if " " in line)
    if "sums" not in said:
        lines = result.stderr.strip().splitlines()
        return lines[-1] if lines else f"exit code {result.returncode}"
    return Told(int(said["ns"]), {int(pid): ns for pid, ns in json.loads(said["sums"]).items()})


def _peers(
    path: Path, lisa: str | None, processor: Path | None
) -> Iterator[tuple[str, Told | str]]:
    peer = harness.BENCHMARKS / "peer"
    with tempfile.TemporaryDirectory() as folder:
        if lisa is not None:
            own = {"LISA_HOME": folder, "LISA_USE_SYSTEM_BIN": "1", "PYTHONPATH": ""}
            yield "LISA", _run([lisa, peer / "lisa_tasks.py", path], own)
        if processor is not None:
            written = Path(folder) / "trace.pftrace"
            export = [sys.executable, "-m", "tracecmd", "export", "-q", path, "-o", written]
            subprocess.run(export, check=True)
            command = [sys.executable, peer / "perfetto_tasks.py", processor, written]
            yield "trace processor", _run(command, {})


def compare(path: Path, lisa: str | None, processor: Path | None) -> None:
    """Print what each took, and where they differ."""
    own = ours(path)
    whole = whole_runs(path)
    print(f"how long {len(own.sums)} tasks ran: tracecmd {harness.human_ns(own.ns)}")
    for name, told in _peers(path, lisa, processor):
        if isinstance(told, str):
            print(f"{name}: refuses the file: {told}")
            continue
        tasks = {pid for pid in {*own.sums, *told.sums} if pid}
        other = sorted(
            pid for pid in tasks if abs(told.sums.get(pid, 0) - own.sums.get(pid, 0)) > CLOSE
        )
        partial = sum(abs(told.sums.get(pid, 0) - whole.get(pid, 0)) <= CLOSE for pid in other)
        print(
            f"{name}: {harness.human_ns(told.ns)}, {told.ns / own.ns:.0f}x; "
            f"{len(other)} of {len(tasks)} tasks differ, {partial} of them as it leaves out runs "
            "that were going on when the recording began, or ended"
        )
        for pid in other[:SHOWN]:
            print(f"  task {pid}: {own.sums.get(pid, 0)} ns, {name} {told.sums.get(pid, 0)} ns")
