"""One trace.dat file: its metadata and its buffers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Literal, NamedTuple

from . import _arguments, _lowlevel, _records, errors, stat
from ._lazy import lazy
from ._problems import Problems
from .btf import Btf, read_btf
from .budget import Budget
from .event import Event, Events
from .options import (
    CpuStat,
    Guest,
    GuestCpuMap,
    Hook,
    HookFlags,
    HookSide,
    LastBoot,
    Module,
    OptionId,
    Options,
    ProcMap,
    ProcMapRegion,
    TimeSample,
    TimeShift,
    Tsc2nsec,
    parse_cpu_stat,
    parse_last_boot,
    parse_modules,
)
from .report import ReportOptions, make_filters, make_symbols, report
from .table import BATCH_ROWS, RecordBatch, Table, Tables, make_table

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

    def __init__(self, trace: Trace, index: int, info: _lowlevel.BufferInfo) -> None:
        self._trace = trace
        self._file = trace._file
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

    @lazy
    def empty_cpus(self) -> tuple[CpuArea, ...]:
        """The CPUs that the file names without data (size 0), with the place that it gives."""
        return tuple(CpuArea(*row) for row in self._file.empty_areas(self._index))

    def text(self) -> str:
        """The text of a latency tracer: a copy of tracefs ``trace``.

        Raises:
            ValueError: the buffer holds ring-buffer pages (:attr:`is_text` is false).
        """
        if not self.is_text:
            raise ValueError(f"buffer {self.name!r} holds records, not text")
        return self._file.buffer_text(self._index).decode(errors="surrogateescape")

    def iter(
        self,
        events: str | Iterable[str] | None = None,
        *,
        cpus: int | Iterable[int] | None = None,
        start: int | None = None,
        end: int | None = None,
        pids: int | Iterable[int] | None = None,
        order: Literal["time", "cpu"] = "time",
        reverse: bool = False,
        threads: int = 1,
    ) -> Iterator[Event]:
        """Walk over this buffer's records; see :meth:`Trace.iter`."""
        return self._trace.iter(
            events,
            buffers=[self.name],
            cpus=cpus,
            start=start,
            end=end,
            pids=pids,
            order=order,
            reverse=reverse,
            threads=threads,
        )

    def __iter__(self) -> Iterator[Event]:
        return self.iter()

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

    def __init__(
        self, file: _lowlevel.File, clock: _lowlevel.Clock | None = None, *, strict: bool = False
    ) -> None:
        self._file = file
        self._clock_options = clock or _lowlevel.Clock()
        self._problems = Problems(strict=strict)
        self.peer = ""  # name in a session

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
        for name in ("_reader", "_metadata"):  # lazy: not there if nobody read records
            part = self.__dict__.get(name)
            if part is not None:
                part.close()

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

    @property
    def problems(self) -> tuple[Exception, ...]:
        """What was found wrong in the file and passed over; empty for a good file.

        Each is the exception that ``strict=True`` would have raised. All texts of the kernel are
        looked through for them, its symbols, too, which takes tens of milliseconds the first time.
        Damage inside the trace data shows when that is read, so reading can add to them.
        """
        return self._outline_problems + self._problems.found()

    @lazy
    def _outline_problems(self) -> tuple[Exception, ...]:
        """Faults of the file, its texts and the outline of its trace data."""
        found = self._file.problems() + self._metadata.problems()
        try:
            found += self._reader.data.problems()
            symbols = self._reader.symbols
        except errors.ClosedError:
            raise
        except errors.TraceError as error:  # no record can be read at all
            found.append(error)
            symbols = _lowlevel.Symbols(self._file)
        return (*found, *symbols.problems())

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

    @property
    def cpu_stat_texts(self) -> tuple[tuple[str, str], ...]:
        """The same as the kernel wrote it: name of the instance, and text, of each CPU."""
        return tuple(self._file.cpu_stats())

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
        trace_id = _arguments.whole("trace_id", trace_id)
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
        return tuple(Buffer(self, index, info) for index, info in enumerate(infos))

    def buffer(self, name: str) -> Buffer:
        """Find a buffer by name, "" being the top one; of two with one name, the first.

        Raises:
            KeyError: the file has no such trace instance.
        """
        for found in self.buffers:
            if found.name == name:
                return found
        raise KeyError(f"no buffer is named {name!r}; there are {[b.name for b in self.buffers]}")

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
    def modules(self) -> tuple[Module, ...]:
        """The kernel's modules, where trace-cmd 3.4 recorded /proc/modules; else empty."""
        return parse_modules(self._section_text(OptionId.MODULES_FILE))

    @lazy
    def last_boot(self) -> tuple[LastBoot, ...]:
        """Where things lay when buffers were filled that outlived a reboot, of each such instance.

        Names of functions in such a buffer take this into account.
        """
        options = self.options.find_all(OptionId.LAST_BOOT_INFO)
        texts = (option.data.partition(b"\0")[0] for option in options)
        return tuple(parse_last_boot(text.decode(errors="surrogateescape")) for text in texts)

    @lazy
    def btf(self) -> Btf | None:
        """The kernel's types, where trace-cmd 3.4 recorded them (or they can be read); else None.

        It does so beside functions with their arguments: :attr:`Event.args`.
        """
        try:
            return self._reader.btf
        except errors.ClosedError:
            raise
        except errors.TraceError:  # no record can be read at all
            return read_btf(_lowlevel.Symbols(self._file), self._file, self._metadata)

    @lazy
    def saved_cmdlines(self) -> str:
        """PIDs and command names that the kernel remembered; "" if not recorded."""
        return self._section_text(OptionId.CMDLINES)

    def _section_text(self, section: OptionId, index: int = 0) -> str:
        texts = self._file.section_texts(section)
        return texts[index].text if index < len(texts) else ""

    # Records ------------------------------------------------------------------------------

    @lazy
    def _metadata(self) -> _lowlevel.Metadata:
        return _lowlevel.Metadata(self._file)

    @lazy
    def events(self) -> Events:
        """The formats of all events the file knows, by name."""
        return Events(self._metadata)

    @lazy
    def _reader(self) -> _records.Reader:
        reader = _records.Reader(
            self._file,
            self._metadata,
            self.events,
            self._clock_options,
            self.byteorder,
            self._problems,
        )
        reader.peer = self.peer
        return reader

    def comm(self, pid: int) -> str:
        """Name of a task, of the saved command lines: ``<idle>`` for 0, ``<...>`` if unknown."""
        pid = _arguments.whole("pid", pid)
        return self._metadata.comm(pid) if _arguments.is_pid(pid) else "<...>"

    def pids_of(self, comm: str) -> tuple[int, ...]:
        """The PIDs that the saved command lines give a name, the lowest first."""
        return tuple(pid for pid, name in self._metadata.comms() if name == comm)

    def report(
        self,
        options: ReportOptions | None = None,
        *,
        filters: str | Iterable[str] = (),
        filters_out: str | Iterable[str] = (),
        cpus: int | Iterable[int] | None = None,
        start: int | None = None,
        end: int | None = None,
        threads: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[bytes]:
        """Give what ``trace-cmd report`` prints, piece by piece: trace-cmd-report(1).

        Args:
            options: how the text is made.
            filters: filters of which one has to let a record through (-F).
            filters_out: filters none of which may (-v -F).
            cpus, start, end, threads, progress: as for :meth:`iter`.

        Raises:
            FilterError: (a ValueError) a filter cannot be read, or fits no event of the file.
            OSError: options.kallsyms cannot be read.
            ValueError: raw_events or plain_events of options is no regular expression.
        """
        reader = self._reader
        options = options or ReportOptions()
        symbols = make_symbols([reader], options)
        sources = _records.choose(reader, buffers=None, cpus=cpus, events=None, pids=None)
        chosen, out = make_filters(
            reader,
            symbols[0],
            _arguments.names("filters", filters) or (),
            _arguments.names("filters_out", filters_out) or (),
        )
        sources = [source._replace(filters=chosen, filters_out=out) for source in sources]
        request = self._request(sources, start, end, "time", threads=threads, progress=progress)
        pieces = report(request, [reader], symbols, options)
        return (bytes(piece) for piece in pieces)

    def iter(
        self,
        events: str | Iterable[str] | None = None,
        *,
        buffers: Iterable[str] | None = None,
        cpus: int | Iterable[int] | None = None,
        start: int | None = None,
        end: int | None = None,
        pids: int | Iterable[int] | None = None,
        order: Literal["time", "cpu"] = "time",
        reverse: bool = False,
        threads: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[Event]:
        """Walk over records, as tracecmd_iterate_events(3) does.

        What is not wanted is passed over in the core: whole pages by time, records by event and
        task. Memory does not depend on the size of the file.

        Args:
            events: names of events (``"sched_switch"``, ``"sched:sched_switch"``, ``"sched:*"``);
                None for all.
            buffers: names of buffers, "" for the top one; None for all.
            cpus: numbers of CPUs, or one; None for all. Those that are not there select none.
            start, end: times in ns, ``start <= ts < end``; None for no bound.
            pids: tasks that recorded (``common_pid``); None for all.
            order: ``"time"`` merges all CPUs as libtracecmd does (of records with one time, the
                earlier buffer's, then the lower CPU's come first); ``"cpu"`` gives one CPU of one
                buffer after the other.
            reverse: the last record first. Where time steps back inside a CPU it is a merge from
                the end, not the mirror image.
            threads: read that many windows of time side by side, 1 to 1024.
            progress: called now and then with work done and all work, in pages or windows.

        Raises:
            KeyError: no event or buffer of that name.
            TypeError, ValueError: an argument that none can be, by its name.
            TraceError: the data cannot be read; with ``strict``, some of it is damaged. Else
                damage is added to :attr:`problems`, and all that is whole comes out.
        """
        return _records.read_events(
            self._request(
                _records.choose(self._reader, buffers=buffers, cpus=cpus, events=events, pids=pids),
                start,
                end,
                order,
                reverse=reverse,
                threads=threads,
                progress=progress,
            )
        )

    def __iter__(self) -> Iterator[Event]:
        return self.iter()

    def _request(
        self,
        sources: list[_records.Source],
        start: int | None,
        end: int | None,
        order: str,
        *,
        reverse: bool = False,
        threads: int = 1,
        progress: Callable[[int, int], None] | None = None,
        batch_rows: int = 4096,
    ) -> _records.Request:
        if order not in ("time", "cpu"):
            raise ValueError(f'order={order!r}; it is "time" or "cpu"')
        first, last = _arguments.window(start, end)
        threads = _arguments.number("threads", threads, 1, _records.THREADS_MAX)
        batch_rows = _arguments.number("batch_rows", batch_rows, 1, sys.maxsize)
        self._raise_if_strict()
        return _records.Request(
            sources,
            first,
            last,
            backwards=reverse,
            by_cpu=order == "cpu",
            threads=threads,
            batch_size=batch_rows,
            on_progress=progress,
        )

    def _raise_if_strict(self) -> None:
        if self._problems.strict and self._outline_problems:
            raise self._outline_problems[0]

    def at(
        self,
        ts: int,
        events: str | Iterable[str] | None = None,
        *,
        buffers: Iterable[str] | None = None,
        cpus: int | Iterable[int] | None = None,
        pids: int | Iterable[int] | None = None,
    ) -> Event | None:
        """Find the first record at or after a time in ns; None if there is none.

        Takes a bisection over the pages of each CPU, not a walk.
        """
        sources = _records.choose(
            self._reader, buffers=buffers, cpus=cpus, events=events, pids=pids
        )
        request = self._request(sources, ts, None, "time", batch_rows=1)
        return next(_records.read_events(request), None)

    def table(
        self,
        events: str | Iterable[str] | None = None,
        *,
        columns: Iterable[str] | None = None,
        where: str | None = None,
        buffers: Iterable[str] | None = None,
        cpus: int | Iterable[int] | None = None,
        start: int | None = None,
        end: int | None = None,
        pids: int | Iterable[int] | None = None,
        order: Literal["time", "cpu"] = "time",
        reverse: bool = False,
        threads: int = 1,
        ts: Literal["timestamp", "uint64"] = "timestamp",
        invalid_utf8: Literal["replace", "binary"] = "replace",
        dictionary: bool = True,
        batch_rows: int = BATCH_ROWS,
        progress: Callable[[int, int], None] | None = None,
    ) -> Table:
        """Records as columns, for any consumer of Arrow data; no other package is needed.

        A name means the same in every table, and what ``event[name]`` gives. The record's own
        columns are ``ts``, ``cpu``, ``common_pid``, ``common_comm``, ``common_flags``,
        ``common_preempt_count``, ``event``, ``system``, ``buffer``, ``peer`` and ``missed_events``;
        the last is how many events were lost since the row before of that CPU and buffer, -1 for an
        unknown number. All other names are of fields: ``pid`` of sched_wakeup is the task that is
        woken. Fields of several events by one name share a column, which is null in rows of events
        without it; ``"sched_wakeup.pid"`` or ``"sched:sched_wakeup.pid"`` is that event's alone. So
        is ``"workqueue_queue_work.cpu"``, as ``cpu`` is the record's own.

        Of one event the columns are the first six of these and all of the event's fields; of
        several the first six, ``event``, and the fields that all of them have and declare alike.

        Integers keep width and sign; pointers are uint64, bool is bool; strings are utf8, those of
        fixed length (comm) dictionaries of it; arrays are lists, of fixed size where the field is;
        cpumasks and bitmasks are lists of the numbers of the bits set; arrays of u8, structs,
        fields whose declaration cannot be read, and all else is binary. The stacks of
        ``kernel_stack`` and ``user_stack`` are lists of uint64; the latter have always the 8
        entries recorded, zeros behind the last address, as trace-cmd report shows them. ``args`` of
        traced functions are lists of what was in the registers (uint64 of 64-bit kernels), which
        :attr:`Event.args` names. Null is what an event has not, or what does not lie in its record.

        Enums and flags are integers. The metadata of a field's column (``pyarrow.Field.metadata``,
        also in Parquet and Arrow files) holds ``c_type``, ``offset`` and ``size`` in bytes,
        ``signed`` (0 or 1), and where the print fmt names values ``symbols``, a JSON object from
        value to name, ``{"0": "HI", "1": "TIMER"}``: :attr:`EventFormat.symbols`. Of several
        events, it is there if all that have the field name its values alike.

        Args:
            events: as for :meth:`iter`.
            columns: names of columns, as above.
            where: a filter in the language of trace-cmd report -F:
                ``"prev_state == 0 && next_comm =~ '^kvm'"``, with or without events in front
                (``"sched/sched_switch: next_pid == 3"``). ``=~`` and ``!~`` take regular
                expressions, ``~`` the kernel's wildcards. Names are those of columns; ``COMM``
                and ``CPU`` are ``common_comm`` and ``cpu``, and a ``cpu`` that some event has as a
                field, too, has to be told by these or by its longer name. Numbers are compared as
                unsigned 64-bit ones. Other than there, ``a || b && c`` is an error: parentheses
                have to say which goes first.
            buffers, cpus, start, end, pids, order, reverse, threads, progress: as for
                :meth:`iter`.
            ts: type of the column ``ts``: ``timestamp[ns]`` or ``uint64``.
            invalid_utf8: ``"replace"`` what is no UTF-8 by U+FFFD, or give texts as ``"binary"``.
            dictionary: False for plain texts everywhere.
            batch_rows: rows in a batch, at most.

        Raises:
            TypeError, ValueError: an argument that none can be, by its name.
            UnknownEventError, UnknownFieldError: (KeyErrors) no such event or field; near names
                are suggested.
            FilterError: (a ValueError) ``where`` is not a filter, or compares what cannot be
                compared in any of the events, such as a number with a text.
            ValueError: the types of fields by one name cannot be one column.
        """
        return make_table(
            [self._reader],
            events,
            lambda sources: self._request(
                sources,
                start,
                end,
                order,
                reverse=reverse,
                threads=threads,
                progress=progress,
                batch_rows=batch_rows,
            ),
            columns=columns,
            where=where,
            buffers=buffers,
            cpus=cpus,
            pids=pids,
            ts=ts,
            invalid_utf8=invalid_utf8,
            dictionary=dictionary,
        )

    def tables(self, events: str | Iterable[str] | None = None, **options: Any) -> Tables:
        """A :meth:`table` of its own for each event, by ``system:name``: a dict.

        Its methods ``batches()``, ``to_arrow()`` and ``to_parquet(folder)`` read all of them in
        one pass over the records.

        Args:
            events: as for :meth:`iter`; None for all events that occur, which takes a
                :meth:`stat` to find out.
            options: as for :meth:`table`.
        """
        if events is None:
            counted = self.stat(threads=options.get("threads", 1)).events
            names = [name for name in counted if name in self.events]
        else:
            patterns = _arguments.names("events", events) or []
            selected = [str(event) for name in patterns for event in self.events.select(name)]
            names = list(dict.fromkeys(selected))
        return Tables({name: self.table(name, **options) for name in names})

    def batches(
        self, events: str | Iterable[str] | None = None, **options: Any
    ) -> Iterator[RecordBatch]:
        """The batches of a :meth:`table`, of ``batch_rows`` rows at most, as they are read."""
        return self.table(events, **options).batches()

    def stat(
        self, *, threads: int = 1, progress: Callable[[int, int], None] | None = None
    ) -> stat.Stat:
        """Count all records, by event and CPU.

        Args:
            threads: how many slices of the file to count side by side.
            progress: called now and then with pages counted and all pages.
        """
        threads = _arguments.number("threads", threads, 1, _records.THREADS_MAX)
        self._raise_if_strict()
        return stat.count(
            self._reader, threads=threads, on_problem=self._problems.note, on_progress=progress
        )


def open(
    path: Source,
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
    ts_offset = _arguments.number("ts_offset", ts_offset, -(1 << 63), (1 << 63) - 1)
    ts2secs = _arguments.number("ts2secs", ts2secs, 0, (1 << 64) - 1)
    clock = _lowlevel.Clock(bool(raw_ts), bool(sync), bool(date), ts2secs, ts_offset)
    budget = budget or Budget()
    file = _lowlevel.File(path, mmap=bool(mmap), memory=budget.memory, work=budget.work)
    if strict and (problems := file.problems()):
        file.close()
        raise problems[0]
    return Trace(file, clock, strict=strict)
