"""What tests of the command share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tracecmd.cli import main

from ..recordings import corpus

KVM_SMALL = corpus.DATA / "sessions" / "kvm-small"
COMMAND = [sys.executable, "-m", "tracecmd"]


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def command(*arguments: str | Path) -> Result:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse's way
            code = stop.code if isinstance(stop.code, int) else 1
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return command


def spawn(*arguments: str | bytes | Path, **how: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, timeout=60, check=False, **how
    )


def open_terminal() -> tuple[int, int]:
    """Both sides of a terminal; the test is skipped where there are none, as in a bare tree."""
    pty = pytest.importorskip("pty")
    try:
        main, terminal = pty.openpty()
    except OSError as error:
        pytest.skip(f"no terminals here: {error}")
    return main, terminal


TRACE_DAT = str(KVM_SMALL / "trace.dat")

SESSION = """\
host: {folder}/trace.dat
  trace ID 0xfcfc5be6c56b1b53, clock tsc2nsec, CPUs: 2
guest Guest1: {folder}/trace-Guest1.dat
  trace ID 0x14a8d63cea572054, clock tsc2nsec, CPUs: 2
  time synchronised with 0xfcfc5be6c56b1b53
  vCPU 0 -> host PID 187
  vCPU 1 -> host PID 189
guest Guest2: {folder}/trace-Guest2.dat
  trace ID 0xcf78face754adb4, clock tsc2nsec, CPUs: 1
  time synchronised with 0xfcfc5be6c56b1b53
  vCPU 0 -> host PID 320
"""
