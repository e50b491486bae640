"""What waits and is then done: work items, timers, requests to block devices."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from .. import _lowlevel
from .._lowlevel import JobEvents, JobField
from .._reading import Names, Numbers, Progress, Reader, Recording, Selection, Time
from .answer import BATCH_ROWS, Answer, Asked, Times, all_sources, ask
from .needs import find_event, require_all

__all__ = ["Jobs"]


class _Kind(NamedTuple):
    """Events, keys and fields of jobs of some kind."""

    what: str
    events: JobEvents
    keys: tuple[str, ...]
    fields: tuple[JobField, ...]


_WORK = _Kind(
    "workqueues()",
    JobEvents(
        "workqueue:workqueue_execute_start",
        "workqueue:workqueue_execute_end",
        "workqueue:workqueue_queue_work",
    ),
    ("work",),
    (
        JobField("function", "function", symbol=True),
        JobField("workqueue", "workqueue", ("queue",), text=True),
    ),
)
_TIMERS = _Kind(
    "timers()",
    JobEvents(
        "timer:timer_expire_entry",
        "timer:timer_expire_exit",
        "timer:timer_start",
        "timer:timer_cancel",
    ),
    ("timer",),
    (
        JobField("function", "function", symbol=True),
        JobField("expires", "expires", ("queue",)),
        JobField("now", "now", ("start",)),
    ),
)
_HRTIMERS = _Kind(
    "hrtimers()",
    JobEvents(
        "timer:hrtimer_expire_entry",
        "timer:hrtimer_expire_exit",
        "timer:hrtimer_start",
        "timer:hrtimer_cancel",
    ),
    ("hrtimer",),
    _TIMERS.fields,
)
_BLOCK = _Kind(
    "block_io()",
    JobEvents("block:block_rq_issue", "block:block_rq_complete", "block:block_rq_insert"),
    ("dev", "sector"),
    (
        JobField("nr_sector", "nr_sector"),
        JobField("bytes", "bytes"),
        JobField("rwbs", "rwbs", text=True),
        JobField("comm", "comm", ("queue", "start"), text=True),
        JobField("error", "error", ("end",)),
    ),
)


class Jobs:
    """Answers about work that is queued, begun and ended, each by an event of its own.

    All of them have the columns:

        ``queued``, ``start``, ``end`` times, null where there is no such record; ``waited``,
        ``duration`` uint64 ns, from ``queued`` to ``start`` and from that to ``end``; ``cpu``
        uint32 and ``pid`` int32 (``common_pid``) where it started, or, where that was not seen,
        ended, or was queued; ``queued_cpu``, ``queued_pid`` where it was queued; their own;
        ``lost`` bool: events were lost, on any CPU, since it was queued, or before it ended if
        that was not seen; whatever losses may have changed is marked. ``buffer`` text.

    They take what :meth:`Trace.spans` does: ``start``, ``end``, ``cpus``, ``pids`` (of the columns
    ``cpu`` and ``pid``), ``buffers``, ``ts``, ``batch_rows``, ``peers``, ``threads`` and
    ``progress``; and raise what it does, and MissingEventError (a KeyError) where no file has
    the events. Rows come in the order in which jobs ended, those that are open at the end last.
    """

    _recording: Recording

    def _answering(self, selection: Selection) -> Sequence[Reader]:
        """The files that the selection is of."""
        raise NotImplementedError

    def workqueues(
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
        """How long work items waited and took, by ``work``.

        From ``workqueue_execute_start`` and ``workqueue_execute_end``, and, where it was recorded,
        ``workqueue_queue_work``, without which nothing is known of waiting.

            >>> with tracecmd.open("tests/data/k72-sched.dat") as trace:
            ...     work = trace.workqueues(ts="uint64").to_numpy()
            >>> work["function"].tolist(), work["waited"].tolist(), work["duration"].tolist()
            (['srcu_invoke_callbacks', 'process_srcu'], [241468, None], [37366, None])

        Columns:
            those of :class:`Jobs`, with ``work`` uint64, its address; ``function`` text, the
            symbol of what it calls, or the address in hex; ``workqueue`` text (a number where the
            kernel recorded its address). An item may be queued anew while it is being done.
        """
        asked = Asked(start, end, cpus, pids, buffers, ts, batch_rows, progress, peers, threads)
        return self._jobs(_WORK, asked)

    def timers(
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
        """When timers were set and expired, and how long their functions took, by ``timer``.

        From ``timer_expire_entry`` and ``timer_expire_exit``, and, where they were recorded,
        ``timer_start`` and ``timer_cancel``.

        Columns:
            those of :class:`Jobs`, with ``timer`` uint64, its address; ``function`` text, the
            symbol of what it calls, or the address in hex; ``expires`` uint64, when it should
            (jiffies), of ``timer_start``, and ``now`` uint64, when it did (jiffies), of
            ``timer_expire_entry``; ``cancelled`` time when it was, or was set anew, instead of
            expiring, else null.
        """
        asked = Asked(start, end, cpus, pids, buffers, ts, batch_rows, progress, peers, threads)
        return self._jobs(_TIMERS, asked)

    def hrtimers(
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
        """The same of high-resolution timers, by ``hrtimer``.

        From ``hrtimer_expire_entry`` and ``hrtimer_expire_exit``, and, where they were recorded,
        ``hrtimer_start`` and ``hrtimer_cancel``.

        Columns:
            those of :meth:`timers`, with ``hrtimer``; ``expires`` and ``now`` are int64 ns of the
            timer's own clock: ``now - expires`` is how late it was.
        """
        asked = Asked(start, end, cpus, pids, buffers, ts, batch_rows, progress, peers, threads)
        return self._jobs(_HRTIMERS, asked)

    def block_io(
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
        """What requests to block devices took, by ``dev`` and ``sector``.

        From ``block_rq_issue`` and ``block_rq_complete``, and, where it was recorded,
        ``block_rq_insert``, which requests that need not wait do not have. ``queued`` is when one
        was inserted, ``start`` when it was issued to the device.

        Columns:
            those of :class:`Jobs`, with ``dev`` uint32 and ``sector`` uint64; ``nr_sector``
            uint32, ``bytes`` uint32, ``rwbs`` text, ``comm`` text of the first record that has
            them, and ``error`` int32 of the last. ``cpu`` and ``pid`` are those that issued it.
            A request that the device completes in parts ends with the first of them; the others
            begin at sectors of their own, and have an ``end`` alone.
        """
        asked = Asked(start, end, cpus, pids, buffers, ts, batch_rows, progress, peers, threads)
        return self._jobs(_BLOCK, asked)

    def _jobs(self, kind: _Kind, asked: Asked) -> Answer:
        selection = asked.selection(self._recording)
        readers = self._answering(selection)
        events = kind.events
        if any(find_event(readers, name) is None for name in (events.start, events.end)):
            steps = (events.queue, events.start, events.end, events.cancel)
            require_all(readers, kind.what, *(name for name in steps if name is not None))
        if events.queue is not None and find_event(readers, events.queue) is None:
            events = events._replace(queue=None)
        sources = all_sources(readers, selection)
        make = partial(
            _lowlevel.analyses.jobs,
            events=events,
            keys=kind.keys,
            fields=kind.fields,
            symbols=[source.reader.symbols for source in sources],
        )
        return ask(readers, sources, selection, asked, kind.what.removesuffix("()"), make)
