"""Opening the files of a session."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from .. import _arguments, errors
from ..budget import Budget
from ..opening import FileName, OpenOptions, TraceRecording, absolute_name
from ..trace import Trace
from .assemble import assemble
from .claims import Claims, VCpu, check_vcpus
from .session import Session

__all__ = ["SessionRecording", "open_session", "trace_files"]

_MAGIC = b"\x17\x08\x44tracing"


def _is_trace(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:  # reported when it is opened, if it looks like one of ours
        return path.suffix == ".dat"


def trace_files(sources: Iterable[FileName]) -> list[FileName]:
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


def _key(source: FileName) -> str | int:
    """A file's name as it was given, whatever the type; or its descriptor."""
    return source if isinstance(source, int) else os.fsdecode(source)


@dataclass(frozen=True, slots=True)
class SessionRecording:
    """The files of a session and how they are opened: what a selection of a Session is of."""

    sources: tuple[FileName, ...]
    strangers: Literal["error", "skip", "include"]
    options: OpenOptions
    offsets: tuple[tuple[FileName, int], ...] = ()
    vcpus: tuple[VCpu, ...] = ()

    def __post_init__(self) -> None:
        if not self.sources:
            raise TypeError("open_session() needs at least one file or folder")
        if self.strangers not in ("error", "skip", "include"):
            raise ValueError(f'strangers={self.strangers!r}; it is "error", "skip" or "include"')
        for source, offset in self.offsets:
            _arguments.number(f"offsets[{source!r}]", offset, -(1 << 63), (1 << 63) - 1)

    @property
    def name(self) -> str:
        """Names of the files."""
        return ", ".join(str(_key(source)) for source in self.sources)

    def absolute(self) -> SessionRecording:
        """The same for processes that are in other folders."""
        offsets = tuple((absolute_name(source), ns) for source, ns in self.offsets)
        return replace(self, sources=tuple(map(absolute_name, self.sources)), offsets=offsets)

    def open(self) -> Session:
        """Open it; raises what :func:`tracecmd.open_session` does."""
        traces: list[Trace] = []
        claimed: dict[str, int] = {}
        offsets = {_key(source): offset for source, offset in self.offsets}
        files = trace_files(self.sources)
        unknown = offsets.keys() - set(map(_key, files))
        if unknown:
            raise ValueError(f"offsets: {min(map(str, unknown))!r} is none of the files")
        try:
            for source in files:
                options = replace(self.options, ts_offset=offsets.get(_key(source), 0))
                traces.append(TraceRecording(source, options).open())
                if _key(source) in offsets:
                    claimed[traces[-1].path] = options.ts_offset
            return assemble(
                traces,
                self,
                self.strangers,
                sync=self.options.sync,
                claims=Claims(claimed, self.vcpus),
            )
        except BaseException:
            for trace in traces:
                trace.close()
            raise


def open_session(
    *sources: FileName,
    strangers: Literal["error", "skip", "include"] = "error",
    offsets: Mapping[Any, int] | None = None,
    vcpus: Mapping[str, Mapping[int, int]] | None = None,
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
            leave them out and list them in :attr:`Session.strangers`, or ``"include"`` to read
            them along, as :attr:`Session.others`: files that have nothing to do with each other
            then are one session, too, merged as tracecmd_iterate_events_multi(3) does.
        offsets: nanoseconds to add to the time stamps of some files, by the names given (those in
            a folder by the folder's and theirs): clocks side by side that nobody compared. Their
            times then count as of the host's clock, by the caller's word, as
            :attr:`Session.notes` say.
        vcpus: host threads of guests' vCPUs where the host's file lacks them, by guest and number:
            ``{"Guest1": {0: 4711, 1: 4712}}``. That, too, is among the notes.
        strict, mmap, date, budget: as for :func:`tracecmd.open`.
        sync: put the guests' time stamps on the host's clock; False leaves each on its own.

    Raises:
        ValueError: ``offsets`` names none of the files, or one does not fit 64 bits; ``vcpus``
            has a vCPU that is not there, a thread for two of them, or another thread than the
            host's file.
        UnknownGuestError: (a KeyError) ``vcpus`` names a guest that is not there.
        SessionError: (a ValueError) the files do not make one session; its ``path`` names the
            one that does not fit.
        TraceError: a file cannot be opened; see :func:`tracecmd.open`.
    """
    options = OpenOptions(strict=strict, mmap=mmap, sync=sync, date=date, budget=budget)
    by_file = tuple((offsets or {}).items())
    return SessionRecording(sources, strangers, options, by_file, check_vcpus(vcpus)).open()
