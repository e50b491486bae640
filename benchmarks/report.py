# SPDX-License-Identifier: MIT
"""How fast is the whole text of a recording: ``tracecmd report`` beside ``trace-cmd report``.

Both are whole commands, Python's start included, and write to /dev/null. Before they are timed
their outputs are compared: all of them with trace-cmd 3.3, whose text ours is; only the number of
lines with older ones, which lay lines out otherwise.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import _harness as harness

WANTED = {"1 thread": 20, "2 threads": 35}


def contenders(path: Path) -> list[harness.Contender]:
    ours = [sys.executable, "-m", "tracecmd", "report", "-q", "-i", path, "--threads"]
    environment = {"PYTHONPATH": str(harness.ROOT)}
    return [
        harness.Contender(
            "trace-cmd report",
            [*harness.peer_tool("trace-cmd"), "report", "-i", path],
            timed_outside=True,
        ),
        harness.Contender("1 thread", [*ours, "1"], True, environment),
        harness.Contender("2 threads", [*ours, "2"], True, environment),
    ]


def digest(contender: harness.Contender) -> tuple[int, str]:
    """Number of lines, and a digest of them."""
    lines, digest_of = 0, hashlib.md5(usedforsecurity=False)
    with subprocess.Popen(
        contender.words, stdout=subprocess.PIPE, env=contender.whole_environment
    ) as process:
        assert process.stdout is not None
        while chunk := process.stdout.read(1 << 20):
            lines += chunk.count(b"\n")
            digest_of.update(chunk)
    return lines, digest_of.hexdigest()


def compare(runs: list[harness.Contender]) -> int:
    """Stop if the texts differ; the number of lines."""
    theirs, *ours = map(digest, runs)
    for name, found in zip(WANTED, ours, strict=True):
        if found[0] != theirs[0]:
            harness.stop(f"{name}: {found[0]} lines, trace-cmd report has {theirs[0]}")
    if ours[0] != ours[1]:
        harness.stop("one thread and two print different texts")
    same = ours[0] == theirs
    print(f"{theirs[0]} lines; the texts are {'the same' if same else 'laid out otherwise'}")
    return theirs[0]


def main() -> None:
    parser = harness.arguments("The whole text of a recording.", turns=3)
    parser.set_defaults(size="1G")
    args = parser.parse_args()
    path = harness.grown(args.recording, args.size)
    runs = contenders(path)
    lines = compare(runs)
    results = harness.run_in_turns(runs, args.turns)
    peer = results["trace-cmd report"]
    rows = []
    for name, result in results.items():
        wanted = f"{WANTED[name]}x" if name in WANTED else ""
        rows.append(
            [
                name,
                harness.human_ns(result.median_ns),
                f"{peer.median_ns / result.median_ns:.1f}x",
                f"{peer.best_ns / result.best_ns:.1f}x",
                wanted,
                f"{lines / result.best_ns * 1000:.2f} M/s",
                harness.human_kib(result.peak_kib),
            ]
        )
    print(harness.machine())
    head = ["", "median", "ratio", "ratio of best", "wanted", "lines, best", "peak memory"]
    harness.print_table(head, rows)
    print(harness.rerun_line())
    figures = {name: result.as_json() for name, result in results.items()}
    harness.write_json(args.json, "report", {"lines": lines, "contenders": figures})


if __name__ == "__main__":
    main()
