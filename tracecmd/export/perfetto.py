"""Recordings for Perfetto's UI and trace_processor: protobuf traces of a file or a whole session.

What is written, by the names of perfetto.dev's ``perfetto_trace.proto``: a ``FtraceEventBundle``
per stretch of a CPU's records, typed where the schema has the event with all of its fields, else
as ``GenericFtraceEvent``; a ``ProcessTree`` of the saved command lines, as far as names are known
(trace.dat files do not say which threads make a process, so that each task stands for itself);
``SystemInfo`` and ``ClockSnapshot``. Each guest is a machine of its own (``machine_id``), its time
stamps on the host's clock, which stands as the boot-time clock of all machines;
``RemoteClockSync`` says so. The flags and the preempt count of records are left out: the schema has
a ``common_flags``, but trace processor takes it for an event of its own, without a name.

The file is written as it is read: memory does not depend on the size of the recording.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, NamedTuple

from ..errors import LimitError
from ..event import Event
from ..events import EventFormat, Field
from ..session.session import Session
from ..session.vcpu_timeline import on_one_clock
from ..trace import Trace
from .files import replacing

__all__ = ["NATIVE", "machine_ids", "write"]

FLUSH_BYTES = 1 << 15
MAX_TS, MAX_CPU = (1 << 63) - 1, 1023

# Numbers of fields in perfetto_trace.proto.
TRACE_PACKET = 1
PACKET_FTRACE_EVENTS, PACKET_PROCESS_TREE, PACKET_CLOCK_SNAPSHOT, PACKET_TIMESTAMP = 1, 2, 6, 8
PACKET_SEQUENCE_ID, PACKET_SYSTEM_INFO, PACKET_MACHINE_ID = 10, 45, 98
PACKET_REMOTE_CLOCK_SYNC = 107
SYNC_SYNCED_CLOCKS, SYNCED_CLIENT_CLOCKS, SYNCED_HOST_CLOCKS = 1, 2, 3
BUNDLE_CPU, BUNDLE_EVENT, BUNDLE_LOST_EVENTS = 1, 2, 3
EVENT_TIMESTAMP, EVENT_PID, EVENT_GENERIC = 1, 2, 327
GENERIC_NAME, GENERIC_FIELD = 1, 2
VALUE_NAME, VALUE_STR, VALUE_INT, VALUE_UINT = 1, 3, 4, 5
TREE_PROCESSES, PROCESS_PID, PROCESS_CMDLINE, PROCESS_CMDLINE_IS_COMM = 1, 1, 3, 9
TREE_THREADS, THREAD_TID, THREAD_NAME, THREAD_TGID = 2, 1, 2, 3
SNAPSHOT_CLOCKS, SNAPSHOT_PRIMARY, CLOCK_ID, CLOCK_TIMESTAMP = 1, 2, 1, 2
SYSTEM_UTSNAME, SYSTEM_NUM_CPUS, SYSTEM_MACHINE_NAME = 1, 8, 17
UTSNAME_SYSNAME, UTSNAME_RELEASE, UTSNAME_MACHINE = 1, 3, 4
CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME = 3, 5, 6

NATIVE: dict[str, tuple[int, str]] = {
    "ftrace:print": (3, "ip:1U buf:2s"),
    "irq:irq_handler_entry": (36, "irq:1i name:2s handler:3u"),
    "irq:irq_handler_exit": (37, "irq:1i ret:2i"),
    "irq:softirq_entry": (24, "vec:1u"),
    "irq:softirq_exit": (25, "vec:1u"),
    "irq:softirq_raise": (26, "vec:1u"),
    "kvm:kvm_entry": (376, "vcpu_pc:1U"),  # arm64's; other machines have other fields
    "kvm:kvm_exit": (377, "esr_ec:1u ret:2i vcpu_pc:3U"),
    "power:cpu_frequency": (11, "state:1u cpu_id:2u"),
    "power:cpu_idle": (13, "state:1u cpu_id:2u"),
    "power:suspend_resume": (113, "action:1s val:2i start:3u"),
    "raw_syscalls:sys_enter": (329, "id:1I args:2U"),
    "raw_syscalls:sys_exit": (330, "id:1I ret:2I"),
    "sched:sched_process_exec": (237, "filename:1s pid:2i old_pid:3i"),
    "sched:sched_process_exit": (238, "comm:1s pid:2i tgid:3i prio:4i"),
    "sched:sched_process_fork": (239, "parent_comm:1s parent_pid:2i child_comm:3s child_pid:4i"),
    "sched:sched_process_free": (240, "comm:1s pid:2i prio:3i"),
    "sched:sched_process_hang": (241, "comm:1s pid:2i"),
    "sched:sched_process_wait": (242, "comm:1s pid:2i prio:3i"),
    "sched:sched_switch": (
        4,
        "prev_comm:1s prev_pid:2i prev_prio:3i prev_state:4I next_comm:5s next_pid:6i next_prio:7i",
    ),
    "sched:sched_wakeup": (17, "comm:1s pid:2i prio:3i success:4i target_cpu:5i"),
    "sched:sched_wakeup_new": (114, "comm:1s pid:2i prio:3i success:4i target_cpu:5i"),
    "sched:sched_waking": (20, "comm:1s pid:2i prio:3i success:4i target_cpu:5i"),
    "signal:signal_deliver": (324, "code:1i sa_flags:2U sig:3i"),
    "signal:signal_generate": (325, "code:1i comm:2s group:3i pid:4i result:5i sig:6i"),
    "task:task_newtask": (235, "pid:1i comm:2s clone_flags:3U oom_score_adj:4i"),
    "task:task_rename": (236, "pid:1i oldcomm:2s newcomm:3s oom_score_adj:4i"),
    "workqueue:workqueue_execute_end": (57, "work:1U function:2U"),
    "workqueue:workqueue_execute_start": (58, "work:1U function:2U"),
}
"""Events that the schema has: number in FtraceEvent, and fields with their number and type.

``i`` int32, ``I`` int64, ``u`` uint32, ``U`` uint64, ``s`` string. A record is written so only if
the schema has all of the fields that the kernel gave it, in types that hold all of their values.
"""


# The wire format: protobuf.dev/programming-guides/encoding ---------------------------------------


def _long_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_SHORT = [_long_varint(value) for value in range(1 << 12)]


def varint(value: int) -> bytes:
    """Encode an integer; negative ones as 64 bits of two's complement."""
    return _SHORT[value] if 0 <= value < 1 << 12 else _long_varint(value & (1 << 64) - 1)


def tag_varint(number: int) -> bytes:
    """Give what stands before a field that is an integer."""
    return varint(number << 3)


def tag_bytes(number: int) -> bytes:
    """Give what stands before the length of a field that is a text or a message."""
    return varint(number << 3 | 2)


def integer(number: int, value: int) -> bytes:
    """Encode a field that is an integer."""
    return tag_varint(number) + varint(value)


def nested(number: int, content: bytes | bytearray) -> bytes:
    """Encode a field that is bytes, or a message."""
    return tag_bytes(number) + varint(len(content)) + content


def string(number: int, text: str) -> bytes:
    """Encode a field that is a text; what is no text in it becomes question marks."""
    return nested(number, text.encode(errors="replace"))


# Records -----------------------------------------------------------------------------------------

_Encode = Callable[[Event], bytes]


def _holds(field: Field, kind: str) -> bool:
    """Whether a type of the schema holds every value of a kernel's field."""
    if kind == "s":
        return field.is_string
    if field.is_string or (field.is_array and kind != "U"):
        return False
    size = field.element_size if field.is_array else field.size
    if size not in (1, 2, 4, 8):
        return False
    if field.is_signed:
        return kind == "I" or (kind == "i" and size <= 4)
    return kind == "U" or (kind == "u" and size <= 4) or (kind in "iI" and size < 4)


def _native(form: EventFormat) -> _Encode | None:
    """Make the encoder of an event that the schema has, if all of its fields fit."""
    if str(form) not in NATIVE:
        return None
    number, spec = NATIVE[str(form)]
    types = {name: (int(n), kind) for name, n, kind in re.findall(r"(\w+):(\d+)(\w)", spec)}
    parts: list[tuple[Field, bytes]] = []
    for name, field in form.fields.items():
        target, kind = types.get(name, (0, ""))
        if not target or not _holds(field, kind):
            return None
        parts.append((field, tag_bytes(target) if kind == "s" else tag_varint(target)))
    head = tag_bytes(number)

    def encode(event: Event) -> bytes:
        body = b""
        for field, tag in parts:
            value = event._read(field)
            if isinstance(value, int):
                body += tag + varint(value)
            elif isinstance(value, str):
                text = value.encode(errors="replace")
                body += tag + varint(len(text)) + text
            elif isinstance(value, list):
                body += b"".join([tag + varint(each) for each in value])
        return head + varint(len(body)) + body

    return encode


def _value(field: Field, value: int | str | bytes | list[int]) -> bytes:
    if isinstance(value, int):
        return integer(VALUE_INT if field.is_signed else VALUE_UINT, value)
    if isinstance(value, str):
        return string(VALUE_STR, value)
    if isinstance(value, bytes):
        return string(VALUE_STR, value.hex())
    return string(VALUE_STR, ",".join(map(str, value)))


def _generic(form: EventFormat) -> _Encode:
    head = tag_bytes(EVENT_GENERIC)
    name = string(GENERIC_NAME, form.name)
    parts = [(field, string(VALUE_NAME, field.name)) for field in form.fields.values()]

    def encode(event: Event) -> bytes:
        body = name
        for field, title in parts:
            value = event._read(field)
            if value is not None:
                body += nested(GENERIC_FIELD, title + _value(field, value))
        return head + varint(len(body)) + body

    return encode


_MARK = re.compile(
    r"""(B\|{tgid}\|[^\n\0]*                        # a slice of the thread begins
       |E(\|[^\n\0]*)?                            # and ends
       |I\|{tgid}\|{name}                         # an instant of it
       |C\|{tgid}\|{name}\|{number}(\|{name})?    # a counter
       |[SF]\|{tgid}\|{name}\|{number}            # an asynchronous slice begins, and ends
       |N\|{tgid}\|{name}\|{name}                 # an instant on a track with a name
       |G\|{tgid}\|{name}\|{name}\|{number}       # an asynchronous slice begins there
       |H\|{tgid}\|{name}(\|{name})?\|{number}    # and ends
       )[\n\0]*""".format(tgid=r"\d{1,9}", name=r"[^|\n\0]+", number=r"-?\d{1,18}"),
    re.ASCII | re.VERBOSE,
)
"""Texts in trace_marker that stand for slices and counters, as Android's atrace writes them."""


def _print(form: EventFormat) -> _Encode:
    """Make the encoder of texts: typed only if they are marks.

    Trace processor takes every typed one for a mark: a text that is none counts as an error, and
    one that begins with an E ends a slice.
    """
    native, generic = _native(form), _generic(form)
    if native is None:
        return generic
    typed, text = native, form.fields["buf"]

    def encode(event: Event) -> bytes:
        is_mark = _MARK.fullmatch(str(event._read(text)))
        return typed(event) if is_mark else generic(event)

    return encode


def _unknown(number: int) -> _Encode:
    """Encode what the file has no format for: its bytes."""

    def encode(event: Event) -> bytes:
        value = string(VALUE_NAME, "raw") + string(VALUE_STR, event.raw.hex())
        name = string(GENERIC_NAME, f"id {number}")
        return nested(EVENT_GENERIC, name + nested(GENERIC_FIELD, value))

    return encode


class _Peer(NamedTuple):
    """One machine: its packets' last fields, and encoders of events by buffer and id."""

    trace: Trace
    ending: bytes
    encoders: dict[tuple[str, int], _Encode]


def _encoder(peer: _Peer, event: Event) -> _Encode:
    """Make the encoder of an event in a buffer.

    Several buffers may have recorded the same: trace processor would count a time slice twice, or
    find that a CPU switches from a task that it does not run. An event is therefore typed in the
    buffer where it comes first, and in others generic.
    """
    form = event.format
    if form is None:
        return _unknown(event.id)
    if any(number == event.id for _, number in peer.encoders):
        return _generic(form)
    if str(form) == "ftrace:print":
        return _print(form)
    return _native(form) or _generic(form)


# The file ----------------------------------------------------------------------------------------


def machine_ids(session: Session) -> dict[str, int]:
    """The machine_id of each peer: 0 for the host, for guests a part of their trace ID."""
    ids = {"host": 0}
    for name, trace in session.guests.items():
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

    def __init__(self, file: BinaryIO, peers: dict[str, _Peer]) -> None:
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
            encode = peer.encoders[kind] = _encoder(peer, event)
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
    start: int | None = None,
    end: int | None = None,
    progress: Callable[[int, int], None] | None = None,
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
        peers: dict[str, _Peer] = {}
        first = next(walk, None)
        for place, (name, trace) in enumerate(traces.items(), 1):
            ending = integer(PACKET_SEQUENCE_ID, place)
            if ids[name]:
                ending += integer(PACKET_MACHINE_ID, ids[name])
            peers[name] = _Peer(trace, ending, {})
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
