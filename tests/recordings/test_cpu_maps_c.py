"""Clocks, instances and vCPUs as csrc/compat/trace-cmd.h and libtracecmd have them.

One C program, built with either, prints the same: but where the library ends in a crash, as it does
when it maps several guests of which not all have the same number of vCPUs.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

import tracecmd

from .. import compiler
from ..writer import TICK, Buffer, Event, Guest, Machine, Page, Trace, TraceId
from . import corpus, reference
from .test_peers_c import host_first

PROGRAM = compiler.ROOT / "tests" / "c" / "cpu_maps.c"
# The library refuses them, or cannot read their data; what it then says first differs by version.
UNREADABLE = {"s390x-tc331-broken-marker.dat", "v6-cut.dat", "v7n-cut.dat", "v7-head-only.dat"}


def old_library() -> list[str]:
    """Libtracecmd before 1.4 has no tracecmd_get_tsc2nsec()."""
    version = reference.library_version("libtracecmd")
    return ["-DNO_TSC2NSEC"] if version is not None and version < (1, 4) else []


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("cpu-maps") / "cpu-maps-core"
    own = [f"-I{compiler.CSRC / 'compat'}", *old_library()]
    return compiler.compile_with_core(program, PROGRAM, "-O1", own=own)


@pytest.fixture(scope="session")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("cpu-maps") / "cpu-maps-libtracecmd"
    return compiler.compile_with_library(program, PROGRAM, *old_library())


def run(program: Path, files: Sequence[Path]) -> tuple[int, str]:
    """Exit code and output; less than 0: it crashed."""
    result = subprocess.run([program, *files], capture_output=True, timeout=60, check=False)
    return result.returncode, result.stdout.decode()


@pytest.mark.parametrize("path", corpus.SINGLE, ids=lambda path: path.name)
def test_files(path: Path, ours: Path, theirs: Path) -> None:
    """First time stamps, ticks and instances, and the handles of these."""
    if path.name in UNREADABLE:
        pytest.skip("the library cannot read its data")
    expected = run(theirs, [path])
    if expected[0] == 1:
        pytest.skip("the library cannot open it")
    got = run(ours, [path])
    assert got[0] == 0
    if expected[0] >= 0:  # it crashes on files of latency tracers
        assert got == expected


@pytest.mark.parametrize("folder", corpus.SESSIONS, ids=lambda path: path.name)
def test_pairs(folder: Path, ours: Path, theirs: Path) -> None:
    """The host and one guest, each of them."""
    host, *guests = host_first(folder)
    for guest in guests:
        expected = run(theirs, [host, guest])
        assert (
            expected[0] in (0, 3) or expected[0] < 0
        )  # the library crashes on guests without vCPUs
        code, output = run(ours, [host, guest])
        assert code == 0
        if expected[0] == 0:
            assert output == expected[1]


@pytest.mark.parametrize("folder", corpus.SESSIONS, ids=lambda path: path.name)
def test_whole_sessions(folder: Path, ours: Path) -> None:
    """All guests at once: the maps are those of the Python session."""
    files = host_first(folder)
    try:
        session = tracecmd.open_session(*files)
    except tracecmd.SessionError:
        pytest.skip("no session")
    with session:
        if session.host is None or session.host.path != str(files[0]):
            pytest.skip("its host's file is not the first, or not there")
        numbers = {Path(trace.path): i for i, trace in enumerate(map(tracecmd.open, files))}
        expected = sorted(
            (vcpu.host_pid, numbers[Path(session.guests[vcpu.guest].path)])
            for vcpu in session.vcpus
        )
    code, output = run(ours, files)
    assert code == 0
    of_host = output.partition("file 0:\n")[2].partition("file 1:\n")[0]
    found = [line.split() for line in of_host.splitlines()]
    assert sorted((int(words[1]), int(words[4].rstrip(","))) for words in found) == expected


def test_unequal_guests(tmp_path: Path, ours: Path) -> None:
    """What the library crashes on; a guest that is not of the host has no maps."""
    machine = Machine(False, 8)
    pages = [Page(1000, [Event(0, TICK.values(n=1).encode(machine))])]

    def write(name: str, *options: TraceId | Guest) -> Path:
        path = tmp_path / name
        trace = Trace(options=list(options), buffers=[Buffer(cpus={0: pages})])
        path.write_bytes(trace.write().data)
        return path

    host = write(
        "host.dat", TraceId(1), Guest("a", 2, {0: 30, 1: 10, 2: 20}), Guest("b", 3, {0: 15})
    )
    files = [
        host,
        write("a.dat", TraceId(2)),
        write("b.dat", TraceId(3)),
        write("c.dat", TraceId(4)),
    ]
    code, output = run(ours, files)
    assert code == 0
    assert "mapped: 2\n" in output
    assert output.partition("file 0:\n")[2].splitlines() == [
        "  0: 10 runs guest 1, had (nil)",
        "  1: 15 runs guest 2, had (nil)",
        "  2: 20 runs guest 1, had (nil)",
        "  3: 30 runs guest 1, had (nil)",
        "file 1:",
        "  0: 30 runs guest 1, had 0x1f",
        "  1: 10 runs guest 1, had 0xb",
        "  2: 20 runs guest 1, had 0x15",
        "file 2:",
        "  0: 15 runs guest 2, had 0x10",
        "file 3:",
    ]
