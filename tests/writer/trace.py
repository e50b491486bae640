"""All that a trace.dat file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .buffer import Buffer, TextBuffer
from .compression import Compression
from .defaults import (
    EVENTS,
    FTRACE_EVENTS,
    HEADER_EVENT,
    KALLSYMS,
    PRINTK_FORMATS,
    SAVED_CMDLINES,
)
from .encoder import Machine
from .event_format import EventFormat
from .file import File
from .options import Option
from .version6 import Writer6
from .version7 import Writer7


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
    btf: bytes | None = None
    """The kernel's types; trace-cmd 3.4, version 7 only."""
    modules: str | bytes | None = None
    """The file /proc/modules, likewise."""
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
        e = Writer6(self).run() if self.version == 6 else Writer7(self).run()
        return File(bytes(e.data), tuple(e.marks), e.machine)
