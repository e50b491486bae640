# SPDX-License-Identifier: MIT
"""How fast do the records of one event become columns?

All sched_switch of a grown recording, with all their fields, in time order: by libtracecmd and
libtraceevent's field reads into arrays, by the C core into Arrow arrays (with the file's pages and
the memory of the arrays there already, and both touched for the first time), and by the Python
package on one and two threads. Against `trace-cmd report` and a regular expression over its lines,
with the same columns as the result, and all events to a folder of Parquet files.

    python benchmarks/columns.py [RECORDING.dat] [--size 1G] [--only fields text parquet]
"""

from __future__ import annotations

from pathlib import Path

import _harness as harness
from _harness import Contender, Measured

PARTS = ("fields", "text", "parquet")
FIELDS_RATIO, TEXT_RATIO = 10, 200

Results = dict[str, Measured]


def row(name: str, result: Measured, peer: Measured | None, size: int) -> list[str]:
    ratio = ["", ""]
    if peer:
        ratio[0] = f"{peer.median_ns / result.median_ns:.1f}x"
        if peer.cpu_ns and result.cpu_ns:
            ratio[1] = f"{peer.median_cpu_ns / result.median_cpu_ns:.1f}x"
    return [
        name,
        harness.human_ns(result.median_ns),
        ratio[0],
        harness.human_ns(result.median_cpu_ns) if result.cpu_ns else "",
        ratio[1],
        f"{size / result.median_ns:.2f} GB/s",
        harness.human_kib(result.peak_kib),
        harness.human_kib(result.anon_kib),
    ]


HEAD = ["", "median", "ratio", "processor time", "ratio", "read", "peak memory", "not of files"]


def python(name: str, mode: str, path: Path, rounds: int, threads: int) -> Contender:
    return harness.python_contender(name, "columns", mode, path, str(rounds), str(threads))


def fields(path: Path, turns: int, rounds: int) -> Results:
    peer, core = harness.build_peer("fields"), harness.build_core("columns")
    baselines = {
        "mapped": "libtraceevent, arrays kept",
        "fresh": "libtraceevent, new arrays",
    }
    runs = [
        Contender(baselines["mapped"], [*peer, path, str(rounds), "keep"]),
        Contender(baselines["fresh"], [*peer, path, str(rounds)]),
        *(Contender(f"core, {state}", [core, path, str(rounds), state]) for state in baselines),
        python("Python, 1 thread", "table", path, rounds, 1),
        python("Python, 2 threads", "table", path, rounds, 2),
    ]
    results = harness.run_in_turns(runs, turns)
    against = {f"core, {state}": results[name] for state, name in baselines.items()}
    size = path.stat().st_size
    print("\nsched_switch, all fields, in time order\n")
    fresh = results[baselines["fresh"]]
    harness.print_table(
        HEAD,
        [row(name, result, against.get(name, fresh), size) for name, result in results.items()],
    )
    print()
    for name, peer_result in against.items():
        ratio = peer_result.median_cpu_ns / results[name].median_cpu_ns
        judged = "met" if ratio >= FIELDS_RATIO else "MISSED"
        print(f"{name}: {ratio:.1f}x in processor time; at least {FIELDS_RATIO}x wanted: {judged}")
    return results


def text(path: Path, turns: int, rounds: int) -> Results:
    """The same columns of two processes, trace-cmd and Python; so ours may have two threads."""
    report = [*map(str, harness.peer_tool("trace-cmd")), "report", "-t", "-R"]
    peers = {
        "trace-cmd report, regex": [*report, path],
        "trace-cmd report -F, regex": [*report, "-F", "sched_switch", path],
    }
    runs = [harness.python_contender(name, "report_columns", "1", *command)
            for name, command in peers.items()]  # fmt: skip
    runs += [
        python("Python, 1 thread", "values", path, rounds, 1),
        python("Python, 2 threads", "values", path, rounds, 2),
    ]
    results = harness.run_in_turns(runs, turns)
    print("\nsched_switch, from text and from columns\n")
    size = path.stat().st_size
    for name in peers:
        harness.print_table(HEAD, [row(key, r, results[name], size) for key, r in results.items()])
        print()
    for name in peers:
        ratio = results[name].median_ns / results["Python, 2 threads"].median_ns
        judged = "met" if ratio >= TEXT_RATIO else "MISSED"
        print(f"{name}: {ratio:.0f}x; at least {TEXT_RATIO}x wanted: {judged}")
    return results


def parquet(path: Path, turns: int, rounds: int) -> Results:
    runs = [
        python(f"Parquet, {threads} thread{'s' * (threads > 1)}", "parquet", path, 1, threads)
        for threads in (1, 2)
    ]
    results = harness.run_in_turns(runs, turns)
    print("\nAll events to a folder of Parquet files\n")
    size = path.stat().st_size
    harness.print_table(HEAD, [row(name, r, None, size) for name, r in results.items()])
    return results


def main() -> None:
    parser = harness.arguments(__doc__ or "", turns=3)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.set_defaults(size="1G")
    chosen = parser.parse_args()
    path = harness.grown(chosen.recording, chosen.size)
    print(f"{chosen.recording} grown to {harness.human_size(path.stat().st_size)}")
    print(harness.machine())
    parts = {"fields": fields, "text": text, "parquet": parquet}
    figures: dict[str, object] = {}
    for name in chosen.only:
        results = parts[name](path, chosen.turns, 3)
        figures[name] = {key: result.as_json() for key, result in results.items()}
    print(f"\n{harness.rerun_line()}")
    harness.write_json(chosen.json, "columns", figures)


if __name__ == "__main__":
    main()
