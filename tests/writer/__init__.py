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

from .btf import BTF_MAGIC, Btf, BtfKind
from .buffer import Buffer, TextBuffer
from .compression import Compression, pack_block, zstd_frame
from .defaults import (
    EVENTS,
    FTRACE_EVENTS,
    FUNCTION,
    HEADER_EVENT,
    IRQ_HANDLER_ENTRY,
    KALLSYMS,
    PRINT,
    PRINTK_FORMATS,
    SAVED_CMDLINES,
    SCHED_SWITCH,
    SCHED_WAKEUP,
    TICK,
    header_page,
)
from .encoder import Encoder, Kind, Machine, Mark, to_bytes
from .event_format import COMMON_FIELDS, EventFormat, Field, Value, Values
from .file import File
from .options import (
    OPTION_BUFFER,
    OPTION_BUFFER_TEXT,
    OPTION_DONE,
    CpuCount,
    CpuStat,
    Date,
    Guest,
    Hook,
    LastBootInfo,
    Offset,
    Option,
    ProcMaps,
    RawOption,
    Sample,
    TextOption,
    TimeShift,
    TimeShiftLayout,
    TraceClock,
    TraceId,
    Tsc2Nsec,
    Uname,
    Version,
)
from .records import (
    MISSED_EVENTS,
    MISSED_STORED,
    Discarded,
    Event,
    Padding,
    Page,
    RawRecord,
    Record,
    TimeExtend,
    TimeStamp,
    fill_pages,
    record_word,
)
from .trace import Trace
from .version7 import (
    CHUNK_PAGES,
    SECTION_BTF,
    SECTION_CMDLINES,
    SECTION_EVENT_FORMATS,
    SECTION_FLYRECORD,
    SECTION_FTRACE_EVENTS,
    SECTION_HEADERS,
    SECTION_KALLSYMS,
    SECTION_MODULES,
    SECTION_OPTIONS,
    SECTION_PRINTK,
    SECTION_STRINGS,
    SECTION_TEXT,
)

__all__ = [
    "BTF_MAGIC", "CHUNK_PAGES", "COMMON_FIELDS", "EVENTS", "FTRACE_EVENTS", "FUNCTION",
    "HEADER_EVENT", "IRQ_HANDLER_ENTRY", "KALLSYMS", "MISSED_EVENTS", "MISSED_STORED",
    "OPTION_BUFFER", "OPTION_BUFFER_TEXT", "OPTION_DONE", "PRINT", "PRINTK_FORMATS",
    "SAVED_CMDLINES", "SCHED_SWITCH", "SCHED_WAKEUP", "SECTION_BTF", "SECTION_CMDLINES",
    "SECTION_EVENT_FORMATS", "SECTION_FLYRECORD", "SECTION_FTRACE_EVENTS", "SECTION_HEADERS",
    "SECTION_KALLSYMS", "SECTION_MODULES", "SECTION_OPTIONS", "SECTION_PRINTK",
    "SECTION_STRINGS", "SECTION_TEXT", "TICK", "Btf", "BtfKind", "Buffer", "Compression",
    "CpuCount", "CpuStat", "Date", "Discarded", "Encoder", "Event", "EventFormat", "Field",
    "File", "Guest", "Hook", "Kind", "LastBootInfo", "Machine", "Mark", "Offset", "Option",
    "Padding", "Page", "ProcMaps", "RawOption", "RawRecord", "Record", "Sample", "TextBuffer",
    "TextOption", "TimeExtend", "TimeShift", "TimeShiftLayout", "TimeStamp", "Trace",
    "TraceClock", "TraceId", "Tsc2Nsec", "Uname", "Value", "Values", "Version", "fill_pages",
    "header_page", "pack_block", "record_word", "to_bytes", "zstd_frame",
]  # fmt: skip
