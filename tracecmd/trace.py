"""One trace.dat file: its records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from . import _arguments, _lowlevel, errors
from ._lazy import lazy
from ._readable import Readable, Stamp
from ._reading import (
    Excluded,
    Names,
    Numbers,
    Problems,
    Progress,
    Reader,
    ReadOptions,
    Request,
    Selection,
    Source,
    Time,
    choose,
    read_events,
)
from ._signature import options_of
from ._writable import Writable
from .analysis import Stat, count_selected
from .btf import Btf, read_btf
from .buffer import Buffer
from .columns import BATCH_ROWS, Layout, RecordBatch, Table, Tables, Times
from .event import Event
from .filter import Filter
from .plot.methods import Pictured
from .report import ReportOptions, report
from .text_functions import TextFunctions
from .trace_file import TraceFile

if TYPE_CHECKING:
    from .opening import TraceRecording

__all__ = ["Trace"]


class Trace(TraceFile, Readable, Writable, TextFunctions, Pictured):
    """An open trace.dat file. Made by :func:`tracecmd.open`; a context manager.

    Opening reads the file's options only, whatever its size; all else is read when asked for.
    Every property raises :class:`~tracecmd.ClosedError` after :meth:`close`, and
    :class:`~tracecmd.TruncatedError` if the file has shrunk since it was opened. Objects may be
    used from several threads.

    Attributes:
        peer: its name in a session: ``"host"`` or the guest's; "" outside of one.
    """

    _recording: TraceRecording
    _stamp: Stamp | None = None

    def __init__(self, file: _lowlevel.File, recording: TraceRecording) -> None:
        super().__init__(file)
        self._recording = recording
        self._problems = Problems(strict=recording.options.strict)
        self.peer = ""

    def close(self) -> None:
        """Unmap the file; a second close is fine."""
        self._file.close()
        for name in ("_reader", "_symbols", "_metadata"):  # lazy: not there if nobody read records
            part = self._whole.__dict__.get(name)
            if part is not None:
                part.close()

    def _require_open(self) -> None:
        self._file.require_open()

    def _stamps(self) -> tuple[Stamp | None, ...]:
        return (self._stamp,)

    def __repr__(self) -> str:
        try:
            parts = [f"v{self.version}", f"cpus={self.cpus}", f"buffers={len(self.buffers)}"]
            if self.guests:
                parts.append(f"guests={len(self.guests)}")
            parts += self._window_text()
        except errors.ClosedError:
            parts = ["closed"]
        except errors.TraceError as error:  # say so instead of raising: it has shrunk
            parts = [error.reason]
        return f"<Trace {self.path!r} {' '.join(parts)}>"

    @property
    def problems(self) -> tuple[Exception, ...]:
        """What is wrong in the file and was passed over; empty for a good file.

        Each is the exception that ``strict=True`` would have raised. All texts of the kernel are
        looked through for them, its symbols, too, which takes tens of milliseconds the first time.
        Damage inside the trace data shows when that is read, so reading can add to them.
        """
        return self._outline_problems + self._problems.all()

    @lazy
    def _outline_problems(self) -> tuple[Exception, ...]:
        """Faults of the file, its texts and the outline of its trace data."""
        try:
            reader = self._reader
        except errors.ClosedError:
            raise
        except errors.TraceError as error:  # no record can be read at all
            symbols = self._symbols.problems()
            return (*self._file.problems(), *self._metadata.problems(), error, *symbols)
        return reader.outline_problems

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        """The top buffer first (it may be empty), then the named instances in file order."""
        whole = self._buffers
        return whole if self._of is None else tuple(buffer._of_trace(self) for buffer in whole)

    @lazy
    def _buffers(self) -> tuple[Buffer, ...]:
        infos = self._file.buffers()
        return tuple(Buffer(self, index, info) for index, info in enumerate(infos))

    def buffer(self, name: str) -> Buffer:
        """Find a buffer by name, "" being the top one; of two with one name, the first.

        Raises:
            KeyError: the file has no such trace instance.
        """
        for buffer in self.buffers:
            if buffer.name == name:
                return buffer
        raise KeyError(f"no buffer is named {name!r}; there are {[b.name for b in self.buffers]}")

    @lazy
    def _reader(self) -> Reader:
        clock = self._recording.options.clock()
        reader = Reader(
            self._file,
            self._metadata,
            self.events,
            clock,
            self.byteorder,
            self._problems,
            lambda: self._symbols,
        )
        reader.peer = self.peer
        return reader

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

    def _readers(self, selection: Selection) -> list[Reader]:
        return [self._reader]

    def _answering(self, selection: Selection) -> list[Reader]:
        if selection.peers is not None:
            raise TypeError("peers: a file by itself has none; they are of a session")
        return [self._reader]

    # Records, one by one ------------------------------------------------------------------

    def iter(
        self,
        events: Names = None,
        *,
        where: str | Filter | None = None,
        exclude: Excluded = None,
        buffers: Iterable[str] | None = None,
        cpus: Numbers = None,
        start: Time = None,
        end: Time = None,
        pids: Numbers = None,
        order: Literal["time", "cpu"] = "time",
        reverse: bool = False,
        threads: int = 1,
        progress: Progress = None,
    ) -> Iterator[Event]:
        """Walk over records, as tracecmd_iterate_events(3) does.

        What is not wanted is passed over in the core: whole pages by time, records by event and
        task. Memory does not depend on the size of the file.

            >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
            ...     for event in trace.iter("sched_switch", cpus=0, end=204_919_000_000):
            ...         print(event.ts, event.comm, event["next_comm"])
            204918982669 <idle> rcu_preempt

        Args:
            events: names of events (``"sched_switch"``, ``"sched:sched_switch"``, ``"sched:*"``,
                ``"sched:sched_w*"``); None for all.
            where: a filter of fields, as for :meth:`table`: a text or a :class:`~tracecmd.Filter`.
            exclude: what is left out: names of events, which may have wildcards
                (``"sched_stat_*"``), a :class:`~tracecmd.Filter`, or several of both.
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
            KeyError: no event or buffer of that name, or no field of one in ``where``.
            FilterError: (a ValueError) ``where`` is not a filter, or compares what cannot be
                compared.
            TypeError, ValueError: an argument cannot be what it is; the message names it.
            TraceError: the data cannot be read; with ``strict``, some of it is damaged. Else
                damage is added to :attr:`problems`, and all that is whole comes out.
        """
        selection = Selection(
            self._recording,
            events,
            where=where,
            exclude=exclude,
            buffers=buffers,
            cpus=cpus,
            start=start,
            end=end,
            pids=pids,
            order=order,
            reverse=reverse,
        )
        return self._read(selection, ReadOptions(threads=threads, progress=progress))

    def at(
        self,
        ts: Time,
        events: Names = None,
        *,
        where: str | Filter | None = None,
        exclude: Excluded = None,
        buffers: Iterable[str] | None = None,
        cpus: Numbers = None,
        pids: Numbers = None,
    ) -> Event | None:
        """Find the first record at or after a time in ns; None if there is none.

        Takes a bisection over the pages of each CPU, not a walk; with a filter, a walk from there
        to the first record that it lets through.

            >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
            ...     trace.at(205_000_000_000)
            <Event 205.012737320 [000] <idle>-0 sched_switch>
        """
        selection = Selection(
            self._recording,
            events,
            where=where,
            exclude=exclude,
            buffers=buffers,
            cpus=cpus,
            start=ts,
            pids=pids,
        )
        return next(self._read(selection, ReadOptions(batch_rows=1)), None)

    def read_at(self, offset: int) -> Event | None:
        """Find the record at a place in the file, as tracecmd_read_at() does.

        That is the record that this byte is of, or else the next one in time on its CPU. None:
        there is none, or the byte is not of trace data, or that is compressed, so that records lie
        nowhere in the file.

            >>> with tracecmd.open("tests/data/i386-v6.dat") as trace:
            ...     event = trace.at(0, "sched_switch")
            ...     trace.read_at(event.offset).raw == event.raw
            True

        Args:
            offset: as :attr:`Event.offset`, or that of any other byte of a record.
        """
        offset = _arguments.whole("offset", offset)
        reader = self._reader
        found = reader.data.find_offset(offset) if 0 <= offset < 1 << 64 else None
        if found is None:
            return None
        stream, page = found
        start: int | None = 0
        if reader.data.is_monotone(stream):
            start = reader.data.page_ts(stream, page)
        if start is None:
            return None
        whole = Selection(self._recording, start=start)
        request = Request.of([reader], [Source(reader, stream, None, None)], whole, ReadOptions())
        for event in read_events(request):
            place = event.offset
            if place is not None and place + event.size > offset:
                return event
        return None

    # Records, many at once ----------------------------------------------------------------

    def table(
        self,
        events: Names = None,
        *,
        columns: Iterable[str] | None = None,
        where: str | Filter | None = None,
        exclude: Excluded = None,
        buffers: Iterable[str] | None = None,
        cpus: Numbers = None,
        start: Time = None,
        end: Time = None,
        pids: Numbers = None,
        order: Literal["time", "cpu"] = "time",
        reverse: bool = False,
        threads: int = 1,
        ts: Times = "timestamp",
        wall: bool = False,
        invalid_utf8: Literal["replace", "binary"] = "replace",
        dictionary: bool = True,
        symbols: bool = False,
        batch_rows: int = BATCH_ROWS,
        progress: Progress = None,
    ) -> Table:
        """Records as columns, for any consumer of Arrow data; no other package is needed.

        Of one event the columns are the record's own and all of the event's fields; of several
        the record's own, ``event``, and the fields that all of them have and declare alike.
        :class:`~tracecmd.Table` has their names, types and metadata.

            >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
            ...     columns = ["ts", "cpu", "next_pid"]
            ...     table = trace.table("sched_switch", columns=columns, where="next_comm ~ 'CPU*'")
            ...     sum(len(batch) for batch in table.batches())
            4198

        Args:
            events: as for :meth:`iter`.
            columns: names of columns, as above.
            where: a :class:`~tracecmd.Filter`, or the text of one, in the language of trace-cmd
                report -F:
                ``"prev_state == 0 && next_comm =~ '^kvm'"``, with or without events in front
                (``"sched/sched_switch: next_pid == 3"``). ``=~`` and ``!~`` take regular
                expressions, ``~`` the kernel's wildcards. Names are those of columns; ``COMM``
                and ``CPU`` are ``common_comm`` and ``cpu``, and a ``cpu`` that some event has as a
                field, too, has to be named by one of these or by its longer name. Numbers are
                compared as unsigned 64-bit ones. Other than there, ``a || b && c`` is an error:
                parentheses have to say which goes first.
            exclude, buffers, cpus, start, end, pids, order, reverse, threads, progress: as
                for :meth:`iter`.
            ts: type of the column ``ts``, whose values are ns in any case: ``"timestamp"``,
                ``"duration"`` or ``"uint64"``. The clocks of traces (:attr:`clock`) count from when
                the machine booted, so a timestamp looks like a time in 1970: ``"duration"`` says
                what it is, and shows as a length of time; ``"uint64"`` is for clocks that count
                something else (``counter``, ``x86-tsc`` without :attr:`tsc2nsec`). ``"wall"`` is
                time of day, in UTC, of files that say how their clock relates to it.
            wall: True is ``ts="wall"``.
            invalid_utf8: ``"replace"`` what is no UTF-8 by U+FFFD, or give texts as ``"binary"``.
            dictionary: False for plain texts everywhere.
            symbols: put a column of names behind each column of addresses that reports show as
                functions: ``ip_symbol`` behind ``ip``, ``caller_symbol`` behind ``caller``.
                ``columns`` may name them, too, with or without ``symbols``.
            batch_rows: rows in a batch, at most.

        Raises:
            TypeError, ValueError: an argument cannot be what it is; the message names it.
            UnknownEventError, UnknownFieldError: (KeyErrors) no such event or field; near names
                are suggested.
            FilterError: (a ValueError) ``where`` is not a filter, or compares what cannot be
                compared in any of the events, such as a number with a text.
            UnsupportedError: (a ValueError) wall time is asked for, and a file does not tell it:
                ``trace-cmd record --date`` records what it takes.
            ValueError: the types of fields by one name cannot be one column.
        """
        selection = Selection(
            self._recording,
            events,
            where=where,
            exclude=exclude,
            buffers=buffers,
            cpus=cpus,
            start=start,
            end=end,
            pids=pids,
            order=order,
            reverse=reverse,
        )
        layout = Layout(
            columns,
            ts=ts,
            invalid_utf8=invalid_utf8,
            dictionary=dictionary,
            symbols=symbols,
            wall=wall,
        )
        return self._table(selection, layout, ReadOptions(threads, batch_rows, progress))

    @options_of(table)
    def tables(self, events: Names = None, **options: Any) -> Tables:
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
            patterns = _arguments.names("events", events) or ()
            selected = [str(event) for name in patterns for event in self.events.select(name)]
            names = list(dict.fromkeys(selected))
        if options.get("exclude") is not None:
            whole = Selection(self._recording, names, exclude=options["exclude"])
            kept = {str(event) for event in choose([self._reader], whole).formats}
            names = [name for name in names if name in kept]
        return Tables({name: self.table(name, **options) for name in names})

    @options_of(table)
    def batches(self, events: Names = None, **options: Any) -> Iterator[RecordBatch]:
        """The batches of a :meth:`table`, of ``batch_rows`` rows at most, as they are read."""
        return self.table(events, **options).batches()

    def report(
        self,
        options: ReportOptions | None = None,
        *,
        filters: str | Iterable[str] = (),
        filters_out: str | Iterable[str] = (),
        exclude: Excluded = None,
        cpus: Numbers = None,
        start: Time = None,
        end: Time = None,
        threads: int = 1,
        progress: Progress = None,
    ) -> Iterator[bytes]:
        """Give what ``trace-cmd report`` prints, piece by piece: trace-cmd-report(1).

        Args:
            options: how the text is made.
            filters: filters of which one has to let a record through (-F).
            filters_out: filters none of which may (-v -F).
            exclude, cpus, start, end, threads, progress: as for :meth:`iter`.

        Raises:
            FilterError: (a ValueError) a filter cannot be read, or fits no event of the file.
            OSError: options.kallsyms cannot be read.
            ValueError: raw_events or plain_events of options is not a regular expression.
        """
        selection = Selection(self._recording, exclude=exclude, cpus=cpus, start=start, end=end)
        return report(
            [self._reader],
            selection,
            ReadOptions(threads=threads, progress=progress),
            options or ReportOptions(),
            _arguments.names("filters", filters) or (),
            _arguments.names("filters_out", filters_out) or (),
        )

    def stat(
        self,
        *,
        where: str | Filter | None = None,
        exclude: Excluded = None,
        start: Time = None,
        end: Time = None,
        threads: int = 1,
        progress: Progress = None,
    ) -> Stat:
        """Count all records, by event and CPU.

            >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
            ...     counted = trace.stat()
            ...     counted.records, counted.events["kvm:kvm_exit"], len(counted.cpus)
            (30334, 1718, 2)

        Args:
            where: count what a filter lets through only, as for :meth:`iter`. Losses are counted
                as without: what was lost cannot be compared. Events of which nothing is left are
                not in :attr:`~tracecmd.Stat.events`.
            exclude: count all but these, as for :meth:`iter`.
            start, end: count records of these times, as for :meth:`iter`. Losses then are those of
                :meth:`losses`, which reach into the window; damaged pages are among them.
            threads: how many slices of the file to count side by side.
            progress: called now and then with pages counted and all pages.
        """
        selection = Selection(self._recording, where=where, exclude=exclude, start=start, end=end)
        options = ReadOptions(threads=threads, progress=progress)
        return count_selected([self._reader], selection, options)[0]
