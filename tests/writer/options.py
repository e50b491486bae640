"""Options: trace-cmd.dat.v7(5), OPTIONS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from .encoder import Encoder

OPTION_DONE = 0
OPTION_BUFFER = 3
OPTION_BUFFER_TEXT = 22


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


class LastBootInfo(TextOption):
    """An instance's name, ``:``, its ``last_boot_info``: lines of ``ADDRESS NAME``, in hex."""

    id, label = 24, "LAST_BOOT_INFO"


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


@dataclass(frozen=True)
class SectionOption:
    """HEADER_INFO to CMDLINES: u64, where the section's header is."""

    id: int
    label: str
    offset: int

    def encode(self, e: Encoder) -> None:
        e.u64(self.offset, "offset")


@dataclass(frozen=True)
class BufferOption:
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
