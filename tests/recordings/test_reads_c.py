"""The core's looks at a file, one by one: failing, short, and as often as said; sanitized."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

import tracecmd

from .. import compiler
from ..conftest import Trace, Write
from ..writer import TICK, Buffer, Event, Machine, Page
from . import corpus

WRAP = ["-Wl," + ",".join(f"--wrap={name}" for name in ("pread", "pread64", "fstat", "fstat64"))]


def build(
    folder: Path, name: str, stint: str, options: Sequence[str] = (), own: Sequence[str] = ()
) -> Path:
    """Compile a program of tests/c with a core whose calls go through so many bytes at a time."""
    compiler.require_compiler(*options, *own)
    source = compiler.ROOT / "tests" / "c" / f"{name}.c"
    return compiler.compile_with_core(
        folder / name, source, "-O1", f"-DWALK_STINT={stint}", *options, own=own
    )


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reads")
    return build(folder, "reads", "UINT64_MAX", compiler.SANITIZERS, WRAP)


@pytest.fixture(scope="module")
def page_by_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("stint"), "report_core", "1")


def run(program: Path, *arguments: str | Path) -> bytes:
    result = subprocess.run([program, *arguments], capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
    return result.stdout


@pytest.mark.parametrize(
    "name",
    ["i386-v6.dat", "armhf-marker.dat", "s390x-tc331-inst-none.dat",
     "s390x-tc331-broken-marker.dat", "v7-latency.dat", "sessions/kvm-small/trace-Guest1.dat"],
)  # fmt: skip
def test_each_look_fails(name: str, reads: Path) -> None:
    """A read that fails, for once or for ever, and a file that ends early are never overlooked."""
    label, count = run(reads, corpus.DATA / name).decode().split()
    assert label == "reads:"
    assert int(count) > 5


def test_the_size_is_asked_for_once_a_window(reads: Path, write: Write) -> None:
    machine = Machine(False, 8)
    size = 1 << 16
    pages = [Page(1000 * i, [Event(0, TICK.values(n=i).encode(machine))]) for i in range(100)]
    path = write(Trace(buffers=[Buffer(cpus={0: pages, 1: pages}, page_size=size)], page_size=size))
    answers = dict(line.split(": ") for line in run(reads, path, "sizes").decode().splitlines())
    windows = int(answers["bytes"]) >> 20
    assert windows == 12
    assert windows <= int(answers["sizes"]) <= windows + 8


@pytest.mark.parametrize("name", ["arm64-16k-inst.dat", "armhf-marker.dat", "i386-lost.dat"])
def test_calls_that_come_back_after_each_page(name: str, page_by_page: Path) -> None:
    """However little a call reads, the report is the same: nothing is lost where it goes on."""
    path = corpus.DATA / name
    with tracecmd.open(path) as trace:
        assert run(page_by_page, "0", "1", path) == b"".join(map(bytes, trace.report()))
