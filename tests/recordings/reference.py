"""What is installed of the reference: trace-cmd, its libraries, libtracecmd's walk over a file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from .. import compiler

MASK = (1 << 64) - 1


@lru_cache(1 << 16)
def fnv1a(data: bytes) -> int:
    """FNV-1a of 64 bits."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


class Walk:
    """tests/c/records_libtracecmd.c, built."""

    def __init__(self, folder: Path) -> None:
        source = compiler.ROOT / "tests" / "c" / "records_libtracecmd.c"
        self.program = compiler.compile_with_library(folder / "records-libtracecmd", source)

    def __call__(self, path: Path, *, ts_offset: int = 0, ts2secs: int = 0) -> list[str]:
        """The lines of a file that the library can read."""
        command = [self.program, path, str(ts_offset)] + ([str(ts2secs)] if ts2secs else [])
        return self._run(command)

    def offsets(self, path: Path) -> list[str]:
        """Buffer, CPU, time and offset of each record of such a file."""
        return self._run([self.program, "--offsets", path])

    def _run(self, command: Sequence[str | Path]) -> list[str]:
        environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=False, env=environment
        )
        assert result.returncode == 0, result.stderr
        assert "ended early" not in result.stderr
        return result.stdout.splitlines()


def trace_cmd(
    *arguments: str | Path, cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes] | None:
    """Run the installed trace-cmd; None where there is none."""
    if shutil.which("trace-cmd") is None:
        return None
    return subprocess.run(["trace-cmd", *arguments], capture_output=True, check=False, cwd=cwd)


Version = tuple[int, ...]


def _version(text: str) -> Version | None:
    found = re.search(r"\d+(\.\d+)+", text)
    return tuple(map(int, found[0].split("."))) if found else None


@lru_cache
def tool_version() -> Version | None:
    """Of the installed trace-cmd, such as (3, 3, 1); None where there is none."""
    done = trace_cmd()
    return None if done is None else _version(done.stdout.decode())


@lru_cache
def library_version(name: Literal["libtracecmd", "libtraceevent"]) -> Version | None:
    """Of the library that programs are built with; None where there is none."""
    if shutil.which("pkg-config") is None:
        return None
    command = ["pkg-config", "--modversion", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode else _version(done.stdout)


def prints_flags() -> bool:
    """Whether the installed trace-cmd's lines have the flags, as they do from 3.2 on."""
    version = tool_version()
    return version is not None and version >= (3, 2)


def drops_events() -> bool:
    """Whether the library leaves an event out of which a field cannot be read.

    From libtraceevent 1.9 on; before, it kept the event with the fields in front of that one, as
    the core does.
    """
    version = library_version("libtraceevent")
    return version is not None and version >= (1, 9)


def described() -> str:
    """What tests compare with, in a line."""
    versions = {
        "trace-cmd": tool_version(),
        "libtracecmd": library_version("libtracecmd"),
        "libtraceevent": library_version("libtraceevent"),
    }
    return ", ".join(
        f"{name} {'.'.join(map(str, version))}" if version else f"no {name}"
        for name, version in versions.items()
    )
