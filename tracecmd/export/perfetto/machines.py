"""What is known of each machine of a trace: its name, kernel, clock, and the names of its tasks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ... import _lowlevel
from ...session import Session
from ...session.clock import peer_clock
from ...session.vcpu_timeline import on_one_clock, unit_of
from ...trace import Trace
from .wire import (
    CLOCK_BOOTTIME,
    CLOCK_ID,
    CLOCK_MONOTONIC,
    CLOCK_MONOTONIC_RAW,
    CLOCK_TIMESTAMP,
    PACKET_CLOCK_SNAPSHOT,
    PACKET_PROCESS_TREE,
    PACKET_REMOTE_CLOCK_SYNC,
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
    TREE_PROCESSES,
    TREE_THREADS,
    UTSNAME_MACHINE,
    UTSNAME_RELEASE,
    UTSNAME_SYSNAME,
    integer,
    nested,
    string,
)

__all__ = ["Machine", "describe", "machine_ids", "machines_of"]

TREE_BYTES = 1 << 15
NOT_NANOSECONDS = {
    "counter": "events",
    "uptime": "jiffies",
    "x86-tsc": "cycles",
    "s390-tod": "units of the TOD clock",
    "ppc-tb": "units of the time base",
}


class Machine(NamedTuple):
    """One file of what is written.

    Attributes:
        trace: the file.
        number: its ``machine_id``; 0: the host's, or the only one.
        sequence: number of the sequence of its packets.
        placed: it is a guest whose time stamps are on the host's clock.
        faults: what its times are not, in plain sentences.
    """

    trace: Trace
    number: int
    sequence: int
    placed: bool
    faults: tuple[str, ...]

    @property
    def called(self) -> str:
        """How sentences call it."""
        return self.trace.peer or "this file"

    @property
    def name(self) -> str:
        """The peer's name, else that of the machine, with what is not right about its times."""
        words = self.trace.uname.split()
        name = self.trace.peer or (words[1] if len(words) >= 4 else "")
        return f"{name} ({'; '.join(self.faults)})".strip() if self.faults else name


def machine_ids(session: Session) -> dict[str, int]:
    """The machine_id of each peer: 0 for the host, for others a part of their trace ID."""
    ids = {"host": 0}
    for name, trace in (*session.guests.items(), *session.others.items()):
        number = trace.trace_id & 0xFFFFFFFF or 1
        while number in ids.values():
            number = number % 0xFFFFFFFF + 1
        ids[name] = number
    return {peer.name: ids[peer.name] for peer in session.peers}


def _unit(trace: Trace) -> str:
    """What time stamps count if that is not nanoseconds."""
    if unit_of(trace) == "ns" and trace.tsc2nsec is not None:
        return ""
    return NOT_NANOSECONDS.get(trace.clock, "")


def machines_of(recording: Session | Trace) -> list[Machine]:
    """The machines of a recording, the host first."""
    if isinstance(recording, Trace):
        unit = _unit(recording)
        wrong = (f"times are {unit}, not ns",) if unit else ()
        return [Machine(recording, 0, 1, placed=False, faults=wrong)]
    ids = machine_ids(recording)
    found = []
    alone = len(recording.peers) == 1
    for place, peer in enumerate(recording.peers, 1):
        placed = peer.role == "guest" and on_one_clock(recording, peer.name)
        unit = _unit(peer.trace)
        faults = [f"times are {unit}, not ns"] if unit else []
        if peer.role != "host" and not placed and not alone:
            faults.append("not on the clock of the others")
        found.append(Machine(peer.trace, ids[peer.name], place, placed, tuple(faults)))
    return found


COUNTED_PAGES = 4096  # at a time, between which signals are heeded


def fullest_buffers(trace: Trace) -> dict[int, int]:
    """By event id, the buffer with most of its records; nothing where there is one buffer alone."""
    reader = trace._reader
    if len({stream.buffer for stream in reader.streams}) < 2:
        return {}
    most: dict[int, tuple[int, int]] = {}
    counted: dict[int, _lowlevel.Counts] = {}
    for index, stream in enumerate(reader.streams):
        counts = counted.setdefault(stream.buffer, _lowlevel.Counts())
        for first in range(0, stream.page_count, COUNTED_PAGES):
            pages = min(COUNTED_PAGES, stream.page_count - first)
            reader.data.count(index, first, pages, counts)
    for buffer, counts in sorted(counted.items()):
        for number, count in counts.items():
            if count > most.get(number, (0, 0))[0]:
                most[number] = count, buffer
    return {number: buffer for number, (_, buffer) in most.items()}


# Kernel and architecture ----------------------------------------------------------------------


def _inferred_release(trace: Trace) -> str:
    """The oldest kernel whose switches look so, for a file that does not say which it was.

    Trace processor reads the states of tasks by the release: their bits were reordered in 4.14,
    and preemption had another one before 4.8.
    """
    form = trace.events.get("sched:sched_switch")
    if form is None:
        return ""
    states = {
        letter: int(bit, 0)
        for bit, letter in re.findall(r'\{\s*(0x[0-9a-f]+|\d+),\s*"(\w)"', form.print_fmt)
    }
    if states.get("I") == 0x80 or states.get("P") == 0x40:
        return "4.14.0"
    return "4.8.0" if re.search(r"\b(4096|0x1000)\b", form.print_fmt) else "4.4.0"


def _inferred_machine(trace: Trace) -> str:
    """By how the kernel calls its system calls."""
    symbols = trace._reader.symbols
    for prefix, machine in (("__x64_sys_", "x86_64"), ("__arm64_sys_", "aarch64")):
        if symbols.find_name(f"{prefix}read") is not None:
            return machine
    return ""


def _utsname(trace: Trace) -> bytes:
    words = trace.uname.split()
    if len(words) >= 4:
        known = [(UTSNAME_SYSNAME, words[0]), (UTSNAME_RELEASE, words[2])]
        known.append((UTSNAME_MACHINE, words[-1]))
    else:
        known = [(UTSNAME_SYSNAME, "Linux"), (UTSNAME_RELEASE, _inferred_release(trace))]
        known.append((UTSNAME_MACHINE, _inferred_machine(trace)))
    return b"".join(string(number, text) for number, text in known if text)


# Packets --------------------------------------------------------------------------------------


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


def _trees(tasks: Iterable[tuple[int, str]]) -> Iterator[bytes]:
    tree = bytearray()
    for pid, comm in tasks:
        if pid <= 0:
            continue
        tree += _task(pid, comm)
        if len(tree) > TREE_BYTES:
            yield bytes(tree)
            tree.clear()
    if tree:
        yield bytes(tree)


def describe(machine: Machine, start: int) -> Iterator[bytes]:
    """Packets in front of a machine's records: clock, system, names."""
    trace = machine.trace
    if machine.placed:
        yield _same_clock(start)
    clocks = [CLOCK_BOOTTIME]
    clocks += {"mono": [CLOCK_MONOTONIC], "mono_raw": [CLOCK_MONOTONIC_RAW]}.get(trace.clock, [])
    snapshot = b"".join(
        nested(SNAPSHOT_CLOCKS, integer(CLOCK_ID, clock) + integer(CLOCK_TIMESTAMP, start))
        for clock in clocks
    )
    snapshot += integer(SNAPSHOT_PRIMARY, CLOCK_BOOTTIME)
    yield integer(PACKET_TIMESTAMP, start) + nested(PACKET_CLOCK_SNAPSHOT, snapshot)
    system = nested(SYSTEM_UTSNAME, _utsname(trace)) + integer(SYSTEM_NUM_CPUS, trace.cpus)
    if machine.name:
        system += string(SYSTEM_MACHINE_NAME, machine.name)
    yield nested(PACKET_SYSTEM_INFO, system)
    for tree in _trees(trace._metadata.comms()):
        yield integer(PACKET_TIMESTAMP, start) + nested(PACKET_PROCESS_TREE, tree)


def clock_note(machine: Machine) -> str:
    """How good the clock of a guest is, in a sentence; "": there is nothing to say."""
    if not machine.placed:
        return ""
    clock = peer_clock(machine.trace, synchronised=True)
    text = f"{machine.trace.peer}: on the host's clock by {clock.protocol}"
    text += f", {max(clock.samples, default=0)} samples, spread {clock.spread} {clock.unit}"
    if clock.drift_ppb is not None:
        text += f", drift {clock.drift_ppb:.1f} ppb"
    return text
