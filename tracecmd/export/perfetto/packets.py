"""The file: what each machine is, then its records, bundle by bundle."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from ..._reading import Progress, Time
from ...errors import LimitError
from ...event import Event
from ...session import Session
from ...session.vcpu_timeline import on_one_clock
from ...trace import Trace
from ..files import replacing
from .events import Peer, encoder_of
from .wire import (
    BUNDLE_CPU,
    BUNDLE_LOST_EVENTS,
    CLOCK_BOOTTIME,
    CLOCK_ID,
    CLOCK_MONOTONIC,
    CLOCK_MONOTONIC_RAW,
    CLOCK_TIMESTAMP,
    PACKET_CLOCK_SNAPSHOT,
    PACKET_FTRACE_EVENTS,
    PACKET_MACHINE_ID,
    PACKET_PROCESS_TREE,
    PACKET_REMOTE_CLOCK_SYNC,
    PACKET_SEQUENCE_ID,
    PACKET_SYSTEM_INFO,
    PACKET_TIMESTAMP,
    PROCESS_CMDLINE,
    PROCESS_CMDLINE_IS_COMM,
    PROCESS_PID,
    SNAPSHOT_CLOCKS,
    SNAPSHOT_PRIMARY,
    SYNC_SYNCED_CLOCKS,
    SYNCED_CLIENT_CLOCKS,
    SYNCED_HOST_CLOCKS,
    SYSTEM_MACHINE_NAME,
    SYSTEM_NUM_CPUS,
    SYSTEM_UTSNAME,
    THREAD_NAME,
    THREAD_TGID,
    THREAD_TID,
    TRACE_PACKET,
    TREE_PROCESSES,
    TREE_THREADS,
    UTSNAME_MACHINE,
    UTSNAME_RELEASE,
    UTSNAME_SYSNAME,
    integer,
    nested,
    string,
    tag_bytes,
    varint,
)

__all__ = ["machine_ids", "write"]

FLUSH_BYTES = 1 << 15
MAX_TS, MAX_CPU = (1 << 63) - 1, 1023


def machine_ids(session: Session) -> dict[str, int]:
    """The machine_id of each peer: 0 for the host, for others a part of their trace ID."""
    ids = {"host": 0}
    for name, trace in (*session.guests.items(), *session.others.items()):
        number = trace.trace_id & 0xFFFFFFFF or 1
        while number in ids.values():
            number = number % 0xFFFFFFFF + 1
        ids[name] = number
    return {peer.name: ids[peer.name] for peer in session.peers}


def _packet(file: BinaryIO, body: bytes, ending: bytes) -> None:
    content = body + ending
    file.write(tag_bytes(TRACE_PACKET) + varint(len(content)))
    file.write(content)


def _same_clock(ts: int) -> bytes:
    """Say that a guest's time stamps are on the host's clock already.

    Trace processor takes two comparisons of the clocks that follow each other for a message there
    and back: each clock's middle is when the other one was read. Only if no time passes between
    the two is the offset that comes out the clocks' difference, zero.
    """
    clock = integer(CLOCK_ID, CLOCK_BOOTTIME) + integer(CLOCK_TIMESTAMP, ts)
    snapshot = nested(SNAPSHOT_CLOCKS, clock)
    both = nested(SYNCED_CLIENT_CLOCKS, snapshot) + nested(SYNCED_HOST_CLOCKS, snapshot)
    return nested(PACKET_REMOTE_CLOCK_SYNC, nested(SYNC_SYNCED_CLOCKS, both) * 2)


def _task(pid: int, comm: str) -> bytes:
    """Name a task: fields of the ``ProcessTree``.

    Trace processor takes a command line that is one word with blanks in it, such as ``CPU 0/KVM``,
    for several, and the first for the process's name. A second word keeps it from that, if only an
    empty one; what the thread is called is then said apart.
    """
    process = integer(PROCESS_PID, pid) + string(PROCESS_CMDLINE, comm)
    process += integer(PROCESS_CMDLINE_IS_COMM, 1)
    if " " not in comm:
        return nested(TREE_PROCESSES, process)
    thread = integer(THREAD_TID, pid) + string(THREAD_NAME, comm) + integer(THREAD_TGID, pid)
    process += string(PROCESS_CMDLINE, "")
    return nested(TREE_PROCESSES, process) + nested(TREE_THREADS, thread)


def _describe(trace: Trace, name: str, start: int) -> Iterator[bytes]:
    """Packets in front of a machine's records: clock, system, names."""
    clocks = [CLOCK_BOOTTIME]
    clocks += {"mono": [CLOCK_MONOTONIC], "mono_raw": [CLOCK_MONOTONIC_RAW]}.get(trace.clock, [])
    snapshot = b"".join(
        nested(SNAPSHOT_CLOCKS, integer(CLOCK_ID, clock) + integer(CLOCK_TIMESTAMP, start))
        for clock in clocks
    )
    snapshot += integer(SNAPSHOT_PRIMARY, CLOCK_BOOTTIME)
    yield integer(PACKET_TIMESTAMP, start) + nested(PACKET_CLOCK_SNAPSHOT, snapshot)
    words = trace.uname.split()
    utsname = b""
    if len(words) >= 4:
        utsname = string(UTSNAME_SYSNAME, words[0]) + string(UTSNAME_RELEASE, words[2])
        utsname += string(UTSNAME_MACHINE, words[-1])
    system = nested(SYSTEM_UTSNAME, utsname) + integer(SYSTEM_NUM_CPUS, trace.cpus)
    if name:
        system += string(SYSTEM_MACHINE_NAME, name)
    yield nested(PACKET_SYSTEM_INFO, system)
    tree = bytearray()
    for pid, comm in trace._metadata.comms():
        if pid <= 0:
            continue
        tree += _task(pid, comm)
        if len(tree) > FLUSH_BYTES:
            yield integer(PACKET_TIMESTAMP, start) + nested(PACKET_PROCESS_TREE, tree)
            tree.clear()
    if tree:
        yield integer(PACKET_TIMESTAMP, start) + nested(PACKET_PROCESS_TREE, tree)


def _beyond(event: Event, trace: Trace) -> LimitError:
    """Say what trace processor would drop, or refuse the whole trace for."""
    what = f"time {event.ts} ns" if event.ts > MAX_TS else f"CPU {event.cpu}"
    limits = f"times up to {MAX_TS} ns and CPUs up to {MAX_CPU}"
    reason = f"trace data: a record of {what}; Perfetto has {limits}"
    return LimitError(reason, path=trace.path)


class _Bundles:
    """Records on their way into the file, CPU by CPU."""

    def __init__(self, file: BinaryIO, peers: dict[str, Peer]) -> None:
        self._file = file
        self._peers = peers
        self._open: dict[tuple[str, str, int], bytearray] = {}

    def add(self, event: Event) -> None:
        name = event.peer
        peer = self._peers[name]
        key = name, event.buffer, event.cpu
        bundle = self._open.get(key)
        if bundle is None or event.missed_events or len(bundle) > FLUSH_BYTES:
            self._flush(key)
            bundle = self._open[key] = bytearray(integer(BUNDLE_CPU, event.cpu))
            if event.missed_events:
                bundle += integer(BUNDLE_LOST_EVENTS, 1)
        if event.ts > MAX_TS or event.cpu > MAX_CPU:
            raise _beyond(event, peer.trace)
        kind = event.buffer, event.id
        encode = peer.encoders.get(kind)
        if encode is None:
            encode = peer.encoders[kind] = encoder_of(peer, event)
        body = b"\x08" + varint(event.ts) + b"\x10" + varint(event.pid & 0xFFFFFFFF)
        body += encode(event)
        bundle += b"\x12" + varint(len(body)) + body

    def _flush(self, key: tuple[str, str, int]) -> None:
        bundle = self._open.pop(key, None)
        if bundle is not None:
            body = nested(PACKET_FTRACE_EVENTS, bundle)
            _packet(self._file, body, self._peers[key[0]].ending)

    def close(self) -> None:
        for key in list(self._open):
            self._flush(key)


def write(
    recording: Session | Trace,
    path: str | os.PathLike[str],
    *,
    events: str | Iterable[str] | None = None,
    start: Time = None,
    end: Time = None,
    progress: Progress = None,
) -> int:
    """Write a protobuf trace for Perfetto; gives the number of records in it.

    The file appears under its name when it is whole.

    Args:
        recording: a session or a single file.
        path: the file to write, ``.pftrace`` by custom.
        events, start, end: which records; as for :meth:`Session.iter`.
        progress: called now and then with work done and all work, in pages.

    Raises:
        KeyError: no such event.
        LimitError: a record has a time or a CPU that Perfetto cannot hold; ``start`` and ``end``
            may leave it out.
    """
    if isinstance(recording, Session):
        traces = {peer.name: peer.trace for peer in recording.peers}
        ids = machine_ids(recording)
        placed = {name for name in recording.guests if on_one_clock(recording, name)}
    else:
        traces, ids, placed = {recording.peer: recording}, {recording.peer: 0}, set()
    walk = recording.iter(events, start=start, end=end, progress=progress)
    count = 0
    with replacing(path) as file:
        peers: dict[str, Peer] = {}
        first = next(walk, None)
        for place, (name, trace) in enumerate(traces.items(), 1):
            ending = integer(PACKET_SEQUENCE_ID, place)
            if ids[name]:
                ending += integer(PACKET_MACHINE_ID, ids[name])
            peers[name] = Peer(trace, ending, {})
            ts = 0 if first is None else first.ts
            if name in placed:
                _packet(file, _same_clock(ts), ending)
            for body in _describe(trace, name, ts):
                _packet(file, body, ending)
        bundles = _Bundles(file, peers)
        for event in walk if first is None else itertools.chain([first], walk):
            bundles.add(event)
            count += 1
        bundles.close()
    return count
