"""libtracecmd's walk over a file, where the library is installed; what its lines are made of."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CC = shlex.split(os.environ.get("CC", "cc"))
MASK = (1 << 64) - 1


@lru_cache(1 << 16)
def fnv1a(data: bytes) -> int:
    """FNV-1a of 64 bits."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


def library_flags() -> list[str] | None:
    """How to build with libtracecmd; None where that cannot be done."""
    if shutil.which(CC[0]) is None or shutil.which("pkg-config") is None:
        return None
    command = ["pkg-config", "--cflags", "--libs", "libtracecmd"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if found.returncode else shlex.split(found.stdout)


class Walk:
    """tests/c/records_libtracecmd.c, built."""

    def __init__(self, folder: Path, flags: Sequence[str]) -> None:
        self.program = folder / "records-libtracecmd"
        source = ROOT / "tests" / "c" / "records_libtracecmd.c"
        command = [*CC, "-O1", "-Wall", "-Wextra", "-o", self.program, source, *flags]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stderr

    def __call__(self, path: Path, *, ts_offset: int = 0, ts2secs: int = 0) -> list[str]:
        """The lines of a file that the library can read."""
        command = [self.program, path, str(ts_offset)] + ([str(ts2secs)] if ts2secs else [])
        environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=False, env=environment
        )
        assert result.returncode == 0, result.stderr
        assert "ended early" not in result.stderr
        return result.stdout.splitlines()
