"""The command: exit codes, bad files, and output that is full, closed or unread."""

from __future__ import annotations

import errno
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from ..conftest import Trace, Write
from ..recordings import corpus
from ..writer import (
    TraceId,
)
from .conftest import COMMAND, KVM_SMALL, SESSION, TRACE_DAT, spawn


def bad_files(write: Write) -> list[Path]:
    whole = Trace(options=[TraceId(5)]).write()
    return [
        write(b"", "empty.dat"),
        write(b"not a trace at all", "text.dat"),
        write(whole.cut(40), "cut.dat"),
        write(whole.change("page size", 0), "corrupt.dat"),
        write(whole.replace(whole.mark("version").offset, b"9"), "version9.dat"),
        write(b"").parent / "missing.dat",
        Path("/dev/null"),
    ]


@pytest.mark.parametrize("command", ["info", "session"])
@pytest.mark.parametrize("how", [[], ["--json"]])
def test_bad_files(run: Any, write: Write, command: str, how: list[str]) -> None:
    for path in bad_files(write):
        code, out, err = run(command, *how, path)
        assert code == 1
        assert out in ("", "[]\n")
        assert err.startswith(f"tracecmd: {path}: ")
        assert err.count("\n") == 1


def test_folders(run: Any, tmp_path: Path) -> None:
    assert run("info", tmp_path).code == 1
    code, _, err = run("session", tmp_path)
    assert code == 1
    assert err == f"tracecmd: {tmp_path}: no trace.dat file in this folder\n"


@pytest.mark.parametrize(
    "arguments", [[], ["info"], ["session"], ["nonsense"], ["info", "--nonsense", "x"]]
)
def test_wrong_usage(run: Any, arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("tracecmd: ")
    assert err.count("\n") == 1


def test_help_and_version(run: Any) -> None:
    assert run("--version") == (0, f"tracecmd {tracecmd.__version__}\n", "")
    for arguments in (["--help"], ["info", "--help"], ["session", "--help"]):
        code, out, err = run(*arguments)
        assert (code, err) == (0, "")
        assert out.startswith("usage: tracecmd")


def test_module_is_the_command() -> None:
    result = spawn("session", KVM_SMALL)
    assert result.returncode == 0
    assert result.stdout.decode() == SESSION.format(folder=KVM_SMALL)
    result = spawn("info", KVM_SMALL)
    assert result.returncode == 1
    assert result.stderr.decode().count("\n") == 1
    assert spawn("info").returncode == 2


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("arguments", [["info", "--options"], ["info", "--json"], ["session"]])
def test_closed_pipe(arguments: list[str], buffered: bool) -> None:
    """``tracecmd info F | head -1`` is quiet, and says by its code that it was cut short."""
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"}
    try:
        result = subprocess.run(
            [*COMMAND, *arguments, KVM_SMALL / "trace.dat"],
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
            env=environment,
        )
    finally:
        os.close(writer)
    assert result.returncode == 141
    assert result.stderr == b""


def test_head() -> None:
    line = shlex.join([*COMMAND, "info", "--options", *map(str, corpus.ALL * 3)])
    script = f"{line} | head -1; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", script], capture_output=True, timeout=60, check=False)
    assert result.stdout.decode().splitlines() == [str(corpus.ALL[0]), "141"]
    assert result.stderr == b""


COMMANDS = [
    ["session", str(KVM_SMALL)],
    ["report", TRACE_DAT],
    ["stat", "--json", TRACE_DAT],
    ["--version"],
    ["report", "--help"],
]


def with_output(redirection: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command with its output as a shell has it: ``>&-``, ``>/dev/full``."""
    script = f"{shlex.join([*COMMAND, *arguments])} {redirection}"
    return subprocess.run(["bash", "-c", script], stderr=subprocess.PIPE, timeout=60, check=False)


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda words: words[0])
def test_full_disk(monkeypatch: pytest.MonkeyPatch, arguments: list[str], buffered: bool) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    if not buffered:
        monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    result = with_output(">/dev/full", *arguments)
    assert result.stderr.decode() == f"tracecmd: output: {os.strerror(errno.ENOSPC)}\n"
    assert result.returncode == 1


@pytest.mark.parametrize("stdin", ["", "<&-"])
@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda words: words[0])
def test_closed_output(arguments: list[str], stdin: str) -> None:
    result = with_output(f"{stdin} >&-", *arguments)
    assert result.stderr.decode() == f"tracecmd: output: {os.strerror(errno.EBADF)}\n"
    assert result.returncode == 1


@pytest.mark.parametrize("redirection", [">&- 2>&-", ">/dev/full 2>/dev/full", "2>&- | true"])
def test_nobody_to_be_told(redirection: str) -> None:
    if "full" in redirection and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    result = with_output(f"{redirection}; exit ${{PIPESTATUS[0]}}", *COMMANDS[0])
    assert result.stderr == b""
    assert result.returncode == (141 if "true" in redirection else 1)
    result = with_output(f"{redirection}; exit ${{PIPESTATUS[0]}}", "info", "/nowhere")
    assert (result.returncode, result.stderr) == (1, b"")


@pytest.mark.parametrize("redirection", [">&-", ">&- 2>&-", "<&- >&-"])
def test_commands_that_print_nothing_need_no_output(tmp_path: Path, redirection: str) -> None:
    out = tmp_path / "out.pftrace"
    result = with_output(redirection, "export", "-q", str(KVM_SMALL), "-o", str(out))
    assert (result.returncode, result.stderr) == (0, b"")
    assert out.stat().st_size > 1_000_000
