"""What a trace.dat file says of itself, before anybody reads a record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from . import _arguments, _lowlevel, errors
from ._lazy import lazy
from .events import Events
from .options import (
    CpuStat,
    Guest,
    GuestCpuMap,
    Hook,
    HookFlags,
    HookSide,
    LastBoot,
    Module,
    OptionId,
    Options,
    ProcMap,
    ProcMapRegion,
    TimeSample,
    TimeShift,
    Tsc2nsec,
    parse_cpu_stat,
    parse_last_boot,
    parse_modules,
)

__all__ = ["FormatText", "Symbol", "TraceFile"]


class FormatText(NamedTuple):
    """The ``format`` file of one event, as the kernel wrote it."""

    system: str
    text: str


class Symbol(NamedTuple):
    """What an address of the kernel belongs to.

    Attributes:
        name: the function's name, or another symbol's.
        offset: bytes from its start to the address.
        module: the module it is of; None of the kernel itself.
    """

    name: str
    offset: int
    module: str | None


class TraceFile:
    """An open trace.dat file: its header, its options, and the kernel's texts in it.

    All of it is read when it is asked for, and then kept. :class:`~tracecmd.Trace` adds the
    records. Objects may be used from several threads.
    """

    def __init__(self, file: _lowlevel.File) -> None:
        self._file = file

    @property
    def path(self) -> str:
        """The file's name as given; ``<fd N>`` if a descriptor was given."""
        return self._file.path

    @property
    def closed(self) -> bool:
        """Whether the file was closed."""
        return self._file.closed

    def _rows(self) -> Iterator[tuple[str, object]]:
        """What notebooks show of it, by what that is called."""
        yield "machine", self.uname
        yield "recorded by", f"trace-cmd {self.recorder}" if self.recorder else ""
        yield "clock", self.clock
        yield "CPUs", self.cpus
        names = [buffer.name or "(top)" for buffer in self._file.buffers()]
        yield "buffers", ", ".join(names)
        if self.guests:
            yield "guests", ", ".join(guest.name for guest in self.guests)

    # The initial header -------------------------------------------------------------------

    @lazy
    def _header(self) -> _lowlevel.Header:
        return self._file.header()

    @property
    def version(self) -> int:
        """Version of the file format: 6 or 7."""
        return self._header.version

    @property
    def file_size(self) -> int:
        """Size of the file in bytes when it was opened."""
        return self._header.file_size

    @property
    def byteorder(self) -> Literal["little", "big"]:
        """Byte order of the recording machine, in the words of ``int.from_bytes``."""
        return "big" if self._header.big_endian else "little"

    @property
    def long_size(self) -> int:
        """Size of the recording program's ``long`` in bytes: 4 or 8 (the kernel's may differ)."""
        return self._header.long_size

    @property
    def page_size(self) -> int:
        """Size of a sub-buffer of the top buffer in bytes."""
        return self._header.page_size

    @property
    def compression(self) -> str:
        """``"none"``, ``"zlib"`` or ``"zstd"``; always ``"none"`` in version 6."""
        return self._header.compression

    @property
    def compression_version(self) -> str:
        """Version of the compression library that wrote the file, "" if it does not say."""
        return self._header.compression_version

    # Options ------------------------------------------------------------------------------

    @property
    def options(self) -> Options:
        """All options of the file, also those this package does not know."""
        self._file.require_open()
        return Options(self._file)

    @lazy
    def trace_id(self) -> int:
        """The file's 64-bit trace ID, 0 if it has none: tracecmd_get_traceid(3)."""
        return self._file.trace_id()

    @lazy
    def cpus(self) -> int:
        """Number of CPUs of the recorded machine: ``trace-cmd report``'s ``cpus=N``."""
        return self._file.cpu_count()

    @lazy
    def clock(self) -> str:
        """Name of the clock that the time stamps are of, e.g. ``"local"``; "" if unknown."""
        return self._file.clock_name()

    @lazy
    def trace_clock(self) -> str:
        """The recorded ``trace_clock`` file: all clocks, the chosen one in brackets."""
        return self._file.option_text(OptionId.TRACECLOCK)

    @lazy
    def uname(self) -> str:
        """``uname`` of the recorded machine: system, node, release, machine; "" if unknown."""
        return self._file.option_text(OptionId.UNAME)

    @lazy
    def recorder(self) -> str:
        """Version of the trace-cmd that made the file, "" if it does not say."""
        return self._file.option_text(OptionId.VERSION)

    @lazy
    def date_offset(self) -> int:
        """Nanoseconds that ``trace-cmd record --date`` had added to all time stamps."""
        return self._file.ts_offset()[0]

    @lazy
    def ts_offset(self) -> int:
        """Nanoseconds that ``trace-cmd record --ts-offset`` had added to all time stamps."""
        return self._file.ts_offset()[1]

    @lazy
    def tsc2nsec(self) -> Tsc2nsec | None:
        """How cycles become nanoseconds, if the clock counts cycles and the file says how."""
        values = self._file.tsc2nsec()
        return None if values is None else Tsc2nsec(*values)

    @property
    def _time_unit(self) -> Literal["ns", "cycles"]:
        """What time stamps count: cycles if the clock is the counter, not converted."""
        return "cycles" if self.clock == "x86-tsc" and self.tsc2nsec is None else "ns"

    @lazy
    def time_shift(self) -> TimeShift | None:
        """How this guest's clock relates to its host's; None in a host's file."""
        shift = self._file.time_shift()
        if shift is None:
            return None
        peer, flags, cpus = shift
        lists = {id(cpu): cpu for cpu in cpus}  # CPUs may share one
        samples = {key: tuple(TimeSample(*s) for s in cpu) for key, cpu in lists.items()}
        return TimeShift(peer, bool(flags & 1), tuple(samples[id(cpu)] for cpu in cpus))

    @lazy
    def cpu_stats(self) -> tuple[CpuStat, ...]:
        """What the ring buffers counted per CPU while recording."""
        return tuple(parse_cpu_stat(*text) for text in self._file.cpu_stats())

    @property
    def cpu_stat_texts(self) -> tuple[tuple[str, str], ...]:
        """The same as the kernel wrote it: name of the instance, and text, of each CPU."""
        return tuple(self._file.cpu_stats())

    @lazy
    def hooks(self) -> tuple[Hook, ...]:
        """Event pairs to be joined, from ``trace-cmd record -H``.

        Raises:
            CorruptError: one does not have the form that trace-cmd writes.
        """
        hooks = []
        for index in range(self.options.count(OptionId.HOOK)):
            start, end, pid_field, flags = self._file.hook(index)
            hooks.append(Hook(HookSide(*start), HookSide(*end), pid_field, HookFlags(flags)))
        return tuple(hooks)

    @lazy
    def proc_maps(self) -> tuple[ProcMap, ...]:
        """Address maps of the traced processes.

        Raises:
            CorruptError: one does not have the form that trace-cmd writes.
        """
        maps = []
        for index in range(self.options.count(OptionId.PROCMAPS)):
            pid, comm, regions = self._file.proc_map(index)
            maps.append(ProcMap(pid, comm, tuple(ProcMapRegion(*region) for region in regions)))
        return tuple(maps)

    # Peers --------------------------------------------------------------------------------

    @lazy
    def guests(self) -> tuple[Guest, ...]:
        """The guests that were traced together with this host, in file order."""
        return tuple(
            Guest(guest.name, guest.trace_id, len(guest.cpu_pid), guest.cpu_pid)
            for guest in self._file.guests()
        )

    def guest_cpumap(self, trace_id: int) -> GuestCpuMap:
        """Which host thread ran which vCPU of a guest: tracecmd_get_guest_cpumap(3).

        Args:
            trace_id: the :attr:`trace_id` of the guest's own file.

        Raises:
            UnknownGuestError: (a KeyError) no guest with that trace ID was traced with this host.
        """
        self._file.require_open()
        trace_id = _arguments.whole("trace_id", trace_id)
        guest = self._file.guest_find(trace_id) if 0 <= trace_id < 1 << 64 else None
        if guest is None:
            reason = f"option GUEST: no guest with trace ID {trace_id:#x} in this session"
            raise errors.UnknownGuestError(reason, path=self.path)
        return GuestCpuMap(guest.name, len(guest.cpu_pid), guest.cpu_pid)

    # The kernel's texts -------------------------------------------------------------------

    @lazy
    def header_page(self) -> str:
        """The kernel's ``events/header_page``: the layout of a sub-buffer; "" if missing."""
        return self._section_text(OptionId.HEADER_INFO, 0)

    @lazy
    def header_event(self) -> str:
        """The kernel's ``events/header_event``: the layout of a record; "" if missing."""
        return self._section_text(OptionId.HEADER_INFO, 1)

    @lazy
    def event_formats(self) -> tuple[FormatText, ...]:
        """The ``format`` files of all recorded events, ftrace's own first."""
        texts = []
        for section in (OptionId.FTRACE_EVENTS, OptionId.EVENT_FORMATS):
            texts += [FormatText(t.system, t.text) for t in self._file.section_texts(section)]
        return tuple(texts)

    @lazy
    def kallsyms(self) -> str:
        """The kernel's symbols as in /proc/kallsyms; "" if not recorded."""
        return self._section_text(OptionId.KALLSYMS)

    @lazy
    def printk_formats(self) -> str:
        """Addresses and texts of trace_printk() formats; "" if not recorded."""
        return self._section_text(OptionId.PRINTK)

    @lazy
    def saved_cmdlines(self) -> str:
        """PIDs and command names that the kernel remembered; "" if not recorded."""
        return self._section_text(OptionId.CMDLINES)

    @lazy
    def modules(self) -> tuple[Module, ...]:
        """The kernel's modules, where trace-cmd 3.4 recorded /proc/modules; else empty."""
        return parse_modules(self._section_text(OptionId.MODULES_FILE))

    @lazy
    def last_boot(self) -> tuple[LastBoot, ...]:
        """Where things lay when buffers were filled that outlived a reboot, of each such instance.

        Names of functions in such a buffer take this into account.
        """
        options = self.options.find_all(OptionId.LAST_BOOT_INFO)
        texts = (option.data.partition(b"\0")[0] for option in options)
        return tuple(parse_last_boot(text.decode(errors="surrogateescape")) for text in texts)

    def _section_text(self, section: OptionId, index: int = 0) -> str:
        texts = self._file.section_texts(section)
        return texts[index].text if index < len(texts) else ""

    @lazy
    def _symbols(self) -> _lowlevel.Symbols:
        return _lowlevel.Symbols(self._file)

    def symbol(self, address: int) -> Symbol | None:
        """The symbol an address lies in, of the recorded :attr:`kallsyms`: as reports show it.

        The last one at or below the address, as how long it is nobody knows; the very last one only
        at its exact address. None: there is none. The first call reads all symbols, which takes
        tens of milliseconds.

            >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
            ...     trace.symbol(trace.address_of("vhost_vsock_get") + 12)
            Symbol(name='vhost_vsock_get', offset=12, module='vhost_vsock')
        """
        address = _arguments.whole("address", address)
        found = self._symbols.find(address) if 0 <= address < 1 << 64 else None
        if found is None:
            return None
        name, module, start = found
        return Symbol(name, address - start, module or None)

    def address_of(self, name: str) -> int | None:
        """Where a symbol of the kernel lies, of several of that name the lowest; None: nowhere."""
        return self._symbols.find_name(name)

    @lazy
    def _metadata(self) -> _lowlevel.Metadata:
        return _lowlevel.Metadata(self._file)

    @lazy
    def events(self) -> Events:
        """The formats of all events the file knows, by name."""
        return Events(self._metadata)

    def comm(self, pid: int) -> str:
        """Name of a task, of the saved command lines: ``<idle>`` for 0, ``<...>`` if unknown."""
        pid = _arguments.whole("pid", pid)
        return self._metadata.comm(pid) if _arguments.is_pid(pid) else "<...>"

    def pids_of(self, comm: str) -> tuple[int, ...]:
        """The PIDs that the saved command lines give a name, the lowest first."""
        return tuple(pid for pid, name in self._metadata.comms() if name == comm)
