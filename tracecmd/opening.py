"""Opening a file; how it is opened is plain values, which another process can use as well."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from . import _arguments, _lowlevel
from ._readable import Stamp
from .budget import Budget
from .trace import Trace

__all__ = ["FileName", "OpenOptions", "TraceRecording", "open"]

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


@dataclass(frozen=True, slots=True)
class TraceRecording:
    """A file and how it is opened: what a selection of a :class:`Trace` is of."""

    path: FileName
    options: OpenOptions

    @property
    def name(self) -> str:
        """The file's name."""
        return str(self.path) if isinstance(self.path, int) else os.fsdecode(self.path)

    def open(self) -> Trace:
        """Open it; raises what :func:`tracecmd.open` does."""
        stamp = stamp_of(self.path)
        trace = Trace(self.options.open(self.path), self)
        trace._stamp = stamp
        return trace

    def absolute(self) -> TraceRecording:
        """The same for processes that are in other folders."""
        return replace(self, path=absolute_name(self.path))


def absolute_name(path: FileName) -> FileName:
    """A file's name for processes that are in other folders.

    Raises:
        TypeError: it is a file descriptor, which means nothing there.
    """
    if isinstance(path, int):
        raise TypeError(f"file descriptor {path} cannot be pickled; open the trace by its name")
    return os.path.abspath(path)


def stamp_of(path: FileName) -> Stamp | None:
    """How large a file is, and when it was changed, to tell it from later ones; None: not known."""
    try:
        known = os.stat(path)
    except (OSError, OverflowError, ValueError):  # whoever opens it will say so
        return None
    return known.st_size, known.st_mtime_ns


def open(
    path: FileName,
    *,
    strict: bool = False,
    mmap: bool = True,
    raw_ts: bool = False,
    sync: bool = True,
    date: bool = True,
    ts_offset: int = 0,
    ts2secs: int = 0,
    budget: Budget | None = None,
) -> Trace:
    """Open a trace.dat file, as tracecmd_open(3) does.

        >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
        ...     print(trace.version, trace.clock, trace.cpus, len(trace.buffers))
        7 tsc2nsec 2 1

    Args:
        path: file name, ``os.PathLike``, or a file descriptor (which stays open, and the
            caller's).
        strict: raise what would else only be noted in :attr:`Trace.problems`.
        mmap: map the file, which is fastest. False: read it piece by piece, for files that others
            write to or cut short meanwhile, and for network file systems: a mapping cannot always
            turn what happens to them into an exception, and may end the process (SIGBUS).
        raw_ts: give time stamps as they are in the ring buffer, uncorrected (--raw-ts).
        sync: apply a guest's TIME_SHIFT, which puts it on its host's clock.
        date: add the offset to wall-clock time that ``record --date`` stored (not --nodate).
        ts_offset: nanoseconds to add to all time stamps (--ts-offset).
        ts2secs: ticks per second of the clock, to convert by instead of TSC2NSEC (--ts2secs).
        budget: what reading may take beyond what the file's size accounts for.

    Raises:
        NotATraceError: (a ValueError) it is some other file.
        TruncatedError: (an EOFError) it ends before its options do.
        ValueError: ``ts_offset`` does not fit 64 bits, or ``ts2secs`` is negative.
        CorruptError, UnsupportedError: (ValueErrors) its start or its options make no sense,
            or not to this package.
        TraceFileNotFoundError, TracePermissionError, TraceOSError: as the built-in ``open``.
    """
    options = OpenOptions(strict, mmap, raw_ts, sync, date, ts_offset, ts2secs, budget)
    return TraceRecording(path, options).open()
