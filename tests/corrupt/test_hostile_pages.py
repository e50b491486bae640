"""Damaged trace data, walked in all ways by fuzz/fuzz_records.c in a process of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .. import compiler
from ..writer import Buffer, Event, Page
from .page_bases import BASES, base

SOURCE = compiler.ROOT / "fuzz" / "fuzz_records.c"
CASES = 2500
"""Of each base, so that there are 25 000."""

pytestmark = [
    pytest.mark.skipif(not SOURCE.exists(), reason="tests without their tree"),
    pytest.mark.skipif(
        "TRACECMD_SANITIZED" in os.environ, reason=".ci/run has it sanitized, without Python"
    ),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fuzz") / "fuzz_records"
    wrapped = ",".join(f"--wrap={name}" for name in ("mmap", "mmap64", "munmap", "madvise"))
    return compiler.compile_with_core(path, SOURCE, "-O2", own=["-DFUZZ_MAIN", f"-Wl,{wrapped}"])


def run(program: Path, *arguments: str | Path) -> str:
    result = subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    # The case it was at is the last on stderr: FILE SEED.
    assert result.returncode == 0, f"exit {result.returncode}\n{result.stderr[-500:]}"
    return result.stdout


@pytest.mark.parametrize("name", BASES)
def test_damaged_pages(name: str, program: Path, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.dat"
    path.write_bytes(base(**BASES[name]).write().data)
    assert f"{CASES} cases" in run(program, "0", str(CASES), path)


@pytest.mark.parametrize("name", BASES)
def test_good_pages_give_all_records(name: str, program: Path, tmp_path: Path) -> None:
    """As many as were put in: the damage is done to files that are read whole."""
    path = tmp_path / "good.dat"
    trace = base(**BASES[name])
    path.write_bytes(trace.write().data)
    pages = [page for b in trace.buffers if isinstance(b, Buffer) for c in b.cpus.values()
             for page in c if isinstance(page, Page)]  # fmt: skip
    records = sum(isinstance(record, Event) for page in pages for record in page.records)
    assert records > 500
    assert f"good.dat: {records} records, 0 cases" in run(program, "0", "0", path)
