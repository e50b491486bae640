"""The core runs out of memory at each of its allocations in turn; built from csrc and sanitized."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

import tracecmd

from .. import compiler
from . import corpus, made, made_arguments

PROGRAM = compiler.ROOT / "tests" / "c" / "no_memory.c"
PARTS = sorted(PROGRAM.parent.glob("no_memory_*.c"))
WRAP = "-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler.require_compiler(*compiler.SANITIZERS, WRAP)
    built = tmp_path_factory.mktemp("no_memory") / "no_memory"
    flags = ("-O1", "-g", "-DNAMES_MOST=8", *compiler.SANITIZERS)
    return compiler.compile_with_core(built, PROGRAM, *flags, own=[WRAP], more=PARTS)


def a_loss() -> bytes:
    """What is around the first loss of a recording; all of it would take minutes."""
    with tracecmd.open(corpus.DATA / "i386-lost.dat") as trace:
        _, begins, ends, *_ = next(trace.losses(ts="uint64").values())
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder, "part.dat")
            trace.write(part, start=begins - 3_000_000, end=ends + 3_000_000)
            return part.read_bytes()


MADE = {
    "functions": made.functions,
    "stacks": made.stacks,
    "arguments": made_arguments.arguments,
    "former boot": made_arguments.former_boot,
    "a loss": a_loss,
}


@pytest.mark.parametrize("name", [*MADE, "armhf-marker.dat", "s390x-tc331-inst-none.dat"])
def test_each_allocation_fails(name: str, program: Path, tmp_path: Path) -> None:
    path = corpus.DATA / name
    if name in MADE:
        path = tmp_path / name
        path.write_bytes(MADE[name]())
    result = subprocess.run([program, path], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    counts = dict(line.split(": ") for line in result.stdout.splitlines())
    assert len(counts) == 21
    few = {"format": 5, "exit reasons": 5, "joined filters": 8}
    assert all(int(count) > few.get(job, 20) for job, count in counts.items())
