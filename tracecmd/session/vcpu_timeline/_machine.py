"""For joins: the records of host and guests in order of time, each given to its thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ..._reading import Progress, Selection, choose, id_bitmap
from ..._reading.lookahead import LOSS_BEGINS, LOSS_ENDS, NO_ROWS, Row, Stream, merge
from ...events import EventFormat
from ...trace import Trace
from ._guest import SWITCH_FIELDS, task_handler, task_of
from ._host import ENTRY, EXIT, SWITCH, WAKES, Handler, HostCpus
from ._interval import Interval, Task
from ._span import buffer_names, on_one_clock, recorded, recorded_span
from ._thread import Thread

if TYPE_CHECKING:
    from ..session import Session

DONE_ROWS = 512
_TASK_ROW = -3  # instead of an event's id: a row of our own, for _task_rows


class Followed(NamedTuple):
    """A record that was asked for, given when all threads are at its time.

    ``thread`` is that of the vCPU that a guest's record was made on, or the one that made a
    host's record; None if there is none, or the guest is not on the host's clock.
    """

    row: Row
    stream: Stream
    thread: Thread | None


class _Place(NamedTuple):
    """What is done with the rows of one stream."""

    cpu: int
    handlers: Mapping[int, Handler]
    asked: frozenset[int] | None  # ids of events to give to the join; None: all
    is_host: bool
    thread: Thread | None


class Machine:
    """Follows the threads of all vCPUs through a session's records.

    Args:
        session: the session.
        buffers: names of buffers to read; None: all on the clock of the peer's top buffer.
        guests: names of guests; None for all.
        asked: peers and events whose records :meth:`run` shall give.
        count_guest_records: count for each thread how many of the guest's records lie between
            KVM events.
        progress: called now and then with work done and all work, in pages.
    """

    def __init__(
        self,
        session: Session,
        *,
        buffers: Iterable[str] | None = None,
        guests: Iterable[str] | None = None,
        asked: Mapping[str, Iterable[str] | None] | None = None,
        count_guest_records: bool = False,
        progress: Progress = None,
    ) -> None:
        chosen = None if guests is None else {guests} if isinstance(guests, str) else set(guests)
        self._session = session
        self._buffers = (
            None if buffers is None else {buffers} if isinstance(buffers, str) else set(buffers)
        )
        self._asked = dict(asked or {})
        self._count = count_guest_records
        self._progress = progress
        self._streams: list[Stream] = []
        self._places: list[_Place] = []
        self._task_rows: dict[int, tuple[int, Thread, Task | None]] = {}
        self.done: list[Interval] = []
        self._cpus = HostCpus([], False)
        self.start = self.end = 0
        host = session.host
        for peer in session.peers:
            if peer.role == "host" or chosen is None or peer.name in chosen:
                peer.trace._reader.require_sound()
        span = None if host is None else recorded_span(host, self._buffer_names(host))
        if host is not None and span is not None:
            self.start, self.end = span
            switches = self._recorded(host, [SWITCH])
            wakes = switches and self._recorded(host, WAKES)
            vcpus = [v for v in session.vcpus if chosen is None or v.guest in chosen]
            threads = [Thread(vcpu, self.start, self.done, wakes) for vcpu in vcpus]
            self._cpus = HostCpus(threads, switches)
            self._add_host(host)
        self.threads = self._cpus.threads
        for name, trace in session.guests.items():
            if chosen is None or name in chosen:
                self._add_guest(name, trace)

    # What is read of whom

    def _buffer_names(self, trace: Trace) -> list[str]:
        return buffer_names(trace, self._buffers)

    def _recorded(self, trace: Trace, names: Iterable[str]) -> bool:
        return recorded(trace, names, self._buffers)

    def _add(
        self,
        trace: Trace,
        peer: str,
        span: tuple[int, int],
        handlers: Mapping[int, Handler],
        threads: Mapping[int, Thread] | None,
    ) -> None:
        """Read the records of one peer that are to be handled, counted or given to the join.

        ``threads`` are those of a guest's vCPUs, None for the host.
        """
        reader = trace._reader
        count = self._count and threads is not None
        asked: frozenset[int] | None = frozenset()
        if peer in self._asked:
            names = self._asked[peer]
            asked = None
            if names is not None:
                known = [name for name in names if _known(trace, name)]
                asked = frozenset(f.id for name in known for f in reader.events.select(name))
        ids = None
        if asked is not None and not count:
            wanted = map(reader.events.by_id, {*handlers, *asked})
            ids = id_bitmap(form for form in wanted if form is not None)
        selection = Selection(trace._recording, buffers=self._buffer_names(trace))
        for source in choose([reader], selection).sources():
            thread = None if threads is None else threads.get(source.cpu)
            if threads is not None and thread is None and peer not in self._asked:
                continue
            self._streams.append(Stream(source._replace(event_ids=ids), *span))
            self._places.append(_Place(source.cpu, handlers, asked, threads is None, thread))

    def _add_host(self, host: Trace) -> None:
        handlers: dict[int, Handler] = {}
        for name in (SWITCH, *WAKES, ENTRY, EXIT):
            form = _format(host, name)
            handler = None if form is None else self._cpus.handler(form, host.byteorder)
            if form is not None and handler is not None:
                handlers[form.id] = handler
        self._add(host, "host", (self.start, self.end), handlers, None)

    def _add_guest(self, name: str, trace: Trace) -> None:
        span = recorded_span(trace, self._buffer_names(trace))
        if span is None:
            return
        threads: dict[int, Thread] = {}
        if on_one_clock(self._session, name):
            threads = {t.vcpu.vcpu: t for t in self.threads if t.vcpu.guest == name}
        form = _format(trace, SWITCH)
        handlers: dict[int, Handler] = {}
        if form is not None and {*form.fields} >= SWITCH_FIELDS:
            handlers[form.id] = task_handler(form, trace, threads)
            for vcpu, thread in threads.items():
                self._frame_tasks(trace, form, vcpu, thread, span)
        self._add(trace, name, span, handlers, threads)

    def _frame_tasks(
        self, trace: Trace, form: EventFormat, vcpu: int, thread: Thread, span: tuple[int, int]
    ) -> None:
        """Tell which task a vCPU has before its first switch; after the last record, none."""
        buffers = self._buffer_names(trace)
        first = next(trace.iter(str(form), buffers=buffers, cpus=[vcpu]), None)
        if first is None:
            return
        number = len(self._task_rows)
        if not first.missed_events:
            task = task_of(form, first.raw, trace.byteorder, "prev")
            self._task_rows[-1 - number] = span[0], thread, task  # in front of all at that time
        self._task_rows[(1 << 30) + number] = span[1], thread, None

    # The walk

    def _rows(self) -> Iterator[Row]:
        own = [
            [(ts, place, 0, _TASK_ROW, NO_ROWS, 0)] for place, (ts, _, _) in self._task_rows.items()
        ]
        return merge(self._streams, own, self._progress)

    def run(self) -> Iterator[Followed | None]:
        """Walk over the records; gives those that were asked for, and None now and then.

        Whatever is in :attr:`done` then are finished intervals, the caller's to take away.
        """
        places, done, by_pid = self._places, self.done, self._cpus.by_pid
        now, end, over = 0, self.end, False
        for row in self._rows():
            ts, index, pid, number, rows, position = row
            # The merge gives times in order but where a stream steps back.
            now = ts = now if ts < now else ts
            if ts > end and not over:  # the host's records end before those of a guest
                over = True
                for each in self.threads:
                    self._cpus.leave(each)
                    each.forget(end)
            ts = min(ts, end)
            if number < 0:
                self._mark(ts, index, number)
                continue
            place = places[index]
            handler = place.handlers.get(number)
            if handler is not None:
                high = rows.payload_end[position]
                low = high - rows.size[position]
                handler(ts, place.cpu, pid, rows.payload, low, high)
                if len(done) >= DONE_ROWS:
                    yield None
            if place.thread is not None:
                place.thread.guest_records += 1
            if place.asked is None or number in place.asked:
                thread = by_pid.get(pid) if place.is_host else place.thread
                yield Followed(row, self._streams[index], thread)
        for each in self.threads:
            each.finish(end)
        yield None

    def _mark(self, ts: int, index: int, number: int) -> None:
        """A loss begins or ends, or a task is known from elsewhere."""
        if number == _TASK_ROW:
            _, thread, task = self._task_rows[index]
            thread.set_task(ts, task)
            return
        place = self._places[index]
        if not place.is_host:
            if number == LOSS_BEGINS and place.thread is not None:
                place.thread.set_task(ts, None)
        elif number == LOSS_BEGINS:
            self._cpus.lose(ts, place.cpu)
        elif number == LOSS_ENDS:
            self._cpus.find(place.cpu)


def _format(trace: Trace, name: str) -> EventFormat | None:
    return trace.events.get(name)


def _known(trace: Trace, name: str) -> bool:
    try:
        return bool(trace.events.select(name))
    except KeyError:
        return False
