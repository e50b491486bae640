"""A traced session: a host and the guest virtual machines recorded together, one file each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Literal, NamedTuple

from .. import _arguments, errors
from .._reading import records as _records
from ..analysis.stat import Stat
from ..budget import Budget
from ..columns.table import BATCH_ROWS, RecordBatch, Table, make_table
from ..event import Event
from ..report.text import ReportOptions, make_symbols, report
from ..trace import Source, Trace
from ..trace import open as open_trace
from .clock import PeerClock, peer_clock
from .join import Joined, join
from .vcpu_timeline import Timeline

__all__ = ["Peer", "Session", "VCpu", "open_session"]


class VCpu(NamedTuple):
    """A vCPU of a guest and the host thread that ran it: tracecmd_map_find_by_host_pid(3).

    Attributes:
        guest: the guest's name, a key of :attr:`Session.guests`.
        vcpu: number of the vCPU, the CPU number in the guest's file.
        host_pid: PID of the thread in the host's file.
    """

    guest: str
    vcpu: int
    host_pid: int


class Peer(NamedTuple):
    """One file of a session: its name in the session, what it is, and the open file."""

    name: str
    role: Literal["host", "guest"]
    trace: Trace


class Session:
    """The files of one traced session, open. Made by :func:`tracecmd.open_session`.

    Attributes:
        host: the host's trace; None if the session has only guests' files.
        guests: the guests' traces by name, in the order of their files' names. The name is the
            one given to ``trace-cmd record -A``, or the file's where there is no host.
        strangers: files that do not belong to the session, closed; empty unless
            ``strangers="skip"`` was asked for.
        missing: names of guests that the host was traced with, but whose files were not given.
        notes: what is unusual about the session, in plain sentences.
    """

    def __init__(
        self,
        host: Trace | None,
        guests: Mapping[str, Trace],
        *,
        strangers: Iterable[str] = (),
        missing: Iterable[str] = (),
        notes: Iterable[str] = (),
        sync: bool = True,
    ) -> None:
        self.host = host
        self._sync = sync
        self.guests: Mapping[str, Trace] = MappingProxyType(dict(guests))
        self.strangers = tuple(strangers)
        self.missing = tuple(missing)
        self.notes = tuple(notes)
        self._closed = False
        for peer in self.peers:
            peer.trace.peer = peer.name
        self._vcpus = _map_vcpus(host, self.guests)
        self._by_pid: dict[int, VCpu] = {}
        for vcpu in self._vcpus:
            self._by_pid.setdefault(vcpu.host_pid, vcpu)

    def _require_open(self) -> None:
        if self._closed:
            raise errors.ClosedError("the session is closed")

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    @property
    def vcpus(self) -> tuple[VCpu, ...]:
        """Every vCPU whose host thread is known, guest by guest."""
        self._require_open()
        return self._vcpus

    @property
    def peers(self) -> tuple[Peer, ...]:
        """All files of the session, the host's first."""
        host = () if self.host is None else (Peer("host", "host", self.host),)
        return host + tuple(Peer(name, "guest", trace) for name, trace in self.guests.items())

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
        for found in self._vcpus:
            if found.guest == guest and found.vcpu == vcpu:
                return found.host_pid
        raise KeyError(f"vCPU {vcpu} of guest {guest!r} is mapped to no host thread")

    def peer(self, name: str) -> Trace:
        """Find a peer's trace: ``"host"``, or a guest's name.

        Raises:
            UnknownGuestError: (a KeyError) there is none of that name.
        """
        self._require_open()
        for found in self.peers:
            if found.name == name:
                return found.trace
        known = ", ".join(repr(found.name) for found in self.peers)
        raise errors.UnknownGuestError(f"no peer {name!r} in this session; there are {known}")

    def _traces(self, peers: str | Iterable[str] | None) -> list[Trace]:
        """Those of the peers asked for, in their order."""
        names = _arguments.names("peers", peers)
        if names is None:
            names = [peer.name for peer in self.peers]
        return [self.peer(name) for name in names]

    # One clock ----------------------------------------------------------------------------

    def clock(self, peer: str) -> PeerClock:
        """Tell how a peer's time stamps are put on the host's clock, and how well that works.

        Raises:
            UnknownGuestError: (a KeyError) there is no such peer.
        """
        return peer_clock(self.peer(peer), synchronised=self._sync)

    def iter(
        self,
        events: str | Iterable[str] | None = None,
        *,
        peers: str | Iterable[str] | None = None,
        buffers: Iterable[str] | None = None,
        cpus: int | Iterable[int] | None = None,
        start: int | None = None,
        end: int | None = None,
        pids: int | Iterable[int] | None = None,
        order: Literal["time", "cpu"] = "time",
        reverse: bool = False,
        threads: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[Event]:
        """Walk over the records of all peers on one clock; :attr:`Event.peer` tells whose it is.

        Of records with one time the host's come first, then the guests' in the order of
        :attr:`guests`, as ``trace-cmd report -i HOST -i GUEST...`` has them. An event that some
        peer's file does not know is none of that peer's; one that no peer knows is an error.

        Args:
            peers: ``"host"`` and names of guests; None for all.
            events, buffers, cpus, start, end, pids, order, reverse, threads, progress: as for
                :meth:`Trace.iter`. CPUs and PIDs are each peer's own.
        """
        traces = self._traces(peers)
        sources = _records.choose_all(
            [trace._reader for trace in traces],
            buffers=buffers,
            cpus=cpus,
            events=events,
            pids=pids,
        )
        return _records.read_events(
            self._request(
                traces,
                sources,
                start,
                end,
                order,
                reverse=reverse,
                threads=threads,
                progress=progress,
            )
            if traces
            else _records.Request([])
        )

    def table(
        self,
        events: str | Iterable[str] | None = None,
        *,
        peers: str | Iterable[str] | None = None,
        columns: Iterable[str] | None = None,
        where: str | None = None,
        buffers: Iterable[str] | None = None,
        cpus: int | Iterable[int] | None = None,
        start: int | None = None,
        end: int | None = None,
        pids: int | Iterable[int] | None = None,
        order: Literal["time", "cpu"] = "time",
        reverse: bool = False,
        threads: int = 1,
        ts: Literal["timestamp", "uint64"] = "timestamp",
        invalid_utf8: Literal["replace", "binary"] = "replace",
        dictionary: bool = True,
        batch_rows: int = BATCH_ROWS,
        progress: Callable[[int, int], None] | None = None,
    ) -> Table:
        """Records of all peers as columns, on one clock: :meth:`Trace.table` for a session.

        Ask for the column ``peer`` to tell whose a record is. A field whose type differs between
        the peers' kernels takes the type that holds both; ``common_pid`` is the peer's own PID.

        Args:
            peers: ``"host"`` and names of guests; None for all.
            events, columns, where, buffers, cpus, start, end, pids, order, reverse, threads, ts,
                invalid_utf8, dictionary, batch_rows, progress: as for :meth:`Trace.table`.
        """
        traces = self._traces(peers)
        if not traces:
            raise ValueError("a table of no peers")
        return make_table(
            [trace._reader for trace in traces],
            events,
            lambda sources: self._request(
                traces,
                sources,
                start,
                end,
                order,
                reverse=reverse,
                threads=threads,
                progress=progress,
                batch_rows=batch_rows,
            ),
            columns=columns,
            where=where,
            buffers=buffers,
            cpus=cpus,
            pids=pids,
            ts=ts,
            invalid_utf8=invalid_utf8,
            dictionary=dictionary,
        )

    def batches(
        self, events: str | Iterable[str] | None = None, **options: Any
    ) -> Iterator[RecordBatch]:
        """The batches of a :meth:`table`, of ``batch_rows`` rows at most, as they are read."""
        return self.table(events, **options).batches()

    def report(
        self,
        options: ReportOptions | None = None,
        *,
        start: int | None = None,
        end: int | None = None,
        threads: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[bytes]:
        """Give what ``trace-cmd report -i HOST -i GUEST...`` prints; see :meth:`Trace.report`."""
        traces = [peer.trace for peer in self.peers]
        readers = [trace._reader for trace in traces]
        options = options or ReportOptions()
        symbols = make_symbols(readers, options)
        sources = _records.choose_all(readers, buffers=None, cpus=None, events=None, pids=None)
        request = self._request(
            traces, sources, start, end, "time", threads=threads, progress=progress
        )
        pieces = report(request, readers, symbols, options)
        return (bytes(piece) for piece in pieces)

    @staticmethod
    def _request(
        traces: list[Trace], sources: list[_records.Source], *window: Any, **options: Any
    ) -> _records.Request:
        """Ask for records of some peers; those that are strict raise what is wrong with them."""
        for trace in traces:
            trace._raise_if_strict()
        return traces[0]._request(sources, *window, **options)

    def __iter__(self) -> Iterator[Event]:
        return self.iter()

    def stat(
        self, *, threads: int = 1, progress: Callable[[int, int], None] | None = None
    ) -> Mapping[str, Stat]:
        """Count all records of each peer; see :meth:`Trace.stat`."""
        self._require_open()
        return {
            peer.name: peer.trace.stat(threads=threads, progress=progress) for peer in self.peers
        }

    # Both sides at once -------------------------------------------------------------------

    def timeline(
        self,
        *,
        guests: str | Iterable[str] | None = None,
        buffers: Iterable[str] | None = None,
        start: int | None = None,
        end: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Timeline:
        """Tell what every vCPU did when: in the guest, in the host, preempted, blocked, unknown.

        Made from the host's sched_switch, sched_wakeup, sched_wakeup_new, sched_waking, kvm_entry
        and kvm_exit, as far as they were recorded, and the guests' sched_switch; see
        :mod:`tracecmd.vcpu_timeline` for the rules. Nothing is guessed.

        Args:
            guests: names of guests; None for all.
            buffers: names of the buffers whose records count; None: in each peer those on the
                clock of its top buffer.
            start, end: times in ns to cut the intervals to; None for no bound.
            progress: called now and then with work done and all work, in pages.

        Raises:
            UnknownGuestError: (a KeyError) there is no such guest.
        """
        self._require_open()
        guests = _arguments.names("guests", guests)
        for name in guests or ():
            if name not in self.guests:
                known = ", ".join(map(repr, self.guests)) or "none"
                raise errors.UnknownGuestError(
                    f"no guest {name!r} in this session; there are {known}"
                )
        return Timeline(
            self, guests=guests, buffers=buffers, start=start, end=end, progress=progress
        )

    def join(
        self,
        events: str | Iterable[str] | None = None,
        *,
        peers: str | Iterable[str] | None = None,
        buffers: Iterable[str] | None = None,
        start: int | None = None,
        end: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[Joined]:
        """Walk over records with what the other side did at that instant.

        Gives the guests' records with the host CPU and thread that ran the vCPU, and the records
        that vCPUs' threads made in the host with the guest's current task. What is known at an
        instant follows the rules of :meth:`timeline`.

        Args:
            events, start, end, progress: as for :meth:`iter`.
            peers: ``"host"`` and names of guests; None for all.
            buffers: as for :meth:`timeline`.

        Raises:
            KeyError: no such event or peer.
        """
        self._require_open()
        return join(
            self, events, peers=peers, buffers=buffers, start=start, end=end, progress=progress
        )

    def close(self) -> None:
        """Close all files; a second close is fine."""
        self._closed = True
        for peer in self.peers:
            peer.trace.close()

    def __enter__(self) -> Session:
        self._require_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        host = "no host" if self.host is None else f"host {self.host.path!r}"
        closed = " closed" if self._closed else ""
        return f"<Session {host}, guests={list(self.guests)}{closed}>"


def _map_vcpus(host: Trace | None, guests: Mapping[str, Trace]) -> tuple[VCpu, ...]:
    """List every vCPU whose host thread is known: neither 0 (not recorded) nor -1 (unknown)."""
    if host is None:
        return ()
    found = []
    for name, trace in guests.items():
        try:
            pids = host.guest_cpumap(trace.trace_id).cpu_pid
        except errors.UnknownGuestError:
            continue
        found += [VCpu(name, vcpu, pid) for vcpu, pid in enumerate(pids) if pid > 0]
    return tuple(found)


# Who is who --------------------------------------------------------------------------------


def _listed(trace: Trace) -> set[int]:
    return {guest.trace_id for guest in trace.guests}


def _peer_id(trace: Trace) -> int:
    """Trace ID of the host that a guest's clock was compared with; 0 if it was not."""
    return 0 if trace.time_shift is None else trace.time_shift.peer_trace_id


def _belongs(trace: Trace, host: Trace) -> bool:
    if trace.trace_id == 0:
        return False
    return trace.trace_id in _listed(host) or (
        host.trace_id != 0 and _peer_id(trace) == host.trace_id
    )


def _find_host(traces: list[Trace]) -> Trace | None:
    """Find the file that knows others as its guests; None if none does.

    Raises:
        SessionError: several do, and none of them is above the others.
    """
    hosts = [t for t in traces if any(_belongs(g, t) for g in traces if g is not t)]
    if not hosts:  # a host whose guests' files were not given, or are all strangers
        hosts = [t for t in traces if t.guests]
    top = [t for t in hosts if not any(_belongs(t, h) for h in hosts if h is not t)]
    if len(top) > 1:
        raise errors.SessionError(
            f"this file and {top[0].path} both are hosts of guests", path=top[1].path
        )
    return top[0] if top else None


def _split(traces: list[Trace], host: Trace | None) -> tuple[list[Trace], list[Trace]]:
    """Divide all but the host into its guests and strangers."""
    others = [t for t in traces if t is not host]
    if host is not None:
        guests = [t for t in others if _belongs(t, host)]
    else:
        # No host's file: guests whose clocks were compared with one host make the session. Of
        # several such groups the largest counts, of equal ones the first in order of file name.
        groups: dict[int, list[Trace]] = {}
        for trace in sorted(others, key=lambda t: t.path):
            groups.setdefault(_peer_id(trace), []).append(trace)
        known = [group for peer, group in groups.items() if peer]
        guests = max(known, key=len) if known else []
    return guests, [t for t in others if t not in guests]


def _check_twins(traces: list[Trace]) -> None:
    """Refuse the same recording given twice: no answer about it would be clear."""
    seen: dict[int, Trace] = {}
    for trace in traces:
        if trace.trace_id and trace.trace_id in seen:
            first = seen[trace.trace_id].path
            raise errors.SessionError(
                f"has the same trace ID {trace.trace_id:#x} as {first}", path=trace.path
            )
        seen[trace.trace_id] = trace


def _file_name(trace: Trace) -> str:
    """Guest's name by its file, as trace-cmd names it: trace-NAME.dat."""
    return Path(trace.path).stem.removeprefix("trace-")


def _name_guests(host: Trace | None, guests: list[Trace]) -> dict[str, Trace]:
    """Name the guests as the host's options do, or by file; in the order of their files' names.

    Of two guests of one name the one that the host lists first keeps it.
    """
    listed = {guest.trace_id: i for i, guest in enumerate(host.guests)} if host else {}
    names: dict[str, Trace] = {}
    for trace in sorted(guests, key=lambda t: (listed.get(t.trace_id, len(listed)), t.path)):
        name = ""
        if host is not None and trace.trace_id in listed:
            name = host.guest_cpumap(trace.trace_id).name
        name = name or _file_name(trace)
        while name in names:  # the trace ID tells them apart
            name = f"{name}@{trace.trace_id:x}"
        names[name] = trace
    return dict(sorted(names.items(), key=lambda item: item[1].path))


def _notes(host: Trace | None, guests: Mapping[str, Trace], missing: Iterable[str]) -> list[str]:
    notes = []
    if host is None:
        notes.append("no host's file: vCPUs cannot be mapped to host threads")
    elif not guests:
        notes.append("no guest's file: a host alone")
    notes += [f"guest {name!r}: its file is not here" for name in missing]
    for name, trace in guests.items():
        if host is not None and trace.trace_id not in _listed(host):
            notes.append(f"guest {name!r}: known by its clock only, the host does not list it")
        elif host is not None and not host.guest_cpumap(trace.trace_id).vcpu_count:
            notes.append(f"guest {name!r}: which host threads ran its vCPUs is not recorded")
        if trace.time_shift is None:
            notes.append(f"guest {name!r}: no time synchronisation, its clock stands alone")
        elif host is not None and _peer_id(trace) != host.trace_id:
            notes.append(f"guest {name!r}: its clock was compared with another host's")
        if not trace.path.startswith("<fd ") and name != _file_name(trace):
            notes.append(f"guest {name!r}: its file is named {Path(trace.path).name!r}")
    return notes


def _assemble(traces: list[Trace], strangers: Literal["error", "skip"], sync: bool) -> Session:
    _check_twins(traces)
    host = _find_host(traces)
    guests, others = _split(traces, host)
    if host is None and not guests:
        if len(traces) == 1:
            host, others = traces[0], []  # a recording without guests is a session of one
        else:
            raise errors.SessionError(
                "no file of a session: none lists guests, none was synchronised with a host",
                path=traces[0].path,
            )
    if others and strangers == "error":
        raise errors.SessionError(
            f"trace ID {others[0].trace_id:#x} does not belong to the session of "
            f"{(host or guests[0]).path}",
            path=others[0].path,
        )
    for trace in others:
        trace.close()
    here = {trace.trace_id for trace in guests}
    missing = [g.name for g in host.guests if g.trace_id not in here] if host else []
    named = _name_guests(host, guests)
    return Session(
        host,
        named,
        strangers=[trace.path for trace in others],
        missing=missing,
        notes=_notes(host, named, missing),
        sync=sync,
    )


# Opening -----------------------------------------------------------------------------------

_MAGIC = b"\x17\x08\x44tracing"


def _is_trace(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:  # to be told when it is opened, if it looks like one of ours
        return path.suffix == ".dat"


def _files(sources: tuple[Source, ...]) -> list[Source]:
    """Replace each folder by the trace files in it, in order of name."""
    files: list[Source] = []
    for source in sources:
        if isinstance(source, int) or not os.path.isdir(source):
            files.append(source)
            continue
        folder = Path(os.fsdecode(source))
        try:
            inside = sorted(folder.iterdir())
        except OSError as error:
            reason = f"folder: {error.strerror}"
            raise errors.os_error(error.errno or 0, reason, str(folder)) from None
        found = [path for path in inside if path.is_file() and _is_trace(path)]
        if not found:
            raise errors.SessionError("no trace.dat file in this folder", path=str(folder))
        files += found
    return files


def open_session(
    *sources: Source,
    strangers: Literal["error", "skip"] = "error",
    strict: bool = False,
    mmap: bool = True,
    sync: bool = True,
    date: bool = True,
    budget: Budget | None = None,
) -> Session:
    """Open the files of a traced session and find out who is who.

    The order of the files does not matter: the trace IDs in them tell which is the host's and
    which guests belong to it.

    Args:
        sources: the host's file and the guests', or a folder that holds them (its files that
            are not trace.dat files are passed over).
        strangers: what to do with files of another session: ``"error"``, or ``"skip"`` to
            leave them out and list them in :attr:`Session.strangers`.
        strict, mmap, date, budget: as for :func:`tracecmd.open`.
        sync: put the guests' time stamps on the host's clock; False leaves each on its own.

    Raises:
        SessionError: (a ValueError) the files do not make one session; its ``path`` names the
            one that does not fit.
        TraceError: a file cannot be opened; see :func:`tracecmd.open`.
    """
    if not sources:
        raise TypeError("open_session() needs at least one file or folder")
    if strangers not in ("error", "skip"):
        raise ValueError(f'strangers={strangers!r}; it is "error" or "skip"')
    traces: list[Trace] = []
    try:
        for source in _files(sources):
            trace = open_trace(
                source, strict=strict, mmap=mmap, sync=sync, date=date, budget=budget
            )
            traces.append(trace)
        return _assemble(traces, strangers, sync)
    except BaseException:
        for trace in traces:
            trace.close()
        raise
