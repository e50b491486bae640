"""What the options of a trace.dat file hold: trace-cmd.dat.v7(5), OPTIONS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum, IntFlag
from typing import NamedTuple, overload

from . import _lowlevel, errors

__all__ = [
    "BootPart",
    "CpuStat",
    "Guest",
    "GuestCpuMap",
    "Hook",
    "HookFlags",
    "HookSide",
    "LastBoot",
    "Module",
    "Option",
    "OptionId",
    "Options",
    "ProcMap",
    "ProcMapRegion",
    "TimeSample",
    "TimeShift",
    "Tsc2nsec",
]


class OptionId(IntEnum):
    """Numbers of the options; from 16 on (and STRINGS) also those of sections."""

    DONE = 0
    DATE = 1
    CPUSTAT = 2
    BUFFER = 3
    TRACECLOCK = 4
    UNAME = 5
    HOOK = 6
    OFFSET = 7
    CPUCOUNT = 8
    VERSION = 9
    PROCMAPS = 10
    TRACEID = 11
    TIME_SHIFT = 12
    GUEST = 13
    TSC2NSEC = 14
    STRINGS = 15
    HEADER_INFO = 16
    FTRACE_EVENTS = 17
    EVENT_FORMATS = 18
    KALLSYMS = 19
    PRINTK = 20
    CMDLINES = 21
    BUFFER_TEXT = 22
    BTF_FILE = 23
    LAST_BOOT_INFO = 24
    MODULES_FILE = 25


class Option(NamedTuple):
    """One option as it stands in the file.

    Attributes:
        id: its number: an :class:`OptionId` if known, else a plain int.
        offset: place of the payload in the file, in bytes; of an option in a compressed
            section, the place of that section.
        data: the payload, in the file's byte order.
    """

    id: int
    offset: int
    data: bytes

    @property
    def name(self) -> str:
        """The name in trace-cmd.dat(5), e.g. ``TRACEID``; ``UNKNOWN`` for others."""
        return _lowlevel.OPTION_NAMES.get(self.id, "UNKNOWN")


def _option(raw: _lowlevel.Option) -> Option:
    known = raw.id in _lowlevel.OPTION_NAMES
    return Option(OptionId(raw.id) if known else raw.id, raw.offset, raw.data)


class Options(Sequence[Option]):
    """All options of a file in their order, and a look-up by number and occurrence.

    A sequence: ``len()``, indices and iteration work. Payloads are read when asked for.
    Options whose number is not known are there like any other.
    """

    def __init__(self, file: _lowlevel.File) -> None:
        self._file = file

    def __len__(self) -> int:
        return self._file.option_count()

    @overload
    def __getitem__(self, index: int) -> Option: ...
    @overload
    def __getitem__(self, index: slice) -> list[Option]: ...
    def __getitem__(self, index: int | slice) -> Option | list[Option]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"option {index} of {count}")
        return _option(self._file.option(index % count))

    def find(self, number: int, occurrence: int = 0) -> Option:
        """Give the occurrence-th option (from 0; -1 is the last) with this number.

        Raises:
            UnknownOptionError: (a KeyError) there are not that many.
        """
        count = self.count(number)
        place = occurrence if occurrence >= 0 else occurrence + count
        option = self._file.option_find(number, place) if 0 <= place < count else None
        if option is None:
            name = _lowlevel.OPTION_NAMES.get(number, str(number))
            reason = f"option {name}: number {occurrence} of {count} asked for"
            raise errors.UnknownOptionError(reason, path=self._file.path)
        return _option(option)

    def find_all(self, number: int) -> Iterator[Option]:
        """Walk over all options with this number, in file order."""
        for occurrence in range(self.count(number)):
            yield self.find(number, occurrence)

    def count(self, value: object) -> int:
        """How many options have this number."""
        if not isinstance(value, int):
            return super().count(value)
        self._file.require_open()
        return self._file.option_count_id(value) if 0 <= value < 1 << 16 else 0

    def __repr__(self) -> str:
        try:
            return f"<Options of {self._file.path!r}: {len(self)}>"
        except errors.ClosedError:
            return f"<Options of {self._file.path!r} closed>"


class GuestCpuMap(NamedTuple):
    """What tracecmd_get_guest_cpumap(3) gives for one guest.

    Attributes:
        name: the guest's name as given to ``trace-cmd record -A``.
        vcpu_count: number of its vCPUs; 0 where the recorder did not learn them.
        cpu_pid: for each vCPU the PID of the host thread that ran it; 0 if the recorder left
            that vCPU out, -1 if it could not know.
    """

    name: str
    vcpu_count: int
    cpu_pid: tuple[int, ...]


class Guest(NamedTuple):
    """A guest that was traced together with this host: its name, trace ID and vCPU map."""

    name: str
    trace_id: int
    vcpu_count: int
    cpu_pid: tuple[int, ...]


class Tsc2nsec(NamedTuple):
    """How cycles of the x86-tsc clock become ns: ``cycles * mult >> shift``.

    ``offset`` is recorded but, as in libtracecmd, not part of the conversion.
    """

    mult: int
    shift: int
    offset: int


class TimeSample(NamedTuple):
    """One measurement of the difference between a guest's clock and its host's.

    ``time`` is in raw units of the guest's clock; the host's time then was
    ``(time * scaling >> fraction) + offset``.
    """

    time: int
    offset: int
    scaling: int
    fraction: int


class TimeShift(NamedTuple):
    """How a guest's clock relates to its host's.

    Attributes:
        peer_trace_id: trace ID of the host the samples were measured against.
        interpolate: whether times between two samples use a value between theirs (ptp does),
            or that of the earlier one (kvm does).
        cpus: the samples of each guest CPU, sorted by time.
    """

    peer_trace_id: int
    interpolate: bool
    cpus: tuple[tuple[TimeSample, ...], ...]


class CpuStat(NamedTuple):
    """What the kernel's ring buffer counted for one CPU (tracefs ``per_cpu/cpuN/stats``).

    Attributes:
        buffer: name of the trace instance, "" for the top one.
        cpu: the CPU, or -1 if the text does not say.
        values: the counters by their kernel names ("entries", "overrun", "bytes", ...). Time
            stamps are floats in seconds, or ints where the clock counts otherwise.
    """

    buffer: str
    cpu: int
    values: dict[str, int | float | str]


class HookFlags(IntFlag):
    """Flags of a hook: trace-cmd-profile(1), -H."""

    PRIVATE = 1
    GLOBAL = 2
    STACK = 4


class HookSide(NamedTuple):
    """One end of a hook; ``system`` is "" where none was given."""

    system: str
    event: str
    field: str


class Hook(NamedTuple):
    """A pair of events to be joined by a field: trace-cmd-profile(1), -H."""

    start: HookSide
    end: HookSide
    pid_field: str
    flags: HookFlags


class ProcMapRegion(NamedTuple):
    """One mapped region of a process: addresses, and the file mapped there."""

    start: int
    end: int
    path: str


class ProcMap(NamedTuple):
    """The address map of one traced process (``trace-cmd record --proc-map``)."""

    pid: int
    comm: str
    regions: tuple[ProcMapRegion, ...]


class Module(NamedTuple):
    """A module of the recorded kernel: a line of its /proc/modules.

    Attributes:
        name: its name.
        size: its size in bytes.
        uses: how often it is used.
        users: the modules that use it.
        state: ``Live``, ``Loading`` or ``Unloading``.
        address: where it begins; 0 if the recorder was not allowed to see it.
    """

    name: str
    size: int
    uses: int
    users: tuple[str, ...]
    state: str
    address: int


class BootPart(NamedTuple):
    """Where the kernel (``[kernel]``) or a module lay."""

    name: str
    address: int


class LastBoot(NamedTuple):
    """Where things lay in the boot that filled an instance whose buffer outlives a reboot.

    Attributes:
        instance: name of the instance.
        parts: the kernel and its modules, as listed; empty if it was the boot that recorded the
            file.
    """

    instance: str
    parts: tuple[BootPart, ...]


def parse_modules(text: str) -> tuple[Module, ...]:
    """Take /proc/modules apart: lines of ``NAME SIZE USES USERS STATE ADDRESS``.

    Lines that are none are left out.
    """
    found = []
    for line in text.splitlines():
        try:
            name, size, uses, users, state, address, *_ = line.split()
            number = int(address, 16)
            names = tuple(user for user in users.split(",") if user not in ("", "-"))
            uses_number = 0 if uses == "-" else int(uses)  # a kernel that cannot unload
            found.append(Module(name, int(size), uses_number, names, state, number))
        except ValueError:
            continue
    return tuple(found)


def parse_last_boot(text: str) -> LastBoot:
    """Take a LAST_BOOT_INFO apart: ``INSTANCE:``, and lines of ``ADDRESS NAME``.

    Lines that are none, as ``# Current``, are left out.
    """
    instance, _, lines = text.partition(":")
    found = []
    for line in lines.splitlines():
        try:
            address, name, *_rest = line.split()
            found.append(BootPart(name, int(address, 16)))
        except ValueError:
            continue
    return LastBoot(instance, tuple(found))


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def parse_cpu_stat(buffer: str, text: str) -> CpuStat:
    """Take a CPUSTAT text apart: lines of ``name: value``, the first being ``CPU: n``."""
    values: dict[str, int | float | str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            values[name.strip()] = _number(value.strip())
    cpu = values.pop("CPU", -1)
    return CpuStat(buffer, cpu if isinstance(cpu, int) else -1, values)
