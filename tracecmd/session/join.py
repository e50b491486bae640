"""Each record of a session with what the other side did at that instant."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .. import _arguments
from .._reading import (
    Choice,
    Excluded,
    Progress,
    Reader,
    Report,
    Request,
    Selection,
    Time,
    choose,
    id_bitmap,
    make_filters,
    read_events,
    reporter,
)
from ..event import Event
from ..events import UnknownEventError
from ..filter import Filter
from .vcpu_timeline import EVENTS, Question, rows_of

if TYPE_CHECKING:
    from .session import Session, VCpu

__all__ = ["Joined", "join"]


BATCH_ROWS = 4096
_Known = tuple[int | None, int | None, int | None, str | None]
"""Place of the vCPU, CPU that its thread is on, PID and name of the guest's task."""


class Joined(NamedTuple):
    """A record, and where it happened on either side.

    Attributes:
        event: the record: a guest's, or one that a vCPU's thread made in the host.
        guest, vcpu: the vCPU.
        host_cpu, host_pid: the host CPU that ran the vCPU at that instant, and the thread on
            it; both None if the thread was on none, or that is not known.
        guest_pid, guest_comm: the guest's task on the vCPU; None if not known.
    """

    event: Event
    guest: str
    vcpu: int
    host_cpu: int | None
    host_pid: int | None
    guest_pid: int | None
    guest_comm: str | None


def _check(session: Session, names: Iterable[str] | None, peers: Iterable[str]) -> None:
    """There have to be such peers, and some of them has to know each name."""
    for peer in peers:
        session.peer(peer)
    for name in names or ():
        unknown: UnknownEventError | None = None
        for peer in peers:
            try:
                session.peer(peer).events.select(name)
                break
            except UnknownEventError as error:
                unknown = unknown or error
        else:
            if unknown is not None:
                raise unknown


def join(
    session: Session,
    events: str | Iterable[str] | None,
    *,
    peers: Iterable[str] | None,
    where: str | Filter | None,
    exclude: Excluded,
    buffers: Iterable[str] | None,
    start: Time,
    end: Time,
    progress: Progress,
) -> Iterator[Joined]:
    """Do the work of :meth:`Session.join`."""
    names = _arguments.names("events", events)
    asked = _arguments.names("peers", peers)
    if asked is None:
        asked = tuple(peer.name for peer in session.peers)
    _check(session, names, asked)
    selection = Selection(session._recording, names, peers=asked, where=where, exclude=exclude,
                          start=start, end=end)  # fmt: skip
    choice = choose([session.peer(name)._reader for name in asked], selection)
    filters = _Filters(choice, selection)
    question = Question.of(session, buffers=_arguments.names("buffers", buffers), joined=asked)
    records = _Records(question, asked, names, reporter(progress))
    return _join(records, selection.start, selection.end, filters)


class _Filters:
    """What passes of each peer."""

    def __init__(self, choice: Choice, selection: Selection) -> None:
        condition = selection.condition
        self._filters = None if condition is None else make_filters(choice, condition)
        self._ids = {id(file.reader): file.event_ids for file in choice.files}

    def passes(self, event: Event) -> bool:
        """Whether a record is wanted."""
        reader = id(event._batch.reader_of(event._index))
        ids = self._ids[reader]
        if (
            ids is not None
            and event.id < 8 * len(ids)
            and not ids[event.id >> 3] >> (event.id & 7) & 1
        ):
            return False
        if self._filters is None:
            return True
        own = self._filters.get(reader)
        return own is not None and own.passes(event.id, event.raw, event.cpu)


class _Records:
    """The records that were asked for, and what the core knows at each.

    The core follows the vCPUs through a walk of its own. Both go over the same streams and events,
    which includes those that it takes to know anything, so that they are in step.
    """

    def __init__(
        self,
        question: Question,
        peers: Collection[str],
        names: Iterable[str] | None,
        progress: Report,
    ) -> None:
        self._ids: dict[int, frozenset[int] | None] = {}  # by reader: asked for; None: all
        readers = {id(source.reader): source.reader for source in question.sources}
        wanted: dict[int, bytes | None] = {}
        for key, reader in readers.items():
            own = _asked(reader, peers, names)
            self._ids[key] = own
            known = (reader.events.get(name) for name in EVENTS)
            needed = {form.id for form in known if form is not None}
            wanted[key] = None if own is None else _bitmap(reader, needed | own)
        event_ids = [wanted[id(source.reader)] for source in question.sources]
        asked = question.asked._replace(join=True, raw_values=True, event_ids=event_ids)
        self.question = question._replace(asked=asked)
        sources = [
            source._replace(event_ids=ids)
            for source, ids in zip(question.sources, event_ids, strict=True)
        ]
        self._request = Request(sources, batch_size=BATCH_ROWS, on_progress=progress)

    def __iter__(self) -> Iterator[tuple[Event, _Known]]:
        with contextlib.closing(self._known()) as known:
            for event, known_then in zip(read_events(self._request), known, strict=True):
                asked = self._ids[id(event._batch.reader_of(event._index))]
                if asked is None or event.id in asked:
                    yield event, known_then

    def _known(self) -> Generator[_Known, None, None]:
        formats = self.question.schema().formats()
        with contextlib.closing(self.question.arrays(BATCH_ROWS, None)) as arrays:
            for array in arrays:
                yield from rows_of(array, formats)


def _asked(
    reader: Reader, peers: Collection[str], names: Iterable[str] | None
) -> frozenset[int] | None:
    if reader.peer not in peers:
        return frozenset()
    if names is None:
        return None
    found: set[int] = set()
    for name in names:
        with contextlib.suppress(KeyError):  # another peer knows it
            found.update(form.id for form in reader.events.select(name))
    return frozenset(found)


def _bitmap(reader: Reader, ids: Iterable[int]) -> bytes:
    forms = map(reader.events.by_id, ids)
    return id_bitmap(form for form in forms if form is not None)


def _join(records: _Records, start: int, end: int | None, filters: _Filters) -> Iterator[Joined]:
    vcpus = records.question.vcpus
    for event, known in records:
        if event.ts < start or (end is not None and event.ts >= end):
            continue
        joined = _joined(vcpus, event, known)
        if joined is not None and filters.passes(event):
            yield joined


def _joined(vcpus: Sequence[VCpu], event: Event, known: _Known) -> Joined | None:
    of, host_cpu, pid, comm = known
    peer = event.peer
    if peer == "host":
        if of is None:
            return None
        vcpu = vcpus[of]
        return Joined(event, vcpu.guest, vcpu.vcpu, event.cpu, vcpu.host_pid, pid, comm)
    if pid != event.pid or comm is None:
        comm = event.comm
    host_pid = None if of is None or host_cpu is None else vcpus[of].host_pid
    return Joined(event, peer, event.cpu, host_cpu, host_pid, event.pid, comm)
