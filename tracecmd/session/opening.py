"""Opening the files of a session."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .. import errors
from ..budget import Budget
from ..opening import FileName, OpenOptions, TraceRecording
from ..trace import Trace
from .assemble import assemble
from .session import Session

__all__ = ["SessionRecording", "open_session"]

_MAGIC = b"\x17\x08\x44tracing"


def _is_trace(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:  # reported when it is opened, if it looks like one of ours
        return path.suffix == ".dat"


def _files(sources: tuple[FileName, ...]) -> list[FileName]:
    """Replace each folder by the trace files in it, in order of name."""
    files: list[FileName] = []
    for source in sources:
        if isinstance(source, int) or not os.path.isdir(source):
            files.append(source)
            continue
        folder = Path(os.fsdecode(source))
        try:
            inside = sorted(folder.iterdir())
        except OSError as error:
            reason = f"folder: {error.strerror}"
            raise errors.os_error(error.errno or 0, reason, str(folder)) from None
        traces = [path for path in inside if path.is_file() and _is_trace(path)]
        if not traces:
            raise errors.SessionError("no trace.dat file in this folder", path=str(folder))
        files += traces
    return files


@dataclass(frozen=True, slots=True)
class SessionRecording:
    """The files of a session and how they are opened: what a selection of a Session is of."""

    sources: tuple[FileName, ...]
    strangers: Literal["error", "skip"]
    options: OpenOptions

    def __post_init__(self) -> None:
        if not self.sources:
            raise TypeError("open_session() needs at least one file or folder")
        if self.strangers not in ("error", "skip"):
            raise ValueError(f'strangers={self.strangers!r}; it is "error" or "skip"')

    def open(self) -> Session:
        """Open it; raises what :func:`tracecmd.open_session` does."""
        traces: list[Trace] = []
        try:
            for source in _files(self.sources):
                traces.append(TraceRecording(source, self.options).open())
            return assemble(traces, self, self.strangers, sync=self.options.sync)
        except BaseException:
            for trace in traces:
                trace.close()
            raise


def open_session(
    *sources: FileName,
    strangers: Literal["error", "skip"] = "error",
    strict: bool = False,
    mmap: bool = True,
    sync: bool = True,
    date: bool = True,
    budget: Budget | None = None,
) -> Session:
    """Open the files of a traced session and find out who is who.

    The order of the files does not matter: the trace IDs in them say which is the host's and
    which guests belong to it.

        >>> with tracecmd.open_session("tests/data/sessions/kvm-small") as session:
        ...     print(list(session.guests), session.host_pid("Guest1", 0), session.vcpu(189))
        ['Guest1', 'Guest2'] 187 VCpu(guest='Guest1', vcpu=1, host_pid=189)

    Args:
        sources: the host's file and the guests', or a folder that holds them (its files that
            are not trace.dat files are passed over).
        strangers: what to do with files of another session: ``"error"``, or ``"skip"`` to
            leave them out and list them in :attr:`Session.strangers`.
        strict, mmap, date, budget: as for :func:`tracecmd.open`.
        sync: put the guests' time stamps on the host's clock; False leaves each on its own.

    Raises:
        SessionError: (a ValueError) the files do not make one session; its ``path`` names the
            one that does not fit.
        TraceError: a file cannot be opened; see :func:`tracecmd.open`.
    """
    options = OpenOptions(strict=strict, mmap=mmap, sync=sync, date=date, budget=budget)
    return SessionRecording(sources, strangers, options).open()
