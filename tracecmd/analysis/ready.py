"""Questions that are asked often: what interrupts, system calls and programs' marks took."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from .. import _lowlevel
from .._lowlevel import SpanPart
from .._reading import Names, Numbers, Progress, Reader, Recording, Selection, Time
from .answer import BATCH_ROWS, Answer, Asked, Times, all_sources, ask
from .needs import find_event, require, require_all
from .residency import make_residency
from .spans import Key, make_spans
from .syscall_names import names_of
from .windows import Markers

__all__ = ["ReadyMade"]

_ENTER, _EXIT = "sys_enter_", "sys_exit_"
_FAULTS = ("exceptions:page_fault_user", "exceptions:page_fault_kernel")


class ReadyMade:
    """Spans and marks of well-known events, each with the columns of its own."""

    _recording: Recording

    def _answering(self, selection: Selection) -> Sequence[Reader]:
        """The files that the selection is of."""
        raise NotImplementedError

    def _require_open(self) -> None:
        """Raise ClosedError after it was closed."""
        raise NotImplementedError

    def irqs(
        self,
        *,
        start: Time = None,
        end: Time = None,
        cpus: Numbers = None,
        pids: Numbers = None,
        buffers: Names = None,
        ts: Times = "timestamp",
        batch_rows: int = BATCH_ROWS,
        peers: Names = None,
        threads: int | None = None,
        progress: Progress = None,
    ) -> Answer:
        """What handlers of interrupts took, from ``irq_handler_entry`` and ``irq_handler_exit``.

            >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
            ...     trace.irqs().column_names[6:]
            ('irq', 'name', 'ret', 'lost', 'buffer')

        Columns:
            as of :meth:`Trace.spans`, with ``irq`` int32, ``name`` text and ``ret`` int32, 0 where
            it was not the handler's. ``pid`` is the task that was interrupted.

        Args:
            start, end, cpus, pids, buffers, ts, batch_rows, peers, threads, progress: as for
                :meth:`Trace.spans`.

        Raises:
            MissingEventError: (a KeyError) no file has the events.
            KeyError, TypeError, ValueError, TraceError: as for :meth:`Trace.spans`.
        """
        asked = Asked(start, end, cpus, pids, buffers, ts, batch_rows, progress, peers, threads)
        pair = ("irq:irq_handler_entry", "irq:irq_handler_exit")
        return self._pair("irqs()", asked, pair, ("cpu", "irq"), ("name", "ret"))

    def softirqs(
        self,
        *,
        start: Time = None,
        end: Time = None,
        cpus: Numbers = None,
        pids: Numbers = None,
        buffers: Names = None,
        ts: Times = "timestamp",
        batch_rows: int = BATCH_ROWS,
        peers: Names = None,
        threads: int | None = None,
        progress: Progress = None,
    ) -> Answer:
        """What softirqs took, from ``softirq_entry`` and ``softirq_exit``.

        Columns:
            as of :meth:`Trace.spans`, with ``vec`` uint32 and ``name`` text, what the event's print
            format calls it, ``RCU``, null where it has no name.

        Args:
            start, end, cpus, pids, buffers, ts, batch_rows, peers, threads, progress: as for
                :meth:`Trace.spans`.

        Raises:
            MissingEventError: (a KeyError) no file has the events.
            KeyError, TypeError, ValueError, TraceError: as for :meth:`Trace.spans`.
        """
        asked = Asked(start, end, cpus, pids, buffers, ts, batch_rows, progress, peers, threads)
        pair = ("irq:softirq_entry", "irq:softirq_exit")
        name = SpanPart("named", "name", "vec")
        return self._pair("softirqs()", asked, pair, ("cpu", "vec"), (), (name,))

    def syscalls(
        self,
        *,
        start: Time = None,
        end: Time = None,
        cpus: Numbers = None,
        pids: Numbers = None,
        buffers: Names = None,
        ts: Times = "timestamp",
        batch_rows: int = BATCH_ROWS,
        peers: Names = None,
        threads: int | None = None,
        progress: Progress = None,
    ) -> Answer:
        """What system calls took, from ``raw_syscalls`` or, where they are not there, ``syscalls``.

        Columns:
            as of :meth:`Trace.spans`, with the call's number (``id``, or of ``syscalls`` ``nr`` or
            ``__syscall_nr``) and ``ret``, what it returned, as integers; ``name`` text. Records of
            raw_syscalls do not have that: it is of the tables for the recorded machine in the
            package system-calls (``pip install 'tracecmd[syscalls]'``), without which it is null,
            as the answer's ``notes`` say. 32-bit programs on a 64-bit machine have numbers of
            their own, which records do not tell apart: they are named as if they were the
            machine's.

        Args:
            start, end, cpus, pids, buffers, ts, batch_rows, peers, threads, progress: as for
                :meth:`Trace.spans`.

        Raises:
            MissingEventError: (a KeyError) no file has the events.
            KeyError, TypeError, ValueError, TraceError: as for :meth:`Trace.spans`.
        """
        asked = Asked(start, end, cpus, pids, buffers, ts, batch_rows, progress, peers, threads)
        raw = ("raw_syscalls:sys_enter", "raw_syscalls:sys_exit")
        readers = self._answering(asked.selection(self._recording))
        named = _named_calls(readers)
        if named is None or all(find_event(readers, name) for name in raw):
            require_all(readers, "syscalls()", *raw)
            names, notes = names_of(readers)
            selection = asked.selection(self._recording)
            name = (SpanPart("named", "name", "id"),)
            key, fields = ("pid", "id"), ("ret",)
            answer = make_spans(readers, selection, asked, raw, key, fields, name, names)
            answer.notes = notes
            return answer
        return self._named_syscalls(readers, asked, *named)

    def _named_syscalls(
        self, readers: Sequence[Reader], asked: Asked, begins: list[str], ends: list[str]
    ) -> Answer:
        selection = asked.selection(self._recording)
        form = find_event(readers, begins[0])
        assert form is not None
        number = "nr" if "nr" in form.fields else "__syscall_nr"
        make = partial(
            _lowlevel.analyses.spans,
            begin=",".join(begins),
            end=",".join(ends),
            keys=[SpanPart("pid"), SpanPart("field", number, number, number)],
            fields=[SpanPart("end", "ret", "ret", "ret"), SpanPart("event", "name", _ENTER, _EXIT)],
        )
        sources = all_sources(readers, selection)
        return ask(readers, sources, selection, asked, "syscalls", make)

    def markers(
        self,
        *,
        start: Time = None,
        end: Time = None,
        cpus: Numbers = None,
        pids: Numbers = None,
        buffers: Names = None,
        ts: Times = "timestamp",
        batch_rows: int = BATCH_ROWS,
        peers: Names = None,
        threads: int | None = None,
        progress: Progress = None,
    ) -> Markers:
        """What programs wrote into ``trace_marker``: texts, and spans and counters of atrace.

            >>> with tracecmd.open("tests/data/armhf-marker.dat") as trace:
            ...     markers = trace.markers().to_numpy()
            >>> markers["kind"][:2].tolist(), markers["name"][:2].tolist()
            (['mark', 'mark'], ['marker number 1', 'marker number 2'])

        Columns:
            ``start``, ``end`` times and ``duration`` uint64 ns, null where one side is not there;
            ``cpu`` uint32 and ``pid`` int32 of the task that wrote the first (or only) one;
            ``kind`` text: ``slice`` (``B|PID|NAME`` up to the ``E`` of the same task, the last to
            begin first), ``async`` (``S|PID|NAME|COOKIE`` up to ``F|PID|NAME|COOKIE``),
            ``counter`` (``C|PID|NAME|VALUE``) or ``mark``, any other text; ``process`` uint32, PID
            in the text, else null; ``name`` text, of a mark all of it, null of an ``E`` without
            ``B``; ``value`` int64 of a counter, else null; ``lost`` bool: events were lost
            meanwhile, on any CPU; ``buffer`` text.

        Its ``windows()`` gives the marked stretches of time, to ask everything else about.

        Args:
            start, end, cpus, pids, buffers, ts, batch_rows, peers, threads, progress: as for
                :meth:`Trace.spans`.

        Raises:
            MissingEventError: (a KeyError) no file has the event ``ftrace:print``.
            KeyError, TypeError, ValueError, TraceError: as for :meth:`Trace.spans`.
        """
        asked = Asked(start, end, cpus, pids, buffers, ts, batch_rows, progress, peers, threads)
        selection = asked.selection(self._recording)
        readers = self._answering(selection)
        require(readers, "markers()", "ftrace:print")
        sources = all_sources(readers, selection)
        whole = ask(readers, sources, selection, asked, "markers", _lowlevel.analyses.markers)
        return Markers(whole._question, "markers", whole._threads)

    def frequencies(
        self,
        *,
        start: Time = None,
        end: Time = None,
        cpus: Numbers = None,
        buffers: Names = None,
        ts: Times = "timestamp",
        batch_rows: int = BATCH_ROWS,
        peers: Names = None,
        threads: int | None = None,
        progress: Progress = None,
    ) -> Answer:
        """How long each CPU had which frequency, from ``cpu_frequency``.

        Columns:
            as of :meth:`Trace.residency`, with ``cpu_id`` uint32 and ``frequency`` uint32 kHz. Of
            what a CPU had before it was first set in the window nothing is known.

        Args:
            start, end, cpus, buffers, ts, batch_rows, peers, threads, progress: as for
                :meth:`Trace.residency`; ``cpus`` are those that set it, which need not be
                those whose it is.

        Raises:
            MissingEventError: (a KeyError) no file has the event.
            KeyError, TypeError, ValueError, TraceError: as for :meth:`Trace.residency`.
        """
        asked = Asked(start, end, cpus, None, buffers, ts, batch_rows, progress, peers, threads)
        selection = asked.selection(self._recording)
        readers = self._answering(selection)
        event = "power:cpu_frequency"
        require(readers, "frequencies()", event)
        return make_residency(readers, selection, asked, event, "cpu_id", "state", "frequency")

    def page_faults(
        self,
        *,
        by: Literal["function", "task"] = "function",
        start: Time = None,
        end: Time = None,
        cpus: Numbers = None,
        pids: Numbers = None,
        buffers: Names = None,
        ts: Times = "timestamp",
        batch_rows: int = BATCH_ROWS,
        peers: Names = None,
        threads: int | None = None,
        progress: Progress = None,
    ) -> Answer:
        """How often tasks took page faults, and where, from ``page_fault_user`` and ``_kernel``.

        These events tell that a fault begins, and none when it is over: there are no durations.
        Kernels have them on x86 and RISC-V.

            >>> with tracecmd.open("tests/data/k72-all.dat") as trace:
            ...     faults = trace.page_faults(by="task").to_numpy()
            >>> faults["event"].tolist(), faults["count"].tolist()
            (['page_fault_user', 'page_fault_user', 'page_fault_kernel'], [6, 4, 2])

        Columns:
            ``pid`` int32; ``name`` text, the saved one; ``event`` text; ``function`` text, the
            kernel's that the instruction (``ip``) is in, null for a program's; ``address`` uint64
            of that function, or of the instruction itself, both null of ``by="task"``; ``count``
            uint64; ``first``, ``last`` times; ``lost`` bool: events of the buffer were lost in the
            window, so that there may have been more; ``buffer`` text. The most frequent come first.

        Args:
            by: what is told apart besides tasks and the two events: ``"function"``, or ``"task"``,
                nothing.
            start, end, cpus, pids, buffers, ts, batch_rows, peers, threads, progress: as for
                :meth:`Trace.spans`.

        Raises:
            MissingEventError: (a KeyError) no file has the events.
            KeyError, TypeError, ValueError, TraceError: as for :meth:`Trace.spans`.
        """
        if by not in ("function", "task"):
            raise ValueError(f"by={by!r}; it is 'function' or 'task'")
        asked = Asked(start, end, cpus, pids, buffers, ts, batch_rows, progress, peers, threads)
        selection = asked.selection(self._recording)
        readers = self._answering(selection)
        require(readers, "page_faults()", *_FAULTS)
        sources = all_sources(readers, selection)
        make = partial(
            _lowlevel.analyses.counts,
            events=_FAULTS,
            address="ip" if by == "function" else None,
            symbols=[source.reader.symbols for source in sources],
        )
        return ask(readers, sources, selection, asked, "page faults", make)

    def _pair(
        self,
        what: str,
        asked: Asked,
        events: tuple[str, str],
        key: tuple[Key, ...],
        fields: tuple[str, ...],
        more: tuple[SpanPart, ...] = (),
    ) -> Answer:
        selection = asked.selection(self._recording)
        readers = self._answering(selection)
        require_all(readers, what, *events)
        return make_spans(readers, selection, asked, events, key, fields, more)


def _named_calls(readers: Sequence[Reader]) -> tuple[list[str], list[str]] | None:
    """The events of single system calls that files have; None: there are none."""
    names = {name for reader in readers for name in reader.events if name.startswith("syscalls:")}
    begins = sorted(name for name in names if name.startswith(f"syscalls:{_ENTER}"))
    ends = sorted(name for name in names if name.startswith(f"syscalls:{_EXIT}"))
    return (begins, ends) if begins and ends else None
