"""The questions that a file and a session answer alike."""

from __future__ import annotations

from collections.abc import Iterable

from .. import _lowlevel
from .._reading import Names, Numbers, Progress, Time
from .answer import BATCH_ROWS, Answer, Asked, Times, all_sources, ask, by_cpu
from .calls import Calls
from .jobs import Jobs
from .ready import ReadyMade
from .residency import make_residency
from .sched import Sched
from .spans import Key, make_spans

__all__ = ["Analyses"]


class Analyses(ReadyMade, Jobs, Calls):
    """Answers that take a state: one pass over the records, in the core.

    All take a window of time, CPUs and tasks, and give an :class:`~tracecmd.Answer`. Those of a
    session have one column more, ``peer``: text.
    """

    @property
    def sched(self) -> Sched:
        """What tasks did: their states, times and waits."""
        self._require_open()
        return Sched(self._recording, self._answering)

    def losses(
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
        """Where events were lost, in the kernel or with pages that are damaged.

            >>> with tracecmd.open("tests/data/i386-lost.dat") as trace:
            ...     losses = trace.losses(ts="uint64").to_numpy()
            >>> for name in ("cpu", "from", "to", "count"):
            ...     print(name, losses[name].tolist())
            cpu [0, 1, 0, 1]
            from [179601877736, 179793974408, 179803058460, 180015467548]
            to [179632145118, 179829577043, 179827058646, 180041168392]
            count [1223, 138, 2308, 3538]

        Rows come in the order in which they began.

        Columns:
            ``cpu`` uint32; ``from`` time of the last record before, null: there is none (or none
            was read: of a window that begins after it); ``to`` time of the first record after,
            null: there is none, as the last pages are damaged; ``count`` uint64 events, null: not
            known; ``buffer`` text, the trace instance.

        Args:
            start, end: times in ns; losses that reach into ``start <= ts < end``, whole. None for
                no bound.
            cpus: numbers of CPUs; None for all.
            buffers: names of buffers, "" for the top one; None for all.
            ts: type of the columns of times, as for :meth:`Trace.table`.
            batch_rows: about how many rows a batch has.
            peers, threads: of a session; see :class:`Session`.
            progress: called now and then with work done and all work, in pages.

        Raises:
            KeyError: no buffer of that name.
            TypeError, ValueError: an argument cannot be what it is; the message names it.
            TraceError: the data cannot be read.
        """
        asked = Asked(start, end, cpus, None, buffers, ts, batch_rows, progress, peers, threads)
        selection = by_cpu(asked.selection(self._recording), asked)
        readers = self._answering(selection)
        sources = all_sources(readers, selection)
        return ask(readers, sources, selection, asked, "losses", _lowlevel.analyses.losses)

    def spans(
        self,
        first: str,
        last: str,
        *,
        key: Key | Iterable[Key],
        fields: Iterable[str] = (),
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
        """What lies between an event and the next one that ends it, told apart by a key.

        Of several spans that are open with one key the last to begin ends first.

            >>> with tracecmd.open("tests/data/i386-v6.dat") as trace:
            ...     spans = trace.spans("softirq_entry", "softirq_exit", key=("cpu", "vec"))
            ...     sum(len(batch) for batch in spans.batches())
            218

        Columns:
            ``start``, ``end`` times of the two records, and ``duration`` uint64 ns between them,
            null where one of the records is not there; ``self`` uint64 ns, the duration without
            that of spans that began and ended inside this one, on the same CPU or of the same
            task, whichever is part of the key, else of the same key; null where the duration is.
            ``cpu`` uint32 and ``pid`` int32 (the record's ``common_pid``) of the first record, or
            of the last where that is all there is. The fields of the key and ``fields``, by name,
            of types as in tables but without dictionaries of their own; a name that is taken has
            the event's in front, ``"sys_exit.id"``. ``lost`` bool: events were lost between the
            two records, or before the only one, on its CPU where that is part of the key, else on
            any; whatever losses may have changed is marked. ``buffer`` text; spans of different
            buffers do not meet.

        Args:
            first, last: the events.
            key: one name or several. ``"cpu"`` and ``"pid"`` are the record's own, other names
                fields of both events, numbers or texts; a pair names one field of each, as
                ``[("pid", "next_pid")]`` does for ``sched_waking`` and ``sched_switch``.
            fields: more fields: ``"name"`` is that of the first event, or, where that has none,
                of the last; ``"irq_handler_exit.ret"`` that event's.
            start, end: times in ns, records with ``start <= ts < end``; None for no bound. What
                began before, or ends after, has no record there.
            cpus, pids: rows with these in the columns ``cpu`` and ``pid``; None for all.
            buffers, ts, batch_rows, peers, threads, progress: as for :meth:`losses`.

        Raises:
            UnknownEventError, UnknownFieldError: (KeyErrors) no file has both events, or they
                have no such field; near names are suggested.
            KeyError: no buffer of that name.
            LimitError: what is open at once takes more memory than the file's budget.
            TypeError, ValueError: an argument cannot be what it is; a field is neither a number
                nor a text.
            TraceError: the data cannot be read.
        """
        asked = Asked(start, end, cpus, pids, buffers, ts, batch_rows, progress, peers, threads)
        selection = asked.selection(self._recording)
        readers = self._answering(selection)
        return make_spans(readers, selection, asked, (first, last), key, fields)

    def residency(
        self,
        event: str,
        *,
        key: str,
        value: str,
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
        """How long a field of an event had which value, by another of its fields.

        That of idle states is ``residency("cpu_idle", key="cpu_id", value="state")``, that of
        frequencies the same of ``cpu_frequency``.

            >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
            ...     trace.residency("sched_waking", key="pid", value="target_cpu").column_names
            ('pid', 'target_cpu', 'start', 'end', 'duration', 'cpu', 'lost', 'buffer')

        Columns:
            the key and the value, by their fields' names and of their types (``event.field`` where
            a column of another kind has that name); ``start`` time of the record that set the
            value; ``end`` time of the next record of this key, ``duration`` uint64 ns between
            them, both null for the value that a key had last; ``cpu`` uint32 of the record that
            set it; ``lost`` bool: events were lost meanwhile, of ``cpu_idle`` by ``cpu_id``, which
            a CPU records of itself, on that CPU, else on any; ``buffer`` text. What a key had
            before its first record is not known, and has no row.

        Args:
            event: the event.
            key, value: fields of it, numbers or texts.
            start, end: times in ns, records with ``start <= ts < end``; None for no bound. What
                was set before is not known.
            cpus: rows with these in the column ``cpu``; None for all.
            buffers, ts, batch_rows, peers, threads, progress: as for :meth:`losses`.

        Raises:
            UnknownEventError, UnknownFieldError: (KeyErrors) no file has the event, or it has no
                such field; near names are suggested.
            KeyError: no buffer of that name.
            TypeError, ValueError: an argument cannot be what it is; a field is neither a number
                nor a text.
            TraceError: the data cannot be read.
        """
        asked = Asked(start, end, cpus, None, buffers, ts, batch_rows, progress, peers, threads)
        selection = asked.selection(self._recording)
        readers = self._answering(selection)
        return make_residency(readers, selection, asked, event, key, value)
