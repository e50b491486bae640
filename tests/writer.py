"""Makes trace.dat files, versions 6 and 7, from Python values.

A test says with this what exactly a file holds, and a damaged file is "this file with that field
changed". It writes the file the other way round from the reader and shares nothing with it, and so
also serves as a description of the format; the man pages meant below are trace-cmd.dat.v6(5) and
trace-cmd.dat.v7(5), and the kernel's ring-buffer-design.rst.

    file = Trace(
        version=7,
        compression="zstd",
        options=[TraceId(0x1234), Guest("Guest1", 0x99, {0: 4711, 1: 4712})],
        buffers=[Buffer(cpus={0: [Page(1000, [Event(5, TICK.values(pid=1, n=42))])]})],
    ).write()
    file.data                               # the bytes
    file.marks                              # what lies where: (name, offset, size, kind)
    file.change("option GUEST/vCPUs", 7)    # the bytes with that one number overwritten
    file.cut(file.mark("option GUEST").offset)

Whatever is said in numbers here is written as given, right or wrong.
"""

from __future__ import annotations

import importlib
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

zstandard: Any
try:
    zstandard = importlib.import_module("zstandard")
except ImportError:  # frames that hold their bytes as they are need no library: zstd_frame()
    zstandard = None

Kind = Literal["structure", "number", "bytes"]
Compression = Literal["none", "zlib", "zstd"]

CHUNK_PAGES = 10
"""Pages in a chunk of compressed CPU data."""


# --- bytes, and what lies where ------------------------------------------------------------------


class Mark(NamedTuple):
    """One thing that was written. Structures contain the marks that lie inside them."""

    name: str
    """A path: ``section 3/CPU 0/chunk 1/stored size``. Repeated names get ``[1]``, ``[2]``, …"""
    offset: int
    size: int
    kind: Kind

    @property
    def end(self) -> int:
        return self.offset + self.size


@dataclass(frozen=True)
class Machine:
    """What decides the shape of numbers: byte order and size of ``long`` in the kernel."""

    big_endian: bool = False
    long_size: int = 8

    def pack(self, size: int, value: int) -> bytes:
        order: Literal["big", "little"] = "big" if self.big_endian else "little"
        return (value & ((1 << (8 * size)) - 1)).to_bytes(size, order)


class Encoder:
    """Growing bytes in one byte order, with a note of what lies where."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.data = bytearray()
        self.marks: list[Mark] = []
        self._path: list[str] = []
        self._used: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.data)

    def _name(self, name: str) -> str:
        """The full path of a name, made unique."""
        path = "/".join([*self._path, name])
        count = self._used.get(path, 0)
        self._used[path] = count + 1
        return f"{path}[{count}]" if count else path

    def _add(self, data: bytes, name: str, kind: Kind) -> None:
        if name:
            self.marks.append(Mark(self._name(name), len(self.data), len(data), kind))
        self.data += data

    def number(self, size: int, value: int, name: str) -> None:
        self._add(self.machine.pack(size, value), name, "number")

    def u8(self, value: int, name: str) -> None:
        self.number(1, value, name)

    def u16(self, value: int, name: str) -> None:
        self.number(2, value, name)

    def u32(self, value: int, name: str) -> None:
        self.number(4, value, name)

    def u64(self, value: int, name: str) -> None:
        self.number(8, value, name)

    def raw(self, data: bytes, name: str = "") -> None:
        self._add(data, name, "bytes")

    def string(self, text: str | bytes, name: str) -> None:
        """A text and the NUL that ends it."""
        self.raw(to_bytes(text) + b"\0", name)

    def align(self, size: int) -> None:
        self.data += bytes(-len(self.data) % size)

    @contextmanager
    def structure(self, name: str) -> Iterator[None]:
        """All that is written inside is one structure, and named below it."""
        start = len(self.data)
        unique = self._name(name)
        place = len(self.marks)
        outer, self._path = self._path, unique.split("/")
        try:
            yield
        finally:
            self._path = outer
            mark = Mark(unique, start, len(self.data) - start, "structure")
            self.marks.insert(place, mark)

    def append(self, other: Encoder, name: str) -> None:
        """What was encoded elsewhere, as one structure."""
        with self.structure(name):
            start = len(self.data)
            prefix = "/".join(self._path)
            self.marks += [
                mark._replace(name=f"{prefix}/{mark.name}", offset=start + mark.offset)
                for mark in other.marks
            ]
            self.data += other.data

    def patch(self, offset: int, size: int, value: int) -> None:
        """Fills in a number that was not known when its place was written."""
        self.data[offset : offset + size] = self.machine.pack(size, value)

    def nested(self) -> Encoder:
        return Encoder(self.machine)


def to_bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


# --- compression: trace-cmd.dat.v7(5), "Compression of the data" ---------------------------------


def zstd_frame(data: bytes) -> bytes:
    """One zstd frame without the size of its content, as trace-cmd writes them (RFC 8878)."""
    if zstandard is not None:
        return bytes(zstandard.ZstdCompressor(write_content_size=False).compress(data))
    frame = bytearray(b"\x28\xb5\x2f\xfd")
    frame += b"\x00"  # no content size, no checksum, not a single segment, no dictionary
    frame += b"\x38"  # window of 128 KiB
    pieces = [data[at : at + (1 << 17)] for at in range(0, len(data), 1 << 17)] or [b""]
    for number, piece in enumerate(pieces, 1):
        header = len(piece) << 3 | (number == len(pieces))  # type 0: stored
        frame += header.to_bytes(3, "little") + piece
    return bytes(frame)


def pack_block(compression: Compression, data: bytes) -> bytes:
    if compression == "zlib":
        return zlib.compress(data)
    return zstd_frame(data)


# --- events: the kernel's "format" files ---------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """A field of an event: ``Field("char comm[16]", 16)``, ``Field("__data_loc char[] name", 4)``.

    ``size`` is in bytes, ``"long"`` for the kernel's long; 0: the field runs to the end of the
    record.
    """

    declaration: str
    size: int | Literal["long"]
    signed: bool = False
    align: int | None = None

    @property
    def name(self) -> str:
        """The last word; the brackets of an array stand behind it, of a dynamic one before it."""
        return re.sub(r"\[\w*\]$", "", self.declaration).split()[-1].lstrip("*")

    @property
    def dynamic(self) -> bool:
        return self.declaration.startswith(("__data_loc", "__rel_loc"))

    @property
    def array(self) -> bool:
        return "[" in self.declaration and not self.dynamic

    def bytes_on(self, machine: Machine) -> int:
        return machine.long_size if self.size == "long" else self.size

    def place(self, offset: int, machine: Machine) -> int:
        """Where the field lies when everything before it ends at offset."""
        natural = 1 if self.array and self.size else self.bytes_on(machine)
        align = self.align or max(1, natural)
        return -(-offset // align) * align


COMMON_FIELDS = (
    Field("unsigned short common_type", 2),
    Field("unsigned char common_flags", 1),
    Field("unsigned char common_preempt_count", 1),
    Field("int common_pid", 4, signed=True),
)

Value = int | str | bytes


@dataclass(frozen=True)
class EventFormat:
    """An event of the kernel, as its ``format`` file tells it; makes records of it."""

    system: str
    name: str
    id: int
    fields: tuple[Field, ...]
    print_fmt: str

    def placed(self, machine: Machine) -> list[tuple[Field, int, int]]:
        """All fields with their offset and size."""
        result = []
        offset = 0
        for item in (*COMMON_FIELDS, *self.fields):
            offset = item.place(offset, machine)
            result.append((item, offset, item.bytes_on(machine)))
            offset += item.bytes_on(machine)
        return result

    def text(self, machine: Machine) -> str:
        lines = [
            f"\tfield:{item.declaration};\toffset:{offset};\tsize:{size};"
            f"\tsigned:{int(item.signed)};\n"
            for item, offset, size in self.placed(machine)
        ]
        common = len(COMMON_FIELDS)
        return (
            f"name: {self.name}\nID: {self.id}\nformat:\n{''.join(lines[:common])}\n"
            f"{''.join(lines[common:])}\nprint fmt: {self.print_fmt}\n"
        )

    def values(
        self, *, pid: int = 0, flags: int = 0, preempt_count: int = 0, **values: Value
    ) -> Values:
        """A record of this event. Fields that are not given are 0 or empty."""
        common: dict[str, Value] = {
            "common_type": self.id,
            "common_flags": flags,
            "common_preempt_count": preempt_count,
            "common_pid": pid,
        }
        return Values(self, {**common, **values})


@dataclass(frozen=True)
class Values:
    """The payload of a record: an event format with values for its fields."""

    format: EventFormat
    values: Mapping[str, Value]

    def encode(self, machine: Machine) -> bytes:
        placed = self.format.placed(machine)
        data = bytearray(max(offset + size for _, offset, size in placed))
        for item, offset, size in placed:
            value = self.values.get(item.name, 0 if not item.array and not item.dynamic else b"")
            if item.dynamic:
                data[offset : offset + size] = self._dynamic(
                    item, offset + size, value, data, machine
                )
            elif item.array and not size:
                data += _content(value)
            elif item.array:
                data[offset : offset + size] = _content(value)[:size].ljust(size, b"\0")
            elif isinstance(value, int):
                data[offset : offset + size] = machine.pack(size, value)
            else:
                raise TypeError(f"{item.name} is a number")
        return bytes(data)

    @staticmethod
    def _dynamic(item: Field, end: int, value: Value, data: bytearray, machine: Machine) -> bytes:
        """u32: low half where the bytes lie (``__rel_loc``: behind the field), high half size."""
        content = _content(value)
        where = len(data) - (end if item.declaration.startswith("__rel_loc") else 0)
        data += content
        return machine.pack(4, len(content) << 16 | where)


def _content(value: Value) -> bytes:
    """Bytes of an array: a text brings the NUL that ends it."""
    if isinstance(value, int):
        raise TypeError("an array takes text or bytes")
    return value.encode() + b"\0" if isinstance(value, str) else value


# --- records: the kernel's ring buffer ------------------------------------------------------------


def record_word(machine: Machine, type_len: int, time_delta: int) -> bytes:
    """The 32 bits before every record: 5 of type or length, 27 of time."""
    delta = time_delta & 0x7FFFFFF
    return machine.pack(4, type_len << 27 | delta if machine.big_endian else delta << 5 | type_len)


class Record(Protocol):
    """Something in a page."""

    def encode(self, e: Encoder, room: int) -> None:
        """room: bytes left in the page."""


@dataclass(frozen=True)
class Event:
    """An event; its time is ``delta`` behind what was before it in the page.

    Payloads of 4 to 112 bytes have their length in the word, others (or ``long_form``) behind it.
    """

    delta: int
    payload: Values | bytes
    long_form: bool = False

    def encode(self, e: Encoder, room: int) -> None:
        payload = self.payload
        if isinstance(payload, Values):
            payload = payload.encode(e.machine)
        payload += bytes(-len(payload) % 4)
        with e.structure("event"):
            if self.long_form or not 4 <= len(payload) <= 112:
                e.raw(record_word(e.machine, 0, self.delta), "word")
                e.u32(len(payload) + 4, "length")
            else:
                e.raw(record_word(e.machine, len(payload) // 4, self.delta), "word")
            e.raw(payload, "payload")


@dataclass(frozen=True)
class Discarded:
    """An event that was taken back: ``size`` bytes behind its length word mean nothing."""

    delta: int
    size: int

    def encode(self, e: Encoder, room: int) -> None:
        with e.structure("discarded"):
            e.raw(record_word(e.machine, 29, self.delta), "word")
            e.u32(self.size + 4, "length")
            e.raw(b"\xdd" * self.size, "content")


@dataclass(frozen=True)
class Padding:
    """The rest of the page is unused. With 4 bytes left there is no room for a length."""

    def encode(self, e: Encoder, room: int) -> None:
        with e.structure("padding"):
            e.raw(record_word(e.machine, 29, 0), "word")
            if room >= 8:
                e.u32(room - 4, "length")
                e.raw(bytes(room - 8), "content")


@dataclass(frozen=True)
class TimeExtend:
    """Moves time on by more than 27 bits can say."""

    delta: int

    def encode(self, e: Encoder, room: int) -> None:
        with e.structure("time extend"):
            e.raw(record_word(e.machine, 30, self.delta), "word")
            e.u32(self.delta >> 27, "high part")


@dataclass(frozen=True)
class TimeStamp:
    """Sets time absolutely; of the stamp 59 bits are stored."""

    stamp: int

    def encode(self, e: Encoder, room: int) -> None:
        with e.structure("time stamp"):
            e.raw(record_word(e.machine, 31, self.stamp), "word")
            e.u32((self.stamp & ((1 << 59) - 1)) >> 27, "high part")


@dataclass(frozen=True)
class RawRecord:
    """Any bytes where a record should be."""

    data: bytes

    def encode(self, e: Encoder, room: int) -> None:
        e.raw(self.data, "raw record")


MISSED_EVENTS = 1 << 31
MISSED_STORED = 1 << 30


@dataclass(frozen=True)
class Page:
    """A sub-buffer: u64 time stamp, long commit, records.

    ``lost``: events lost before the page, ``-1`` for an unknown number. A known number is stored
    behind the records and marked so. ``sign_extended``: an 8-byte commit with all upper bits set,
    as kernels before 6.0 left it. ``commit`` overrides the number of bytes that records take.
    """

    timestamp: int
    records: Sequence[Record] = ()
    lost: int = 0
    sign_extended: bool = False
    commit: int | None = None

    def encode(self, e: Encoder, page_size: int) -> None:
        long_size = e.machine.long_size
        start = len(e)
        with e.structure("page"):
            e.u64(self.timestamp, "timestamp")
            place = len(e)
            e.number(long_size, 0, "commit")
            data = len(e)
            for record in self.records:
                record.encode(e, start + page_size - len(e))
            size = len(e) - data
            flags = 0
            if self.lost:
                flags |= MISSED_EVENTS
            if self.lost > 0:
                flags |= MISSED_STORED
                e.number(long_size, self.lost, "lost events")
            if self.sign_extended:
                flags |= -1 << 32
            e.patch(place, long_size, flags | (size if self.commit is None else self.commit))
            if len(e) - start > page_size:
                raise ValueError(f"records of {len(e) - start} bytes in a page of {page_size}")
            e.data += bytes(start + page_size - len(e))


def fill_pages(
    events: Iterable[tuple[int, Values | bytes]],
    machine: Machine,
    page_size: int = 4096,
) -> list[Page]:
    """Events with absolute times, in time order, as the kernel would put them into pages."""
    pages: list[Page] = []
    records: list[Record] = []
    start = now = room = 0
    for ts, payload in events:
        step: list[Record] = []
        delta = ts - now
        if delta >= 1 << 27:
            step, delta = [TimeExtend(delta)], 0
        content = payload.encode(machine) if isinstance(payload, Values) else payload
        step.append(Event(delta, content))
        size = 8 * (len(step) - 1) + 8 + -(-len(content) // 4) * 4
        if not records or size > room:
            if records:
                pages.append(Page(start, records))
            start, room = ts, page_size - 8 - machine.long_size
            records, step = [], [Event(0, content)]
            size = 8 + -(-len(content) // 4) * 4
        now = ts
        records += step
        room -= size
    if records:
        pages.append(Page(start, records))
    return pages


# --- options: trace-cmd.dat.v7(5), OPTIONS --------------------------------------------------------


class Option(Protocol):
    """An option: u16 id, u32 size, payload."""

    @property
    def id(self) -> int: ...

    @property
    def label(self) -> str: ...

    def encode(self, e: Encoder) -> None:
        """Writes the payload."""


@dataclass(frozen=True)
class RawOption:
    """Any id with any payload."""

    id: int
    payload: bytes = b""

    @property
    def label(self) -> str:
        return str(self.id)

    def encode(self, e: Encoder) -> None:
        e.raw(self.payload, "payload")


@dataclass(frozen=True)
class TextOption:
    """A text with its NUL. ``nul=False``: as an unkind writer would leave it."""

    text: str
    nul: bool = True

    def encode(self, e: Encoder) -> None:
        e.raw(self.text.encode() + (b"\0" if self.nul else b""), "text")


class CpuStat(TextOption):
    """Statistics of one CPU: ``CPU: 0\\nentries: 5\\n…``."""

    id, label = 2, "CPUSTAT"


class TraceClock(TextOption):
    """The ``trace_clock`` file: ``[local] global counter …``."""

    id, label = 4, "TRACECLOCK"


class Uname(TextOption):
    """``Linux host 6.12.0 x86_64``."""

    id, label = 5, "UNAME"


class Hook(TextOption):
    """``sys:event,field[,pid]/sys:event,field[,flags]``."""

    id, label = 6, "HOOK"


class Version(TextOption):
    """Version of trace-cmd, and its git id."""

    id, label = 9, "VERSION"


class ProcMaps(TextOption):
    """``PID COUNT COMM\\n`` and COUNT lines ``START END PATH\\n``, numbers in hex."""

    id, label = 10, "PROCMAPS"


@dataclass(frozen=True)
class Date:
    """Microseconds to add to every time stamp, written as unsigned hex."""

    us: int
    id, label = 1, "DATE"

    def encode(self, e: Encoder) -> None:
        e.raw(b"%#x\0" % (self.us & ((1 << 64) - 1)), "text")


@dataclass(frozen=True)
class Offset:
    """Nanoseconds to add to every time stamp, written as decimal."""

    ns: int
    id, label = 7, "OFFSET"

    def encode(self, e: Encoder) -> None:
        e.raw(b"%d\0" % self.ns, "text")


@dataclass(frozen=True)
class CpuCount:
    """Number of CPUs of the machine."""

    count: int
    id, label = 8, "CPUCOUNT"

    def encode(self, e: Encoder) -> None:
        e.u32(self.count, "CPUs")


@dataclass(frozen=True)
class TraceId:
    """Who this file is, in its session."""

    value: int
    id, label = 11, "TRACEID"

    def encode(self, e: Encoder) -> None:
        e.u64(self.value, "trace ID")


class Sample(NamedTuple):
    """Of time synchronisation: clocks compared at one time."""

    time: int
    offset: int
    scaling: int = 1
    fraction: int = 0


TimeShiftLayout = Literal["2.9", "2021-01", "2.9.2", "2021", "3.0"]


@dataclass(frozen=True)
class TimeShift:
    """How this guest's clock relates to that of its peer, the host.

    Layouts, by the version of trace-cmd that wrote them (the two named by a year were never in a
    release):

    ========  ======================================================================
    2.9       u64 peer, u32 n, time[n], offset[n]; for all CPUs
    2021-01   the same and scaling[n]
    2.9.2     u64 peer, u32 flags, u32 n, time[n], offset[n], scaling[n]; for all CPUs
    2021      u64 peer, u32 flags, u32 CPUs, per CPU u32 n, time[n], offset[n], scaling[n]
    3.0       the same, and behind it per CPU fraction[n]
    ========  ======================================================================
    """

    peer: int
    cpus: Sequence[Sequence[Sample]]
    flags: int = 1
    layout: TimeShiftLayout = "3.0"
    id, label = 12, "TIME_SHIFT"

    def encode(self, e: Encoder) -> None:
        e.u64(self.peer, "peer trace ID")
        if self.layout in ("2.9.2", "2021", "3.0"):
            e.u32(self.flags, "flags")
        if self.layout in ("2021", "3.0"):
            e.u32(len(self.cpus), "CPUs")
            for samples in self.cpus:
                e.u32(len(samples), "samples")
                self._arrays(e, samples, 3)
            if self.layout == "3.0":
                for samples in self.cpus:
                    for sample in samples:
                        e.u64(sample.fraction, "fraction")
        else:
            e.u32(len(self.cpus[0]), "samples")
            self._arrays(e, self.cpus[0], 2 if self.layout == "2.9" else 3)

    @staticmethod
    def _arrays(e: Encoder, samples: Sequence[Sample], count: int) -> None:
        for which, name in enumerate(("time", "offset", "scaling")[:count]):
            for sample in samples:
                e.u64(sample[which], name)


@dataclass(frozen=True)
class Guest:
    """A guest traced by this host. ``cpu_pid``: host thread of each vCPU, -1 if unknown.

    ``vcpus`` overrides the number of vCPUs, which is else that of the pairs.
    """

    name: str
    trace_id: int
    cpu_pid: Mapping[int, int] | Sequence[tuple[int, int]] = ()
    vcpus: int | None = None
    id, label = 13, "GUEST"

    def encode(self, e: Encoder) -> None:
        pairs = self.cpu_pid
        pairs = list(pairs.items()) if isinstance(pairs, Mapping) else list(pairs)
        e.string(self.name, "name")
        e.u64(self.trace_id, "trace ID")
        e.u32(len(pairs) if self.vcpus is None else self.vcpus, "vCPUs")
        for vcpu, pid in pairs:
            e.u32(vcpu, "vCPU")
            e.u32(pid, "pid")


@dataclass(frozen=True)
class Tsc2Nsec:
    """ns = cycles * mult >> shift."""

    mult: int
    shift: int
    offset: int = 0
    id, label = 14, "TSC2NSEC"

    def encode(self, e: Encoder) -> None:
        e.u32(self.mult, "mult")
        e.u32(self.shift, "shift")
        e.u64(self.offset, "offset")


OPTION_DONE = 0
OPTION_BUFFER = 3
OPTION_BUFFER_TEXT = 22

SECTION_OPTIONS = 0
SECTION_FLYRECORD = 3
SECTION_STRINGS = 15
SECTION_HEADERS = 16
SECTION_FTRACE_EVENTS = 17
SECTION_EVENT_FORMATS = 18
SECTION_KALLSYMS = 19
SECTION_PRINTK = 20
SECTION_CMDLINES = 21
SECTION_TEXT = 22


# --- what a file holds when nothing else is said --------------------------------------------------

PRINT = EventFormat(
    "ftrace",
    "print",
    5,
    (Field("unsigned long ip", "long"), Field("char buf[]", 0)),
    '"%ps: %s", (void *)REC->ip, REC->buf',
)
FUNCTION = EventFormat(
    "ftrace",
    "function",
    1,
    (Field("unsigned long ip", "long"), Field("unsigned long parent_ip", "long")),
    '" %ps <-- %ps", (void *)REC->ip, (void *)REC->parent_ip',
)
SCHED_SWITCH = EventFormat(
    "sched",
    "sched_switch",
    314,
    (
        Field("char prev_comm[16]", 16),
        Field("pid_t prev_pid", 4, signed=True),
        Field("int prev_prio", 4, signed=True),
        Field("long prev_state", "long", signed=True),
        Field("char next_comm[16]", 16),
        Field("pid_t next_pid", 4, signed=True),
        Field("int next_prio", 4, signed=True),
    ),
    '"prev_comm=%s prev_pid=%d prev_prio=%d prev_state=%s%s ==> next_comm=%s next_pid=%d '
    'next_prio=%d", REC->prev_comm, REC->prev_pid, REC->prev_prio, (REC->prev_state & 0xff) ? '
    '__print_flags(REC->prev_state & 0xff, "|", { 0x01, "S" }, { 0x02, "D" }, { 0x04, "T" }, '
    '{ 0x08, "t" }, { 0x10, "X" }, { 0x20, "Z" }, { 0x40, "P" }, { 0x80, "I" }) : "R", '
    'REC->prev_state & 0x100 ? "+" : "", REC->next_comm, REC->next_pid, REC->next_prio',
)
SCHED_WAKEUP = EventFormat(
    "sched",
    "sched_wakeup",
    317,
    (
        Field("char comm[16]", 16),
        Field("pid_t pid", 4, signed=True),
        Field("int prio", 4, signed=True),
        Field("int target_cpu", 4, signed=True),
    ),
    '"comm=%s pid=%d prio=%d target_cpu=%03d", REC->comm, REC->pid, REC->prio, REC->target_cpu',
)
IRQ_HANDLER_ENTRY = EventFormat(
    "irq",
    "irq_handler_entry",
    150,
    (Field("int irq", 4, signed=True), Field("__data_loc char[] name", 4)),
    '"irq=%d name=%s", REC->irq, __get_str(name)',
)
TICK = EventFormat(
    "test",
    "tick",
    900,
    (
        Field("u32 n", 4),
        Field("s16 small", 2, signed=True),
        Field("u8 bytes[6]", 6),
        Field("u64 wide", 8),
    ),
    '"n=%u small=%d wide=%llu", REC->n, REC->small, REC->wide',
)

FTRACE_EVENTS = (FUNCTION, PRINT)
EVENTS = (SCHED_SWITCH, SCHED_WAKEUP, IRQ_HANDLER_ENTRY, TICK)

KALLSYMS = (
    "ffffffff81000000 T _stext\n"
    "ffffffff81000100 T do_one\n"
    "ffffffff81000180 t do_two\n"
    "ffffffff81000200 T do_three\t[some_module]\n"
    "ffffffff81000300 T _etext\n"
)
PRINTK_FORMATS = '0xffffffff82000010 : "first %d\\n"\n0xffffffff82000020 : "a text"\n'
SAVED_CMDLINES = "1 init\n17 worker/0:1\n4711 some task\n"

HEADER_EVENT = (
    "# compressed entry header\n\ttype_len    :    5 bits\n\ttime_delta  :   27 bits\n"
    "\tarray       :   32 bits\n\n\tpadding     : type == 29\n\ttime_extend : type == 30\n"
    "\ttime_stamp : type == 31\n\tdata max type_len  == 28\n"
)


def header_page(machine: Machine, page_size: int) -> str:
    """Tracefs ``events/header_page``: where in a sub-buffer things lie."""
    start = 8 + machine.long_size
    rows = (
        ("u64 timestamp", 0, 8, 0),
        ("local_t commit", 8, machine.long_size, 1),
        ("int overwrite", 8, 1, 1),
        ("char data", start, page_size - start, 1),
    )
    return "".join(
        f"\tfield: {name};\toffset:{offset};\tsize:{size};\tsigned:{signed};\n"
        for name, offset, size, signed in rows
    )


# --- the file ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Buffer:
    """Ring-buffer data: of each CPU its pages. Without a name it is the top buffer."""

    name: str = ""
    cpus: Mapping[int, Sequence[Page | bytes]] = field(default_factory=dict)
    page_size: int | None = None
    """If not the file's. Version 7 only."""
    cpu_count: int | None = None
    """Rows of an instance's table in version 6; announced by a CPUCOUNT option of its own."""


@dataclass(frozen=True)
class TextBuffer:
    """What a latency tracer leaves: a text. In version 6 it can only be the top buffer."""

    text: str
    name: str = ""


@dataclass(frozen=True)
class File:
    """A written file, and what lies where in it."""

    data: bytes
    marks: tuple[Mark, ...]
    machine: Machine

    def mark(self, name: str) -> Mark:
        """The mark of this name, or the first whose path ends in it."""
        for mark in self.marks:
            if mark.name == name or mark.name.endswith("/" + name):
                return mark
        raise KeyError(name)

    def read(self, name: str) -> int:
        mark = self.mark(name)
        order: Literal["big", "little"] = "big" if self.machine.big_endian else "little"
        return int.from_bytes(self.data[mark.offset : mark.end], order)

    def change(self, name: str, value: int) -> bytes:
        """The file with one number overwritten (modulo its size)."""
        mark = self.mark(name)
        return self.replace(mark.offset, self.machine.pack(mark.size, value))

    def replace(self, offset: int, data: bytes) -> bytes:
        """The file with some of its bytes overwritten."""
        return self.data[:offset] + data + self.data[offset + len(data) :]

    def cut(self, offset: int) -> bytes:
        return self.data[:offset]


@dataclass(frozen=True)
class Trace:
    """All that a file holds; write() makes it."""

    version: int = 7
    big_endian: bool = False
    long_size: int = 8
    """Of the recording user space; the kernel's is ``commit_size``."""
    commit_size: int | None = None
    page_size: int = 4096
    compression: Compression = "none"
    compression_version: str | None = None

    ftrace_events: Sequence[EventFormat | str] = FTRACE_EVENTS
    events: Sequence[EventFormat] = EVENTS
    extra_formats: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """More format files by event system, as they are."""
    kallsyms: str | bytes = KALLSYMS
    printk_formats: str | bytes = PRINTK_FORMATS
    saved_cmdlines: str | bytes = SAVED_CMDLINES
    header_page: str | bytes | None = None
    header_event: str | bytes = HEADER_EVENT
    omit: frozenset[int] = frozenset()
    """Ids of sections that are left out. Version 7 only."""

    cpu_count: int | None = None
    """Of the machine; None: one more than the highest CPU of the top buffer, at least 1."""
    options: Sequence[Option] = ()
    """Version 7: of the first options section; with CPUCOUNT added unless it is there."""
    more_options: Sequence[Sequence[Option]] = ()
    """Version 7: further options sections in the chain, behind those of the buffers."""
    buffers: Sequence[Buffer | TextBuffer] = ()
    clock: str = "local"

    compress_options: bool = False
    """Version 7: one options section behind everything, compressed. No writer does this."""
    clock_trailer: bool = True
    """Version 6: the clock behind a table of CPUs; writers before 2013 had none."""
    options_part: bool = True
    """Version 6: the part ``options`` at all."""
    zero_length_words: bool = False
    """Version 7: as trace-cmd 3.3.1 on 64-bit big-endian: lengths of compressed data are 0."""
    short_stored_size: bool = False
    """Version 7: trace-cmd before 3.2 recorded the size of compressed data 4 bytes too small."""

    @property
    def machine(self) -> Machine:
        return Machine(self.big_endian, self.commit_size or self.long_size)

    @property
    def cpus(self) -> int:
        if self.cpu_count is not None:
            return self.cpu_count
        tops = [b for b in self.buffers if isinstance(b, Buffer) and not b.name]
        return max((max(top.cpus, default=0) + 1 for top in tops), default=1)

    def write(self) -> File:
        e = _Writer6(self).run() if self.version == 6 else _Writer7(self).run()
        return File(bytes(e.data), tuple(e.marks), e.machine)


class _Writer:
    """What versions 6 and 7 have in common: the start, and the encoding of the kernel's texts."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.e = Encoder(trace.machine)

    def initial(self) -> None:
        """trace-cmd.dat(5), INITIAL FORMAT."""
        e, trace = self.e, self.trace
        e.raw(b"\x17\x08\x44tracing", "magic")
        e.string(str(trace.version), "version")
        e.u8(trace.big_endian, "byte order")
        e.u8(trace.long_size, "long size")
        e.u32(trace.page_size, "page size")

    def headers(self, e: Encoder) -> None:
        trace = self.trace
        page = trace.header_page
        if page is None:
            page = header_page(trace.machine, trace.page_size)
        for name, text in (("header_page", page), ("header_event", trace.header_event)):
            with e.structure(name):
                e.string(name, "name")
                self.text64(e, text)

    def ftrace_formats(self, e: Encoder) -> None:
        self.formats(e, [self.format_text(item) for item in self.trace.ftrace_events])

    def event_formats(self, e: Encoder) -> None:
        systems: dict[str, list[str]] = {}
        for item in self.trace.events:
            systems.setdefault(item.system, []).append(self.format_text(item))
        for name, texts in self.trace.extra_formats.items():
            systems.setdefault(name, []).extend(texts)
        e.u32(len(systems), "systems")
        for name, formats in systems.items():
            with e.structure(f"system {name}"):
                e.string(name, "name")
                self.formats(e, formats)

    def formats(self, e: Encoder, texts: Sequence[str]) -> None:
        e.u32(len(texts), "events")
        for text in texts:
            with e.structure("format"):
                self.text64(e, text)

    def format_text(self, item: EventFormat | str) -> str:
        return item if isinstance(item, str) else item.text(self.trace.machine)

    def kallsyms(self, e: Encoder) -> None:
        self.text32(e, self.trace.kallsyms)

    def printk(self, e: Encoder) -> None:
        self.text32(e, self.trace.printk_formats)

    def cmdlines(self, e: Encoder) -> None:
        self.text64(e, self.trace.saved_cmdlines)

    def text32(self, e: Encoder, text: str | bytes) -> None:
        e.u32(len(to_bytes(text)), "text size")
        e.raw(to_bytes(text), "text")

    def text64(self, e: Encoder, text: str | bytes) -> None:
        e.u64(len(to_bytes(text)), "text size")
        e.raw(to_bytes(text), "text")

    def option(self, e: Encoder, option: Option) -> None:
        """u16 id, u32 size, payload."""
        payload = e.nested()
        option.encode(payload)
        self.option_payload(e, option.id, option.label, payload)

    def option_payload(self, e: Encoder, number: int, label: str, payload: Encoder) -> None:
        with e.structure(f"option {label}"):
            e.u16(number, "id")
            e.u32(len(payload), "size")
            start = "/".join(e._path)
            for mark in payload.marks:
                e.marks.append(
                    mark._replace(name=f"{start}/{mark.name}", offset=len(e) + mark.offset)
                )
            e.data += payload.data

    def pages(self, e: Encoder, pages: Sequence[Page | bytes], page_size: int) -> None:
        for page in pages:
            if isinstance(page, bytes):
                e.raw(page, "raw page")
            else:
                page.encode(e, page_size)


class _Writer6(_Writer):
    """trace-cmd.dat.v6(5): one fixed sequence."""

    def run(self) -> Encoder:
        self.initial()
        parts = (
            ("headers", self.headers),
            ("ftrace events", self.ftrace_formats),
            ("event formats", self.event_formats),
            ("kallsyms", self.kallsyms),
            ("printk", self.printk),
            ("cmdlines", self.cmdlines),
        )
        for name, write in parts:
            with self.e.structure(name):
                write(self.e)
        self.e.u32(self.trace.cpus, "CPUs")
        instances = [b for b in self.trace.buffers if b.name]
        if self.trace.options_part:
            self.options(instances)
        tops = [b for b in self.trace.buffers if not b.name]
        self.block(tops[0] if tops else Buffer(), self.trace.cpus)
        for instance in instances:
            if isinstance(instance, TextBuffer):
                raise ValueError("version 6 has no texts in instances")
            place = self.e.marks[self._mark(f"option BUFFER {instance.name}/offset")].offset
            self.e.patch(place, 8, len(self.e))
            rows = max(self.trace.cpus, instance.cpu_count or 0)
            self.block(instance, rows)
        return self.e

    def _mark(self, ending: str) -> int:
        return next(i for i, m in enumerate(self.e.marks) if m.name.endswith(ending))

    def options(self, instances: Sequence[Buffer | TextBuffer]) -> None:
        e = self.e
        with e.structure("options"):
            e.raw(b"options  \0", "mark")
            for option in self.trace.options:
                self.option(e, option)
            for instance in instances:
                payload = e.nested()
                payload.u64(0, "offset")
                payload.string(instance.name, "name")
                self.option_payload(e, OPTION_BUFFER, f"BUFFER {instance.name}", payload)
                if isinstance(instance, Buffer) and instance.cpu_count is not None:
                    self.option(e, CpuCount(instance.cpu_count))
            e.u16(OPTION_DONE, "end of options")

    def block(self, buffer: Buffer | TextBuffer, rows: int) -> None:
        """What stands between the options and the end of the file, or an instance's likewise."""
        e = self.e
        with e.structure(f"buffer {buffer.name}"):
            if isinstance(buffer, TextBuffer):
                e.raw(b"latency  \0", "mark")
                e.raw(to_bytes(buffer.text), "text")
                return
            e.raw(b"flyrecord\0", "mark")
            places = []
            for cpu in range(rows):
                with e.structure(f"row {cpu}"):
                    places.append(len(e))
                    e.u64(0, "offset")
                    e.u64(0, "size")
            if self.trace.clock_trailer:
                with e.structure("clock"):
                    self.text64(e, f"[{self.trace.clock}]")
            for cpu, place in enumerate(places):
                e.align(self.trace.page_size)
                start = len(e)
                with e.structure(f"CPU {cpu}"):
                    self.pages(e, buffer.cpus.get(cpu, ()), self.trace.page_size)
                e.patch(place, 8, start)
                e.patch(place + 8, 8, len(e) - start)


class _Writer7(_Writer):
    """trace-cmd.dat.v7(5): sections, found through a chain of options sections."""

    def run(self) -> Encoder:
        trace, e = self.trace, self.e
        self.strings = bytearray()
        self.initial()
        e.string(trace.compression, "compression")
        library = {"none": "", "zlib": "1.2.13", "zstd": "1.5.4"}[trace.compression]
        e.string(
            library if trace.compression_version is None else trace.compression_version,
            "compression version",
        )
        self.next_place = len(e)  # where the offset of the next options section is to be filled in
        e.u64(0, "options offset")

        sections: list[Option] = []
        for number, label, write in (
            (SECTION_HEADERS, "HEADER_INFO", self.headers),
            (SECTION_FTRACE_EVENTS, "FTRACE_EVENTS", self.ftrace_formats),
            (SECTION_EVENT_FORMATS, "EVENT_FORMATS", self.event_formats),
            (SECTION_KALLSYMS, "KALLSYMS", self.kallsyms),
            (SECTION_PRINTK, "PRINTK", self.printk),
            (SECTION_CMDLINES, "CMDLINES", self.cmdlines),
        ):
            if number not in trace.omit:
                sections.append(_SectionOption(number, label, len(e)))
                content = e.nested()
                write(content)
                self.section(number, label, content, trace.compression != "none")

        first = [*sections, *trace.options]
        if not any(option.id == CpuCount.id for option in first):
            first.append(CpuCount(trace.cpus))
        if not trace.compress_options:
            self.options(first)
        for buffer in trace.buffers:
            option = self.buffer(buffer)
            if trace.compress_options:
                first.append(option)
            else:
                self.options([option])
        rest = list(trace.more_options)
        if trace.compress_options:
            self.options([*first, *(option for more in rest for option in more)], True)
        else:
            for more in rest:
                self.options(more)
        if SECTION_STRINGS not in trace.omit:
            own = self.string_id("strings")
            content = e.nested()
            content.raw(bytes(self.strings), "texts")
            self.section(SECTION_STRINGS, "strings", content, trace.compression != "none", own)
        return e

    def string_id(self, text: str) -> int:
        """Where in the strings sections a text stands."""
        at = len(self.strings)
        self.strings += text.encode() + b"\0"
        return at

    @contextmanager
    def section_header(
        self, number: int, label: str, compressed: bool, description: int | None = None
    ) -> Iterator[None]:
        """u16 id, u16 flags, u32 description, u64 size of what is written inside."""
        e = self.e
        with e.structure(f"section {label}"):
            e.u16(number, "id")
            e.u16(int(compressed), "flags")
            e.u32(self.string_id(label) if description is None else description, "description")
            place = len(e)
            e.u64(0, "size")
            yield
            e.patch(place, 8, len(e) - place - 8)

    def section(
        self,
        number: int,
        label: str,
        content: Encoder,
        compressed: bool,
        description: int | None = None,
    ) -> None:
        """A section of one block."""
        e = self.e
        with self.section_header(number, label, compressed, description):
            if compressed:
                self.block(bytes(content.data))
            else:
                start, path = len(e), "/".join(e._path)
                e.marks += [
                    mark._replace(name=f"{path}/{mark.name}", offset=start + mark.offset)
                    for mark in content.marks
                ]
                e.data += content.data

    def block(self, plain: bytes, *, data: bool = False) -> None:
        """u32 stored size, u32 plain size, a compressed stream."""
        stream = pack_block(self.trace.compression, plain)
        zero = self.trace.zero_length_words
        self.e.u32(0 if zero and data else len(stream), "stored size")
        self.e.u32(0 if zero else len(plain), "plain size")
        self.e.raw(stream, "stream")

    def options(self, options: Sequence[Option], compressed: bool = False) -> None:
        """A section of options; the one before it in the chain is told where it is."""
        e = self.e
        e.patch(self.next_place, 8, len(e))
        content = e.nested()
        for option in options:
            self.option(content, option)
        done = content.nested()
        done.u64(0, "next")
        self.option_payload(content, OPTION_DONE, "DONE", done)
        self.section(SECTION_OPTIONS, "options", content, compressed)
        self.next_place = len(e) - 8

    def buffer(self, buffer: Buffer | TextBuffer) -> Option:
        """Writes a buffer's section; what is returned is the option that leads to it."""
        e, trace = self.e, self.trace
        compressed = trace.compression != "none"
        start = len(e)
        if isinstance(buffer, TextBuffer):
            with self.section_header(SECTION_TEXT, f"buffer latency {buffer.name}", compressed):
                text = to_bytes(buffer.text)
                if compressed:
                    self.chunks(text, CHUNK_PAGES * trace.page_size)
                else:
                    e.raw(text, "text")
            return _BufferOption(OPTION_BUFFER_TEXT, "BUFFER_TEXT", start, buffer.name, trace.clock)
        page_size = buffer.page_size or trace.page_size
        rows = []
        with self.section_header(SECTION_FLYRECORD, f"buffer flyrecord {buffer.name}", compressed):
            for cpu, pages in buffer.cpus.items():
                e.align(page_size)
                at = len(e)
                with e.structure(f"CPU {cpu}"):
                    if compressed:
                        plain = e.nested()
                        self.pages(plain, pages, page_size)
                        self.chunks(bytes(plain.data), CHUNK_PAGES * page_size)
                    else:
                        self.pages(e, pages, page_size)
                size = len(e) - at
                if compressed and trace.short_stored_size:
                    size -= 4
                rows.append((cpu, at, size))
        return _BufferOption(
            OPTION_BUFFER, "BUFFER", start, buffer.name, trace.clock, page_size, tuple(rows)
        )

    def chunks(self, plain: bytes, size: int) -> None:
        """u32 number of chunks, then as many blocks."""
        pieces = [plain[at : at + size] for at in range(0, len(plain), size)]
        self.e.u32(0 if self.trace.zero_length_words else len(pieces), "chunks")
        for piece in pieces:
            with self.e.structure("chunk"):
                self.block(piece, data=True)


@dataclass(frozen=True)
class _SectionOption:
    """HEADER_INFO to CMDLINES: u64, where the section's header is."""

    id: int
    label: str
    offset: int

    def encode(self, e: Encoder) -> None:
        e.u64(self.offset, "offset")


@dataclass(frozen=True)
class _BufferOption:
    """BUFFER, with its rows; BUFFER_TEXT ends with the clock."""

    id: int
    label: str
    offset: int
    name: str
    clock: str
    page_size: int = 0
    rows: tuple[tuple[int, int, int], ...] = ()

    def encode(self, e: Encoder) -> None:
        e.u64(self.offset, "offset")
        e.string(self.name, "name")
        e.string(self.clock, "clock")
        if self.id == OPTION_BUFFER_TEXT:
            return
        e.u32(self.page_size, "page size")
        e.u32(len(self.rows), "CPUs")
        for cpu, offset, size in self.rows:
            with e.structure("row"):
                e.u32(cpu, "CPU")
                e.u64(offset, "offset")
                e.u64(size, "size")
