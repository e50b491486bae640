"""Each record of a session with what the other side did at that instant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from .. import _arguments, _lowlevel
from .._reading import EventBatch, Names, Progress, Selection, choose, make_filters
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
    filters = _filters(session, names, asked, where)
    machine = Machine(
        session,
        buffers=_arguments.names("buffers", buffers),
        asked=dict.fromkeys(asked, names),
        progress=progress,
    )
    return _join(machine, first, last, filters)


Filters = Mapping[int, _lowlevel.Filter] | None  # by id() of the reader


def _filters(
    session: Session, names: Names, peers: tuple[str, ...], where: str | Filter | None
) -> Filters:
    """The filter for each peer that has the events of it; None: there is none."""
    whole = Selection(session._recording, names, peers=peers, where=where)
    if where is None:
        return None
    return make_filters(choose([session.peer(name)._reader for name in peers], whole), where)


def _passes(filters: Filters, event: Event) -> bool:
    if filters is None:
        return True
    own = filters.get(id(event._batch.reader_of(event._index)))
    return own is not None and own.passes(event.id, event.raw, event.cpu)


def _join(machine: Machine, start: int, end: int | None, filters: Filters) -> Iterator[Joined]:
    for followed in machine.run():
        machine.done.clear()
        if followed is None:
            continue
        ts = followed.row[0]
        if end is not None and ts >= end:
            continue
        if ts >= start:
            joined = _joined(followed)
            if joined is not None and _passes(filters, joined.event):
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
