"""A host and its guests as one object."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from .. import errors
from .._readable import Readable, Stamp
from .._reading import (
    Excluded,
    Names,
    Numbers,
    Progress,
    Reader,
    ReadOptions,
    Recording,
    Selection,
    Time,
)
from .._signature import options_of
from ..analysis import Stat, count_selected
from ..columns import BATCH_ROWS, Layout, RecordBatch, Table, Times
from ..event import Event
from ..filter import Filter
from ..report import ReportOptions, report
from ..trace import Trace
from .both_sides import BothSides
from .claims import VCpu, add_vcpus
from .clock import PeerClock, peer_clock, require_one_clock
from .plot import Pictured
from .writing import write_peers

__all__ = ["Peer", "Session", "VCpu"]


class Peer(NamedTuple):
    """One file of a session: its name in the session, what it is, and the open file."""

    name: str
    role: Literal["host", "guest", "other"]
    trace: Trace


class Session(Readable, BothSides, Pictured):
    """The files of one traced session, open. Made by :func:`tracecmd.open_session`.

    Attributes:
        host: the host's trace; None if the session has only guests' files.
        guests: the guests' traces by name, in the order of their files' names. The name is the
            one given to ``trace-cmd record -A``, or the file's where there is no host.
        others: traces of files that do not belong to the session, by their files' names; empty
            unless ``strangers="include"`` was asked for. They are peers like all others, but
            nothing is known of their vCPUs.
        strangers: files that do not belong to the session, closed; empty unless
            ``strangers="skip"`` was asked for.
        missing: names of guests that the host was traced with, but whose files were not given.
        notes: what is unusual about the session, in plain sentences.

    Answers (:meth:`irqs`, :meth:`losses`, :attr:`sched` and all others of :class:`Trace`) are of
    all peers at once, with a column ``peer``. Windows are in ns of the session's clock, which
    guests' times are put on. They take, beside what those of a trace do:

    Args:
        peers: ``"host"`` and names of guests; None for all. If nobody compared the clock of one
            with the host's, more than that one, or a window of it, raise a SessionError.
        threads: None: all peers are gone through in one pass, and rows come in order of time. A
            number: each peer is gone through by itself, on so many threads at a time; rows come
            peer by peer, each in its own order, whatever the number is.
    """

    def __init__(
        self,
        host: Trace | None,
        guests: Mapping[str, Trace],
        recording: Recording,
        *,
        others: Mapping[str, Trace] = MappingProxyType({}),
        strangers: Iterable[str] = (),
        missing: Iterable[str] = (),
        notes: Iterable[str] = (),
        sync: bool = True,
        claimed: Iterable[str] = (),
        vcpus: Iterable[VCpu] = (),
    ) -> None:
        self.host = host
        self._recording = recording
        self._sync = sync
        self._claimed = frozenset(claimed)  # paths of files whose times the caller vouches for
        self.guests: Mapping[str, Trace] = MappingProxyType(dict(guests))
        self.others: Mapping[str, Trace] = MappingProxyType(dict(others))
        self.strangers = tuple(strangers)
        self.missing = tuple(missing)
        self.notes = tuple(notes)
        self._closed = False
        for peer in self.peers:
            peer.trace.peer = peer.name
        self._vcpus = add_vcpus(_map_vcpus(host, self.guests), self.guests, vcpus)
        self._by_pid: dict[int, VCpu] = {}
        for vcpu in self._vcpus:
            self._by_pid.setdefault(vcpu.host_pid, vcpu)

    def _require_open(self) -> None:
        if self._whole._closed:
            raise errors.ClosedError("the session is closed")

    def _cut(self, window: slice) -> None:
        self.host = None if self.host is None else self.host[window]
        self.guests = MappingProxyType({name: t[window] for name, t in self.guests.items()})
        self.others = MappingProxyType({name: t[window] for name, t in self.others.items()})

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._whole._closed

    @property
    def vcpus(self) -> tuple[VCpu, ...]:
        """Every vCPU whose host thread is known, guest by guest."""
        self._require_open()
        return self._vcpus

    @property
    def peers(self) -> tuple[Peer, ...]:
        """All files of the session, the host's first, those of no session last."""
        host = () if self.host is None else (Peer("host", "host", self.host),)
        guests = tuple(Peer(name, "guest", trace) for name, trace in self.guests.items())
        return host + guests + tuple(Peer(name, "other", t) for name, t in self.others.items())

    def vcpu(self, host_pid: int) -> VCpu:
        """Find the vCPU that a host thread ran: tracecmd_map_find_by_host_pid(3).

        Raises:
            KeyError: that thread ran no vCPU of this session's guests.
        """
        self._require_open()
        try:
            return self._by_pid[host_pid]
        except KeyError:
            raise KeyError(f"host PID {host_pid} runs no vCPU of this session") from None

    def host_pid(self, guest: str, vcpu: int) -> int:
        """Find the host thread that ran a vCPU: tracecmd_get_cpu_map(3).

        Raises:
            UnknownGuestError: (a KeyError) no guest of that name.
            KeyError: the host's file does not map that vCPU.
        """
        self._require_open()
        if guest not in self.guests:
            known = ", ".join(map(repr, self.guests)) or "none"
            raise errors.UnknownGuestError(f"no guest {guest!r} in this session; there are {known}")
        for each in self._vcpus:
            if each.guest == guest and each.vcpu == vcpu:
                return each.host_pid
        raise KeyError(f"vCPU {vcpu} of guest {guest!r} is mapped to no host thread")

    def peer(self, name: str) -> Trace:
        """Find a peer's trace: ``"host"``, or a guest's name.

        Raises:
            UnknownGuestError: (a KeyError) no peer has that name.
        """
        self._require_open()
        for peer in self.peers:
            if peer.name == name:
                return peer.trace
        known = ", ".join(repr(peer.name) for peer in self.peers)
        raise errors.UnknownGuestError(f"no peer {name!r} in this session; there are {known}")

    def _readers(self, selection: Selection) -> list[Reader]:
        """Those of the peers asked for, in their order."""
        names = selection.peers
        if names is None:
            names = tuple(peer.name for peer in self.peers)
        return [self.peer(name)._reader for name in names]

    def _answering(self, selection: Selection) -> list[Reader]:
        self._require_open()
        names = selection.peers
        for name in names or ():
            self.peer(name)  # raises where it is not there
        peers = [peer for peer in self.peers if names is None or peer.name in names]
        windowed = selection.start > 0 or selection.end is not None
        require_one_clock(self, peers, of_host=windowed)
        return [peer.trace._reader for peer in peers]

    # One clock ----------------------------------------------------------------------------

    def clock(self, peer: str) -> PeerClock:
        """How a peer's time stamps are put on the host's clock, and how well that works.

        Raises:
            UnknownGuestError: (a KeyError) there is no such peer.
        """
        return peer_clock(self.peer(peer), synchronised=self._sync)

    def iter(
        self,
        events: Names = None,
        *,
        peers: Names = None,
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
        """Walk over the records of all peers on one clock; :attr:`Event.peer` says whose each is.

        Of records with one time the host's come first, then the guests' in the order of
        :attr:`guests`, those of :attr:`others` last, as ``trace-cmd report -i HOST -i GUEST...``
        has them. An event that some peer's file does not know is none of that peer's; one that no
        peer knows is an error.

            >>> with tracecmd.open_session("tests/data/sessions/kvm-small") as session:
            ...     first = next(session.iter("sched_switch"))
            ...     first.peer, first.ts, first.comm
            ('Guest2', 202364663480, 'trace-cmd')

        Args:
            peers: ``"host"`` and names of guests; None for all.
            events, where, exclude, buffers, cpus, start, end, pids, order, reverse, threads,
                progress: as for :meth:`Trace.iter`. CPUs and PIDs are each peer's own. Of
                ``where`` one peer at least has to have the events and fields.
        """
        selection = Selection(
            self._recording,
            events,
            peers=peers,
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

    def table(
        self,
        events: Names = None,
        *,
        peers: Names = None,
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
        """Records of all peers as columns, on one clock: :meth:`Trace.table` for a session.

        The column ``peer`` says whose a record is. A field whose type differs between
        the peers' kernels takes the type that holds both; ``common_pid`` is the peer's own PID.

        Args:
            peers: ``"host"`` and names of guests; None for all.
            events, columns, where, exclude, buffers, cpus, start, end, pids, order, reverse,
                threads, ts, wall, invalid_utf8, dictionary, symbols, batch_rows, progress: as for
                :meth:`Trace.table`.
        """
        selection = Selection(
            self._recording,
            events,
            peers=peers,
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
    def batches(self, events: Names = None, **options: Any) -> Iterator[RecordBatch]:
        """The batches of a :meth:`table`, of ``batch_rows`` rows at most, as they are read."""
        return self.table(events, **options).batches()

    def write(
        self,
        folder: str | os.PathLike[str],
        *,
        start: Time = None,
        end: Time = None,
        events: Names = None,
        cpus: Numbers = None,
        pids: Numbers = None,
        where: str | Filter | None = None,
        exclude: Excluded = None,
        buffers: Names = None,
        peers: Names = None,
        version: int | None = None,
        compression: str | None = None,
        threads: int = 1,
        progress: Progress = None,
    ) -> dict[Path, int]:
        """Write the files of the session, or a part of each, into a folder.

        All are cut to one window on the session's clock. Trace IDs, guests' vCPUs and time shifts
        stay, so that the new files are a session, too. Gives the files and their numbers of
        records. Each appears once it is whole; if one fails, those written by then stay.

        Args:
            folder: is made if need be; files have their own names there.
            start, end, events, cpus, pids, where, exclude, buffers, peers: as for
                :meth:`iter`.
            version, compression, threads, progress: as for :meth:`Trace.write`; progress is told of
                each file by itself.

        Raises:
            ValueError: two files have one name, or the folder is the one they are in.
            KeyError, FilterError, TypeError, OSError, TraceError: as :meth:`Trace.write` does.
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
            peers=peers,
        )
        return write_peers(
            folder,
            self._readers(selection),
            selection,
            version=version,
            compression=compression,
            threads=threads,
            progress=progress,
        )

    def report(
        self,
        options: ReportOptions | None = None,
        *,
        exclude: Excluded = None,
        start: Time = None,
        end: Time = None,
        threads: int = 1,
        progress: Progress = None,
    ) -> Iterator[bytes]:
        """Give what ``trace-cmd report -i HOST -i GUEST...`` prints; see :meth:`Trace.report`."""
        return report(
            [peer.trace._reader for peer in self.peers],
            Selection(self._recording, exclude=exclude, start=start, end=end),
            ReadOptions(threads=threads, progress=progress),
            options or ReportOptions(),
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
    ) -> Mapping[str, Stat]:
        """Count all records of each peer, or those that a filter lets through: :meth:`Trace.stat`.

        Of ``where`` one peer at least has to have the events and fields.
        """
        self._require_open()
        selection = Selection(self._recording, where=where, exclude=exclude, start=start, end=end)
        options = ReadOptions(threads=threads, progress=progress)
        counted = count_selected(self._readers(selection), selection, options)
        return {peer.name: stat for peer, stat in zip(self.peers, counted, strict=True)}

    def close(self) -> None:
        """Close all files; a second close is fine."""
        self._whole._closed = True
        for peer in self.peers:
            peer.trace.close()

    def _stamps(self) -> tuple[Stamp | None, ...]:
        return tuple(peer.trace._stamp for peer in self.peers)

    def _rows(self) -> Iterator[tuple[str, object]]:
        for name, role, trace in self.peers:
            yield name if role == "host" else f"{role} {name}", trace.path
            yield "", f"clock {trace.clock}, {trace.cpus} CPUs, {trace.uname}"
        for guest, vcpu, pid in self.vcpus:
            yield f"{guest}/{vcpu}", f"vCPU, host PID {pid}"

    def __repr__(self) -> str:
        host = "no host" if self.host is None else f"host {self.host.path!r}"
        closed = " closed" if self.closed else "".join(f" {t}" for t in self._window_text())
        others = f", others={list(self.others)}" if self.others else ""
        return f"<Session {host}, guests={list(self.guests)}{others}{closed}>"


def _map_vcpus(host: Trace | None, guests: Mapping[str, Trace]) -> tuple[VCpu, ...]:
    """List every vCPU whose host thread is known: neither 0 (not recorded) nor -1 (unknown)."""
    if host is None:
        return ()
    vcpus = []
    for name, trace in guests.items():
        try:
            pids = host.guest_cpumap(trace.trace_id).cpu_pid
        except errors.UnknownGuestError:
            continue
        vcpus += [VCpu(name, vcpu, pid) for vcpu, pid in enumerate(pids) if pid > 0]
    return tuple(vcpus)
