# SPDX-License-Identifier: MIT
"""How long from a path to the trace ID and the guests' vCPU maps, and in how much memory?

A host's recording, as it is and grown to gigabytes, is opened and asked for its trace ID and the
vCPU map of each of its guests: by libtracecmd (tracecmd_open() without plugins,
tracecmd_get_traceid(), tracecmd_get_guest_cpumap()), by the C core and by the Python package.

    python benchmarks/open.py [HOST.dat] [--size 4G] [--cold] [--json FILE]
"""

from __future__ import annotations

import struct
import tempfile
from functools import partial
from pathlib import Path

import _harness as harness
import grow

TRACEID, GUEST = 11, 13
CONTENDERS = ("libtracecmd", "core", "Python")
MOST_NS, LEAST_RATIO = 5e6, 20


def guest_ids(path: Path) -> list[str]:
    """Trace IDs of the guests a host's recording tells of."""
    with path.open("rb") as file, tempfile.TemporaryFile() as spill:
        try:
            recording = grow.read_recording(file, spill)
        except grow.GrowError as error:
            harness.stop(f"{path}: {error}")
    ids = []
    for number, payload in recording.options:
        if number == GUEST:
            (trace_id,) = struct.unpack_from(recording.order + "Q", payload.split(b"\0", 1)[1])
            ids.append(f"{trace_id:#x}")
    if not ids or TRACEID not in dict(recording.options):
        harness.stop(f"{path}: this benchmark needs a host's recording: trace ID, guests")
    return ids


def contenders(
    path: Path, opens: int, guests: list[str], names: list[str]
) -> list[harness.Contender]:
    words: list[str | Path] = [path, str(opens), *guests]
    runs = []
    if "libtracecmd" in names:
        runs.append(harness.Contender("libtracecmd", [*harness.build_peer("open"), *words]))
    if "core" in names:
        runs.append(harness.Contender("core", [harness.build_core("open"), *words]))
    if "Python" in names:
        runs.append(harness.python_contender("Python", "open", *words))
    return runs


def print_results(results: dict[str, dict[str, harness.Measured]]) -> None:
    rows = []
    for label, measured in results.items():
        peer = measured.get("libtracecmd")
        for name, result in measured.items():
            ratio = f"{peer.median_ns / result.median_ns:.0f}x" if peer else ""
            first = f"{peer.median_first_ns / result.median_first_ns:.0f}x" if peer else ""
            rows.append(
                [
                    f"{name}, {label}",
                    harness.human_ns(result.median_ns),
                    ratio,
                    harness.human_ns(result.median_first_ns),
                    first,
                    harness.human_kib(result.peak_kib),
                    harness.human_kib(result.peak_kib - result.base_kib),
                ]
            )
    head = ["", "median", "ratio", "first in a process", "ratio", "peak memory", "of it by opening"]
    harness.print_table(head, rows)


def print_verdict(large: dict[str, harness.Measured]) -> None:
    peer = large.get("libtracecmd")
    for name in ("core", "Python"):
        if peer and name in large:
            ours = large[name]
            ratio = peer.median_first_ns / ours.median_first_ns
            met = ours.median_first_ns <= MOST_NS and ratio >= LEAST_RATIO
            print(
                f"{name}: {harness.human_ns(ours.median_first_ns)}, {ratio:.0f}x; at most "
                f"{harness.human_ns(MOST_NS)} and at least {LEAST_RATIO}x wanted: "
                f"{'met' if met else 'MISSED'}"
            )


def main() -> None:
    parser = harness.arguments("Time from a path to trace ID and guest maps.", turns=7)
    parser.add_argument("--opens", type=int, default=20, help="per process (20)")
    parser.add_argument("--cold", action="store_true", help="page cache emptied; opened once")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    args = parser.parse_args()

    large = harness.grown(args.recording, args.size)
    guests = guest_ids(args.recording)
    results = {}
    for path in (args.recording, large):
        label = harness.human_size(path.stat().st_size)
        runs = contenders(path, 1 if args.cold else args.opens, guests, args.only)
        before = partial(harness.forget, path) if args.cold else None
        results[label] = harness.run_in_turns(runs, args.turns, before)

    print(harness.machine())
    print_results(results)
    if not args.cold:  # what is promised is promised of a file in the page cache
        print_verdict(results[label])
    print(harness.rerun_line())
    figures = {
        size: {name: result.as_json() for name, result in measured.items()}
        for size, measured in results.items()
    }
    harness.write_json(args.json, "open", {"files": figures})


if __name__ == "__main__":
    main()
