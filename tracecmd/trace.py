"""One trace.dat file: its metadata and its buffers."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Literal, NamedTuple

from . import _lowlevel, errors
from ._lazy import lazy
from .options import (
    CpuStat,
    Guest,
    GuestCpuMap,
    Hook,
    HookFlags,
    HookSide,
    OptionId,
    Options,
    ProcMap,
    ProcMapRegion,
    TimeSample,
    TimeShift,
    Tsc2nsec,
    parse_cpu_stat,
)

__all__ = ["Buffer", "CpuArea", "FormatText", "Source", "Trace", "open"]

Source = str | bytes | os.PathLike[str] | os.PathLike[bytes] | int


class CpuArea(NamedTuple):
    """Where one CPU's data lies in the file: offset and stored (compressed) size in bytes."""

    cpu: int
    offset: int
    size: int


class FormatText(NamedTuple):
    """The ``format`` file of one event, as the kernel wrote it."""

    system: str
    text: str


class Buffer:
    """A trace buffer: the top one, or a named instance."""

    def __init__(self, file: _lowlevel.File, index: int, info: _lowlevel.BufferInfo) -> None:
        self._file = file
        self._index = index
        self._described = info

    @property
    def _info(self) -> _lowlevel.BufferInfo:
        self._file.require_open()
        return self._described

    @property
    def name(self) -> str:
        """The instance's name, "" for the top buffer."""
        return self._info.name

    @property
    def clock(self) -> str:
        """The clock of its time stamps, e.g. ``"local"``; "" if not recorded."""
        return self._info.clock

    @property
    def page_size(self) -> int:
        """Size of a sub-buffer in bytes."""
        return self._info.page_size

    @property
    def compressed(self) -> bool:
        """Whether its data is compressed."""
        return self._info.compressed

    @property
    def is_text(self) -> bool:
        """Whether it holds the text of a latency tracer instead of ring-buffer pages."""
        return self._info.kind == _lowlevel.BUFFER_TEXT

    @property
    def offset(self) -> int:
        """Place of its data in the file."""
        return self._info.offset

    @property
    def size(self) -> int:
        """Extent of its data in the file, in bytes, as stored."""
        return self._info.size

    @lazy
    def cpus(self) -> tuple[CpuArea, ...]:
        """The CPUs that have data, by number, with its place in the file."""
        return tuple(CpuArea(*row) for row in self._file.cpu_areas(self._index))

    def __repr__(self) -> str:
        name = self._described.name
        try:
            kind = "text" if self.is_text else f"cpus={len(self.cpus)}"
            return f"<Buffer {name!r} {kind} clock={self.clock!r}>"
        except errors.ClosedError:
            return f"<Buffer {name!r} closed>"


class Trace:
    """An open trace.dat file. Made by :func:`tracecmd.open`; a context manager.

    Opening reads the file's options only, whatever its size; all else is read when asked for.
    Every property raises :class:`~tracecmd.ClosedError` after :meth:`close`, and
    :class:`~tracecmd.TruncatedError` if the file has shrunk since it was opened. Objects may be
    used from several threads.
    """

    def __init__(self, file: _lowlevel.File) -> None:
        self._file = file

    # Life ---------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """The file's name as given; ``<fd N>`` if a descriptor was given."""
        return self._file.path

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._file.closed

    def close(self) -> None:
        """Unmap the file; a second close is fine."""
        self._file.close()

    def __enter__(self) -> Trace:
        self._file.require_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        try:
            parts = [f"v{self.version}", f"cpus={self.cpus}", f"buffers={len(self.buffers)}"]
            if self.guests:
                parts.append(f"guests={len(self.guests)}")
        except errors.ClosedError:
            parts = ["closed"]
        except errors.TraceError as error:  # say so instead of raising: it has shrunk
            parts = [error.reason]
        return f"<Trace {self.path!r} {' '.join(parts)}>"

    @lazy
    def problems(self) -> tuple[Exception, ...]:
        """What was found wrong in the file and passed over; empty for a good file.

        Each is the exception that ``strict=True`` would have raised.
        """
        return tuple(self._file.problems())

    # The initial header -------------------------------------------------------------------

    @lazy
    def _header(self) -> _lowlevel.Header:
        return self._file.header()

    @property
    def version(self) -> int:
        """Version of the file format: 6 or 7."""
        return self._header.version

    @property
    def file_size(self) -> int:
        """Size of the file in bytes when it was opened."""
        return self._header.file_size

    @property
    def byteorder(self) -> Literal["little", "big"]:
        """Byte order of the recording machine, in the words of ``int.from_bytes``."""
        return "big" if self._header.big_endian else "little"

    @property
    def long_size(self) -> int:
        """Size of the recording program's ``long`` in bytes: 4 or 8 (the kernel's may differ)."""
        return self._header.long_size

    @property
    def page_size(self) -> int:
        """Size of a sub-buffer of the top buffer in bytes."""
        return self._header.page_size

    @property
    def compression(self) -> str:
        """``"none"``, ``"zlib"`` or ``"zstd"``; always ``"none"`` in version 6."""
        return self._header.compression

    @property
    def compression_version(self) -> str:
        """Version of the compression library that wrote the file, "" if it does not say."""
        return self._header.compression_version

    # Options ------------------------------------------------------------------------------

    @property
    def options(self) -> Options:
        """All options of the file, also those this package does not know."""
        self._file.require_open()
        return Options(self._file)

    @lazy
    def trace_id(self) -> int:
        """The file's 64-bit trace ID, 0 if it has none: tracecmd_get_traceid(3)."""
        return self._file.trace_id()

    @lazy
    def cpus(self) -> int:
        """Number of CPUs of the recorded machine: ``trace-cmd report``'s ``cpus=N``."""
        return self._file.cpu_count()

    @lazy
    def clock(self) -> str:
        """Name of the clock that the time stamps are of, e.g. ``"local"``; "" if unknown."""
        return self._file.clock_name()

    @lazy
    def trace_clock(self) -> str:
        """The recorded ``trace_clock`` file: all clocks, the chosen one in brackets."""
        return self._file.option_text(OptionId.TRACECLOCK)

    @lazy
    def uname(self) -> str:
        """``uname`` of the recorded machine: system, node, release, machine; "" if unknown."""
        return self._file.option_text(OptionId.UNAME)

    @lazy
    def recorder(self) -> str:
        """Version of the trace-cmd that made the file, "" if it does not say."""
        return self._file.option_text(OptionId.VERSION)

    @lazy
    def date_offset(self) -> int:
        """Nanoseconds that ``trace-cmd record --date`` had added to all time stamps."""
        return self._file.ts_offset()[0]

    @lazy
    def ts_offset(self) -> int:
        """Nanoseconds that ``trace-cmd record --ts-offset`` had added to all time stamps."""
        return self._file.ts_offset()[1]

    @lazy
    def tsc2nsec(self) -> Tsc2nsec | None:
        """How cycles become nanoseconds, if the clock counts cycles and the file says how."""
        found = self._file.tsc2nsec()
        return None if found is None else Tsc2nsec(*found)

    @lazy
    def time_shift(self) -> TimeShift | None:
        """How this guest's clock relates to its host's; None in a host's file."""
        found = self._file.time_shift()
        if found is None:
            return None
        peer, flags, cpus = found
        lists = {id(cpu): cpu for cpu in cpus}  # CPUs may share one
        samples = {key: tuple(TimeSample(*s) for s in cpu) for key, cpu in lists.items()}
        return TimeShift(peer, bool(flags & 1), tuple(samples[id(cpu)] for cpu in cpus))

    @lazy
    def cpu_stats(self) -> tuple[CpuStat, ...]:
        """What the ring buffers counted per CPU while recording."""
        return tuple(parse_cpu_stat(*found) for found in self._file.cpu_stats())

    @lazy
    def hooks(self) -> tuple[Hook, ...]:
        """Event pairs to be joined, from ``trace-cmd record -H``.

        Raises:
            CorruptError: one has not the form that trace-cmd writes.
        """
        found = []
        for index in range(self.options.count(OptionId.HOOK)):
            start, end, pid_field, flags = self._file.hook(index)
            found.append(Hook(HookSide(*start), HookSide(*end), pid_field, HookFlags(flags)))
        return tuple(found)

    @lazy
    def proc_maps(self) -> tuple[ProcMap, ...]:
        """Address maps of the traced processes.

        Raises:
            CorruptError: one has not the form that trace-cmd writes.
        """
        found = []
        for index in range(self.options.count(OptionId.PROCMAPS)):
            pid, comm, regions = self._file.proc_map(index)
            found.append(ProcMap(pid, comm, tuple(ProcMapRegion(*region) for region in regions)))
        return tuple(found)

    # Peers --------------------------------------------------------------------------------

    @lazy
    def guests(self) -> tuple[Guest, ...]:
        """The guests that were traced together with this host, in file order."""
        return tuple(
            Guest(guest.name, guest.trace_id, len(guest.cpu_pid), guest.cpu_pid)
            for guest in self._file.guests()
        )

    def guest_cpumap(self, trace_id: int) -> GuestCpuMap:
        """Which host thread ran which vCPU of a guest: tracecmd_get_guest_cpumap(3).

        Args:
            trace_id: the :attr:`trace_id` of the guest's own file.

        Raises:
            UnknownGuestError: (a KeyError) no guest with that trace ID was traced with this host.
        """
        self._file.require_open()
        found = self._file.guest_find(trace_id) if 0 <= trace_id < 1 << 64 else None
        if found is None:
            reason = f"option GUEST: no guest with trace ID {trace_id:#x} in this session"
            raise errors.UnknownGuestError(reason, path=self.path)
        return GuestCpuMap(found.name, len(found.cpu_pid), found.cpu_pid)

    # Buffers and sections -----------------------------------------------------------------

    @lazy
    def buffers(self) -> tuple[Buffer, ...]:
        """The top buffer first (it may be empty), then the named instances in file order."""
        infos = self._file.buffers()
        return tuple(Buffer(self._file, index, info) for index, info in enumerate(infos))

    @lazy
    def header_page(self) -> str:
        """The kernel's ``events/header_page``: the layout of a sub-buffer; "" if missing."""
        return self._section_text(OptionId.HEADER_INFO, 0)

    @lazy
    def header_event(self) -> str:
        """The kernel's ``events/header_event``: the layout of a record; "" if missing."""
        return self._section_text(OptionId.HEADER_INFO, 1)

    @lazy
    def event_formats(self) -> tuple[FormatText, ...]:
        """The ``format`` files of all recorded events, ftrace's own first."""
        texts = []
        for section in (OptionId.FTRACE_EVENTS, OptionId.EVENT_FORMATS):
            texts += [FormatText(t.system, t.text) for t in self._file.section_texts(section)]
        return tuple(texts)

    @lazy
    def kallsyms(self) -> str:
        """The kernel's symbols as in /proc/kallsyms; "" if not recorded."""
        return self._section_text(OptionId.KALLSYMS)

    @lazy
    def printk_formats(self) -> str:
        """Addresses and texts of trace_printk() formats; "" if not recorded."""
        return self._section_text(OptionId.PRINTK)

    @lazy
    def saved_cmdlines(self) -> str:
        """PIDs and command names that the kernel remembered; "" if not recorded."""
        return self._section_text(OptionId.CMDLINES)

    def _section_text(self, section: OptionId, index: int = 0) -> str:
        texts = self._file.section_texts(section)
        return texts[index].text if index < len(texts) else ""


def open(path: Source, *, strict: bool = False) -> Trace:
    """Open a trace.dat file, as tracecmd_open(3) does.

    Args:
        path: file name, ``os.PathLike``, or a file descriptor (which stays open, and the
            caller's).
        strict: raise what would else only be noted in :attr:`Trace.problems`.

    Raises:
        NotATraceError: (a ValueError) it is some other file.
        TruncatedError: (an EOFError) it ends before its options do.
        CorruptError, UnsupportedError: (ValueErrors) its start or its options make no sense,
            or not to this package.
        TraceFileNotFoundError, TracePermissionError, TraceOSError: as the built-in ``open``.
    """
    trace = Trace(_lowlevel.File(path))
    if strict and trace.problems:
        problem = trace.problems[0]
        trace.close()
        raise problem
    return trace
