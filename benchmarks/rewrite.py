# SPDX-License-Identifier: MIT
"""How fast is a recording written anew: ``tracecmd convert`` and ``split`` beside trace-cmd's.

All are whole commands, Python's start included. What they wrote is compared: the same records by
event, as this package counts them. Files are written beside the grown recording, and each time to a
new name, as overwriting costs something of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import _harness as harness


class Job(NamedTuple):
    """A question, what each side is asked, and how many times as fast ours is wanted to be."""

    name: str
    theirs: Sequence[str]
    ours: Sequence[Sequence[str]]
    wanted: float


def jobs(path: Path) -> list[Job]:
    found = asked("stat", path)
    start, length = found["first_ts"], found["duration"]
    window = [
        f"{at // 10**9}.{at % 10**9:09d}" for at in (start + length // 10, start + length // 2)
    ]
    packed = ["convert", "IN", "OUT", "--compression", "zstd:3"]
    return [
        Job(
            "convert to none",
            ["convert", "-i", "IN", "-o", "OUT", "--compression", "none"],
            [["convert", "IN", "OUT", "--compression", "none"]],
            10,
        ),
        Job(
            "convert to zstd",
            ["convert", "-i", "IN", "-o", "OUT", "--compression", "zstd"],
            [[*packed, "--threads", "1"], [*packed, "--threads", "2"]],
            1.5,
        ),
        Job(
            "split of 40 % of the time",
            ["split", "-i", "IN", "-o", "OUT", *window],
            [["split", "-i", "IN", "-o", "OUT", *window]],
            10,
        ),
    ]


def contenders(job: Job, path: Path, out: Path) -> list[harness.Contender]:
    def words(of: Sequence[str]) -> list[str]:
        return [{"IN": str(path), "OUT": str(out)}.get(word, word) for word in of]

    environment = {"PYTHONPATH": str(harness.ROOT)}
    peer = harness.Contender(
        f"trace-cmd {job.theirs[0]}", [*harness.peer_tool("trace-cmd"), *words(job.theirs)], True
    )
    own = [
        harness.Contender(
            f"tracecmd {each[0]}" + (f", {each[-1]} thread(s)" if "--threads" in each else ""),
            [sys.executable, "-m", "tracecmd", *words(each), "-q"],
            True,
            environment,
        )
        for each in job.ours
    ]
    return [peer, *own]


def asked(command: str, path: Path) -> dict[str, Any]:
    """What ``tracecmd stat`` says, in a process of its own: its memory would count as that of the
    commands that are measured.
    """
    words = [sys.executable, "-m", "tracecmd", command, "--json", path]
    environment = {**os.environ, "PYTHONPATH": str(harness.ROOT)}
    done = subprocess.run(words, env=environment, check=True, stdout=subprocess.PIPE)
    (described,) = json.loads(done.stdout)
    return dict(described)


def content(path: Path) -> tuple[int, dict[str, int]]:
    """Number of records, and how many of each event."""
    found = asked("stat", path)
    return found["records"], found["events"]


@contextlib.contextmanager
def folder(beside: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=beside.parent) as name:
        yield Path(name)


def measure(job: Job, path: Path, turns: int) -> tuple[list[list[str]], dict[str, object]]:
    with folder(path) as beside:
        out = beside / "out.dat"
        runs = contenders(job, path, out)
        answers, sizes = [], []
        for run in runs:
            subprocess.run(
                run.words, env=run.whole_environment, check=True, stdout=subprocess.DEVNULL
            )
            answers.append(content(out))
            sizes.append(out.stat().st_size)
            out.unlink()
        if any(answer != answers[0] for answer in answers):
            harness.stop(f"{job.name}: {[answer[0] for answer in answers]} records")
        results = harness.run_in_turns(runs, turns, lambda: out.unlink(missing_ok=True))
    peer = results[runs[0].name]
    rows = [
        [
            f"{job.name}: {name}",
            harness.human_ns(result.median_ns),
            f"{peer.median_ns / result.median_ns:.1f}x",
            f"{job.wanted}x" if result is not peer else "",
            harness.human_kib(result.peak_kib),
            harness.human_size(size),
        ]
        for (name, result), size in zip(results.items(), sizes, strict=True)
    ]
    return rows, {name: result.as_json() for name, result in results.items()}


def main() -> None:
    parser = harness.arguments("A recording written anew.", turns=3)
    parser.set_defaults(size="1G")
    args = parser.parse_args()
    path = harness.grown(args.recording, args.size)
    rows: list[list[str]] = []
    figures: dict[str, object] = {}
    for job in jobs(path):
        own_rows, figures[job.name] = measure(job, path, args.turns)
        rows += own_rows
    print(harness.machine())
    harness.print_table(["", "median", "ratio", "wanted", "peak memory", "new file"], rows)
    print(harness.rerun_line())
    harness.write_json(args.json, "rewrite", figures)


if __name__ == "__main__":
    main()
