"""Each record of a session with what the other side did at that instant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from .. import _arguments
from .._reading import (
    Choice,
    EventBatch,
    Excluded,
    Progress,
    Selection,
    choose,
    make_filters,
)
from ..event import Event
from ..events import UnknownEventError
from ..filter import Filter
from .vcpu_timeline import Followed, Machine

if TYPE_CHECKING:
    from .session import Session

__all__ = ["Joined", "join"]


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
    start: int | None,
    end: int | None,
    progress: Progress,
) -> Iterator[Joined]:
    """Do the work of :meth:`Session.join`."""
    names = _arguments.names("events", events)
    asked = _arguments.names("peers", peers)
    if asked is None:
        asked = tuple(peer.name for peer in session.peers)
    first, last = _arguments.window(start, end)
    _check(session, names, asked)
    selection = Selection(session._recording, names, peers=asked, where=where, exclude=exclude)
    choice = choose([session.peer(name)._reader for name in asked], selection)
    filters = _Filters(choice, selection)
    machine = Machine(
        session,
        buffers=_arguments.names("buffers", buffers),
        asked=dict.fromkeys(asked, names),
        progress=progress,
    )
    return _join(machine, first, last, filters)


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


def _join(machine: Machine, start: int, end: int | None, filters: _Filters) -> Iterator[Joined]:
    for followed in machine.run():
        machine.done.clear()
        if followed is None:
            continue
        ts = followed.row[0]
        if end is not None and ts >= end:
            continue
        if ts >= start:
            joined = _joined(followed)
            if joined is not None and filters.passes(joined.event):
                yield joined


def _joined(followed: Followed) -> Joined | None:
    (ts, _, pid, number, rows, index), stream, thread = followed
    source = stream.source
    event = Event(
        ts, source.cpu, pid, number, rows.missed_events[index], EventBatch(rows, [source]), index
    )
    peer = source.reader.peer
    if peer == "host":
        if thread is None:
            return None
        vcpu = thread.vcpu
        task = thread.task or (None, None)
        return Joined(event, vcpu.guest, vcpu.vcpu, event.cpu, vcpu.host_pid, *task)
    comm = event.comm
    if thread is not None and thread.task is not None and thread.task[0] == pid:
        comm = thread.task[1]
    if thread is None or thread.cpu is None:
        return Joined(event, peer, source.cpu, None, None, pid, comm)
    return Joined(event, peer, source.cpu, thread.cpu, thread.vcpu.host_pid, pid, comm)
