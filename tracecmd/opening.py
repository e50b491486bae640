"""How a file is opened: plain values, which another process can use as well."""

from __future__ import annotations

import os
from dataclasses import dataclass

from . import _arguments, _lowlevel
from .budget import Budget

__all__ = ["FileName", "OpenOptions"]

FileName = str | bytes | os.PathLike[str] | os.PathLike[bytes] | int


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """How to open a file; :func:`tracecmd.open` describes each.

    Raises:
        TypeError, ValueError: one of them cannot be what it is; the message names it.
    """

    strict: bool = False
    mmap: bool = True
    raw_ts: bool = False
    sync: bool = True
    date: bool = True
    ts_offset: int = 0
    ts2secs: int = 0
    budget: Budget | None = None

    def __post_init__(self) -> None:
        offset = _arguments.number("ts_offset", self.ts_offset, -(1 << 63), (1 << 63) - 1)
        ticks = _arguments.number("ts2secs", self.ts2secs, 0, (1 << 64) - 1)
        object.__setattr__(self, "ts_offset", offset)
        object.__setattr__(self, "ts2secs", ticks)

    def open(self, path: FileName) -> _lowlevel.File:
        """Open a file.

        Raises:
            TraceError: it cannot be read; with ``strict``, anything in its outline is wrong.
        """
        budget = self.budget or Budget()
        file = _lowlevel.File(path, mmap=bool(self.mmap), memory=budget.memory, work=budget.work)
        if self.strict and (problems := file.problems()):
            file.close()
            raise problems[0]
        return file

    def clock(self) -> _lowlevel.Clock:
        """What becomes of the file's time stamps."""
        return _lowlevel.Clock(
            bool(self.raw_ts), bool(self.sync), bool(self.date), self.ts2secs, self.ts_offset
        )
