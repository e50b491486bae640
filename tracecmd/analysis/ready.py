"""Questions that are asked often: what interrupts, system calls and programs' marks took."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from .. import _lowlevel
from .._lowlevel import SpanPart
from .._reading import Names, Numbers, Progress, Reader, Recording, Selection, Time
from .answer import BATCH_ROWS, Answer, Asked, Times, all_sources, ask
from .needs import find_event, require
from .spans import Key, make_spans

__all__ = ["ReadyMade"]

_ENTER, _EXIT = "sys_enter_", "sys_exit_"


class ReadyMade:
    """Spans and marks of well-known events, each with the columns of its own."""

    _recording: Recording

    def _readers(self, selection: Selection) -> Sequence[Reader]:
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
            start, end, cpus, pids, buffers, ts, batch_rows, progress: as for :meth:`Trace.spans`.

        Raises:
            MissingEventError: (a KeyError) no file has the events.
            KeyError, TypeError, ValueError, TraceError: as for :meth:`Trace.spans`.
        """
        asked = Asked(start, end, cpus, pids, buffers, ts, batch_rows, progress)
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
        progress: Progress = None,
    ) -> Answer:
        """What softirqs took, from ``softirq_entry`` and ``softirq_exit``.

        Columns:
            as of :meth:`Trace.spans`, with ``vec`` uint32; what these numbers are called
            ``trace.events["softirq_entry"].symbols["vec"]`` says.

        Args:
            start, end, cpus, pids, buffers, ts, batch_rows, progress: as for :meth:`Trace.spans`.

        Raises:
            MissingEventError: (a KeyError) no file has the events.
            KeyError, TypeError, ValueError, TraceError: as for :meth:`Trace.spans`.
        """
        asked = Asked(start, end, cpus, pids, buffers, ts, batch_rows, progress)
        return self._pair(
            "softirqs()", asked, ("irq:softirq_entry", "irq:softirq_exit"), ("cpu", "vec"), ()
        )

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
        progress: Progress = None,
    ) -> Answer:
        """What system calls took, from ``raw_syscalls`` or, where they are not there, ``syscalls``.

        Columns:
            as of :meth:`Trace.spans`, with the call's number (``id``, or of ``syscalls`` ``nr`` or
            ``__syscall_nr``) and ``ret``, what it returned, as integers; of ``syscalls`` also
            ``name`` text, which raw_syscalls do not have.

        Args:
            start, end, cpus, pids, buffers, ts, batch_rows, progress: as for :meth:`Trace.spans`.

        Raises:
            MissingEventError: (a KeyError) no file has the events.
            KeyError, TypeError, ValueError, TraceError: as for :meth:`Trace.spans`.
        """
        asked = Asked(start, end, cpus, pids, buffers, ts, batch_rows, progress)
        raw = ("raw_syscalls:sys_enter", "raw_syscalls:sys_exit")
        readers = self._readers(asked.selection(self._recording))
        named = _named_calls(readers)
        if named is None or all(find_event(readers, name) for name in raw):
            return self._pair("syscalls()", asked, raw, ("pid", "id"), ("ret",))
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
        progress: Progress = None,
    ) -> Answer:
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

        Args:
            start, end, cpus, pids, buffers, ts, batch_rows, progress: as for :meth:`Trace.spans`.

        Raises:
            MissingEventError: (a KeyError) no file has the event ``ftrace:print``.
            KeyError, TypeError, ValueError, TraceError: as for :meth:`Trace.spans`.
        """
        asked = Asked(start, end, cpus, pids, buffers, ts, batch_rows, progress)
        selection = asked.selection(self._recording)
        readers = self._readers(selection)
        require(readers, "markers()", "ftrace:print")
        sources = all_sources(readers, selection)
        return ask(readers, sources, selection, asked, "markers", _lowlevel.analyses.markers)

    def _pair(
        self,
        what: str,
        asked: Asked,
        events: tuple[str, str],
        key: tuple[Key, ...],
        fields: tuple[str, ...],
    ) -> Answer:
        selection = asked.selection(self._recording)
        readers = self._readers(selection)
        for name in events:
            require(readers, what, name)
        return make_spans(readers, selection, asked, events, key, fields)


def _named_calls(readers: Sequence[Reader]) -> tuple[list[str], list[str]] | None:
    """The events of single system calls that files have; None: there are none."""
    names = {name for reader in readers for name in reader.events if name.startswith("syscalls:")}
    begins = sorted(name for name in names if name.startswith(f"syscalls:{_ENTER}"))
    ends = sorted(name for name in names if name.startswith(f"syscalls:{_EXIT}"))
    return (begins, ends) if begins and ends else None
