# SPDX-License-Identifier: MIT
"""How fast does a recording become a trace for Perfetto, and how fast is that loaded?

The Python package on one thread; MB/s are of the recording, and of processor time. --beside TREE
names another tree of this package, built in place, whose writer takes turns with this one.

    python benchmarks/perfetto.py [RECORDING.dat] [--size 64M] [--beside TREE]

TRACECMD_TRACE_PROCESSOR names the folder that `.ci/trace-processor FOLDER` fills: trace processor
then loads what was written (in WebAssembly, under Node.js).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _harness as harness

WANTED = 100.0  # MB/s
COUNT = "SELECT count(*) FROM ftrace_event"
ENGINE = harness.ROOT / "tests" / "trace_processor" / "engine.mjs"


def contender(name: str, path: Path, out: Path, tree: Path) -> harness.Contender:
    program = harness.BENCHMARKS / "python" / "perfetto.py"
    words = [sys.executable, program, path, out, "2"]
    return harness.Contender(name, words, environment={"PYTHONPATH": str(tree)})


def load(trace: Path) -> tuple[str, str]:
    """How long trace processor takes to load a trace, and how many records it has then."""
    folder = os.environ.get("TRACECMD_TRACE_PROCESSOR")
    node = shutil.which("node") or shutil.which("nodejs")
    if not folder or node is None:
        return "", ""
    with subprocess.Popen(
        [node, str(ENGINE), folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        took = 0.0
        for queries in ([], [COUNT]):  # the first time, it starts
            start = time.perf_counter()
            process.stdin.write(json.dumps({"trace": str(trace), "queries": queries}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                return "it fails", ""
            answer = json.loads(line)
            took = time.perf_counter() - start
        process.stdin.close()
    if "error" in answer:
        return answer["error"][:40], ""
    return f"{took:.2f} s", str(answer["results"][0][0][0])


def main() -> None:
    parser = harness.arguments("A recording for Perfetto.", turns=3)
    parser.set_defaults(size="64M")
    parser.add_argument("--beside", type=Path, metavar="TREE", help="another tree of the package")
    args = parser.parse_args()
    path = harness.grown(args.recording, args.size)
    trees = {"this tree": harness.ROOT, "the other": args.beside}
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        outs = {tree: Path(name, f"{place}.pftrace") for place, tree in enumerate(trees)}
        runs = [contender(tree, path, outs[tree], at) for tree, at in trees.items() if at]
        results = harness.run_in_turns(runs, args.turns)
        rows = []
        for tree, result in results.items():
            rate = path.stat().st_size / result.median_cpu_ns * 1e3
            took, records = load(outs[tree])
            rows.append(
                [
                    tree,
                    harness.human_ns(result.median_ns),
                    harness.human_ns(result.median_cpu_ns),
                    f"{rate:.1f} MB/s",
                    "met" if rate >= WANTED else "MISSED",
                    harness.human_kib(result.peak_kib),
                    harness.human_size(outs[tree].stat().st_size),
                    took,
                    records,
                ]
            )
    print(harness.machine())
    wanted = f"{WANTED:.0f} MB/s"
    of_time = ["", "median", "processor time", "read", wanted, "peak memory"]
    harness.print_table([*of_time, "written", "loaded", "records"], rows)
    print(harness.rerun_line())
    figures = {name: result.as_json() for name, result in results.items()}
    harness.write_json(args.json, "perfetto", figures)


if __name__ == "__main__":
    main()
