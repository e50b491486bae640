"""Files cut short, files with bytes changed: a right answer or a TraceError, soon, no crash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import damage
from .bases import NAMES, base
from .touch import examine
from .worker import examine_bytes

ROOT = Path(__file__).resolve().parents[2]
FLIPS = 5000


def run_worker(name: str, kind: str, first: int, last: int) -> None:
    """In a process of its own, whose end, if it is a bad one, tells the case that it was at."""
    command = [sys.executable, "-m", "tests.corrupt.worker", name, kind, str(first), str(last)]
    env = {**os.environ, "PYTHONFAULTHANDLER": "1"}
    result = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600, check=False
    )
    reached = result.stdout.split()
    where = f"{name} {kind}, at case {reached[-1] if reached else 'none'}"
    assert result.returncode == 0, f"{where}: exit {result.returncode}\n{result.stderr[-6000:]}"
    assert reached == [str(number) for number in range(first, last)], where


@pytest.mark.parametrize("name", NAMES)
def test_cut_files(name: str) -> None:
    run_worker(name, "cut", 0, len(damage.cut_places(name)))


@pytest.mark.parametrize("name", NAMES)
def test_changed_bytes(name: str) -> None:
    run_worker(name, "flip", 0, FLIPS // len(NAMES))


@pytest.mark.parametrize("name", NAMES)
def test_the_good_file(name: str) -> None:
    """The damage would prove little if the good file did not hold all that it should."""
    found = examine_bytes(base(name).data)
    assert isinstance(found, dict)
    assert found["problems"] == ()
    assert found["trace_id"] == (7 if name == "v7-be8-none" else 0xB9EB29A85E136C2E)
    assert [guest.name for guest in found["guests"]][:2] == ["Guest1", ""]
    assert found["time_shift"].peer_trace_id == 0x77
    assert [len(cpu) for cpu in found["time_shift"].cpus] == [3, 0, 1]
    assert not [name for name, value in found.items() if isinstance(value, Exception)]
    if "latency" not in name:
        assert [len(buffer[5]) for buffer in found["buffers"]] == [2, 1]


def test_a_worker_reports(tmp_path: Path) -> None:
    """A test that could not fail would be none: a file that differs is told from the good one."""
    from . import worker

    good = examine_bytes(base("v7-le8-none").data)
    assert isinstance(good, dict)
    file = base("v7-le8-none")
    data = file.change("option TRACEID/trace ID", 5)
    allowed = damage.may_change("v7-le8-none", file.mark("option TRACEID/trace ID").offset)
    assert not worker.verdict(good, damage.Case(data, "x", allowed))
    assert "trace_id" in worker.verdict(good, damage.Case(data, "x", frozenset()))
    path = tmp_path / "trace.dat"
    path.write_bytes(data)
    found = examine(str(path))
    assert isinstance(found, dict)
    assert found["trace_id"] == 5
