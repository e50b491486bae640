"""A file, what is changed in it, and what must be said of it: for every way metadata can lie.

What the comments call the library is libtracecmd 3.1 to 3.3, which crashes on many of these.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import tracecmd
from tracecmd import CorruptError, LimitError, NotATraceError, TruncatedError, UnsupportedError

from ..writer import (
    Buffer,
    CpuStat,
    File,
    Guest,
    Hook,
    ProcMaps,
    RawOption,
    Sample,
    TimeShift,
    TimeShiftLayout,
    Trace,
    TraceClock,
    TraceId,
    Tsc2Nsec,
    Uname,
    Version,
)
from .bases import CPU0, base
from .worker import examine_bytes

MAX32, MAX64 = (1 << 32) - 1, (1 << 64) - 1

V6, V7 = base("v6-le8"), base("v7-le8-none")
V7_CHAIN, V7_ZLIB, V7_ZSTD = base("v7-be8-none"), base("v7-le4-zlib"), base("v7-be8-zstd")


class Recipe(NamedTuple):
    """``where`` the error comes out: "open", "problems", or the name of a property."""

    name: str
    data: bytes
    where: str
    error: type[tracecmd.TraceError]
    text: str


def before(file: File, name: str, data: bytes) -> bytes:
    """The file with bytes put in at the place of a mark, the rest moved on."""
    at = file.mark(name).offset
    return file.data[:at] + data + file.data[at:]


def with_option(*options: Any, version: int = 7, **shape: Any) -> bytes:
    return (
        Trace(
            version=version,
            options=[TraceId(5), *options],
            buffers=[Buffer(cpus={0: CPU0})],
            **shape,
        )
        .write()
        .data
    )


def both(name: str, option: Any, where: str, error: Any, text: str) -> list[Recipe]:
    return [
        Recipe(f"v{version} {name}", with_option(option, version=version), where, error, text)
        for version in (6, 7)
    ]


START = [
    Recipe("empty", b"", "open", NotATraceError, "file header"),
    Recipe("other file", b"\x7fELF" + bytes(100), "open", NotATraceError, "file header"),
    Recipe("half a magic", V7.data[:7], "open", TruncatedError, "file header"),
    Recipe("version 5", V6.replace(V6.mark("version").offset, b"5"), "open", UnsupportedError,
           'version "5"'),
    Recipe("version 8", V7.replace(V7.mark("version").offset, b"8"), "open", UnsupportedError,
           'version "8"'),
    Recipe("version 7x", before(V7, "byte order", b"x\0"), "open", CorruptError, "byte order 120"),
    Recipe("endless version", before(V7, "version", b"7" * 5000), "open", CorruptError,
           "file header"),
    Recipe("byte order 2", V7.change("byte order", 2), "open", CorruptError, "byte order 2"),
    *(Recipe(f"long size {n}", V6.change("long size", n), "open", CorruptError, f"of long {n}")
      for n in (0, 3, 16, 255)),
    *(Recipe(f"page size {n}", V7.change("page size", n), "open", CorruptError, f"page size {n}")
      for n in (0, 1, 256, 4095, 6144, 1 << 25, MAX32)),
    Recipe("unknown compression", V7_ZSTD.replace(V7_ZSTD.mark("compression").offset, b"lzzz"),
           "open", UnsupportedError, 'compression "lzzz"'),
    Recipe("endless compression", before(V7, "compression", b"n" * 5000), "open", CorruptError,
           "file header"),
]  # fmt: skip

TEXTS = [
    *(Recipe(f"v6 {name} {value:#x}", V6.change(name, value), "open", TruncatedError, said)
      for value in (MAX64, 1 << 63, len(V6.data))
      for name, said in (
          ("headers/header_page/text size", "header_page and header_event"),
          ("headers/header_event/text size", "header_page and header_event"),
          ("ftrace events/format/text size", "ftrace event formats"),
          ("event formats/system irq/format/text size", "event formats"),
          ("cmdlines/text size", "saved_cmdlines"))),
    *(Recipe(f"v6 {name}", V6.change(name, value), "open", error, said)
      for name, value, error, said in (
          ("kallsyms/text size", MAX32, TruncatedError, "kallsyms"),
          ("printk/text size", MAX32, TruncatedError, "printk_formats"),
          ("ftrace events/events", MAX32, CorruptError, "4294967295 events claimed"),
          ("event formats/systems", MAX32, CorruptError, "4294967295 event systems claimed"),
          ("event formats/system irq/events", MAX32, CorruptError, "4294967295 events claimed"))),
    *(Recipe(f"v7 {name} {value:#x}", V7.change(name, value), where, CorruptError, said)
      for name, value, where, said in (
          ("section HEADER_INFO/header_page/text size", MAX64, "header_page", "HEADER_INFO"),
          ("section HEADER_INFO/header_event/text size", 206, "header_event", "HEADER_INFO"),
          ("section FTRACE_EVENTS/format/text size", MAX64, "event_formats", "FTRACE_EVENTS"),
          ("section FTRACE_EVENTS/events", MAX32, "event_formats", "FTRACE_EVENTS"),
          ("section EVENT_FORMATS/systems", MAX32, "event_formats", "EVENT_FORMATS"),
          ("section EVENT_FORMATS/system test/events", 2, "event_formats", "EVENT_FORMATS"),
          ("section KALLSYMS/text size", MAX32, "kallsyms", "KALLSYMS"),
          ("section PRINTK/text size", 65, "printk_formats", "PRINTK"),
          ("section CMDLINES/text size", MAX64, "saved_cmdlines", "CMDLINES"))),
]  # fmt: skip

CPUS = [
    Recipe("v6 CPUs, signed maximum", V6.change("CPUs", 0x7FFFFFFF), "open", LimitError,
           "2147483647 CPUs"),
    Recipe("v6 CPUs, maximum", V6.change("CPUs", MAX32), "open", LimitError, "4294967295 CPUs"),
    Recipe("v6 CPUs, more than rows", V6.change("CPUs", 60000), "problems", TruncatedError,
           "table of 60000 CPUs"),
    Recipe("v7 CPUCOUNT", V7.change("option CPUCOUNT/CPUs", MAX32), "problems", LimitError,
           "4294967295 CPUs"),
    Recipe("v7 CPUCOUNT too short", with_option(RawOption(8, b"\1\0")), "problems",
           CorruptError, "option CPUCOUNT"),
    *(Recipe(f"v6 row {field} {value:#x}", V6.change(f"row 0/{field}", value), "problems", error,
             "CPU 0")
      for field, value, error in (
          ("offset", MAX64, CorruptError), ("offset", 8, CorruptError), ("offset", 0, CorruptError),
          ("offset", MAX64 << 12 & MAX64, TruncatedError), ("size", MAX64, TruncatedError),
          ("size", len(V6.data), TruncatedError))),
    *(Recipe(f"v7 row {field} {value:#x}", V7.change(f"option BUFFER/row/{field}", value),
             "problems", error, text)
      for field, value, error, text in (
          ("offset", MAX64, CorruptError, "CPU 0"), ("offset", 0, CorruptError, "CPU 0"),
          ("offset", MAX64 << 12 & MAX64, TruncatedError, "CPU 0"),
          ("size", MAX64, TruncatedError, "CPU 0"), ("CPU", 0x10001, CorruptError, "CPU 65537"),
          ("CPU", MAX32, CorruptError, "CPU 4294967295"), ("CPU", 1, CorruptError, "twice"))),
    Recipe("v7 BUFFER CPUs", V7.change("option BUFFER/CPUs", MAX32), "problems", CorruptError,
           "4294967295 CPUs claimed"),
    Recipe("v7 BUFFER one CPU too many", V7.change("option BUFFER/CPUs", 3), "problems",
           CorruptError, "3 CPUs claimed"),
    Recipe("v7 instance's page size", V7.change("section options[2]/option BUFFER/page size", 100),
           "problems", CorruptError, "page size 100"),
    Recipe("v6 instance offset", V6.change("option BUFFER inst/offset", MAX64), "problems",
           TruncatedError, "instance"),
    Recipe("v6 instance never written", V6.change("option BUFFER inst/offset", 0), "problems",
           TruncatedError, 'instance "inst" was never written'),
    Recipe("v6 instance elsewhere", V6.change("option BUFFER inst/offset", 100), "problems",
           CorruptError, "instance"),
]  # fmt: skip

SECTIONS = [
    *(Recipe(f"v7 {name} offset {value:#x}", V7.change(f"option {name}/offset", value),
             "problems", error, "section")
      for name in ("HEADER_INFO", "KALLSYMS", "CMDLINES", "BUFFER")
      for value, error in ((MAX64, TruncatedError), (len(V7.data), TruncatedError),
                           (0, CorruptError), (3, CorruptError),
                           (V7.mark("section PRINTK").offset, CorruptError))),
    Recipe("v7 option of a section, too short", with_option(RawOption(16, b"1234")), "problems",
           CorruptError, "option of a section"),
    Recipe("v7 section size", V7.change("section EVENT_FORMATS/size", MAX64), "problems",
           TruncatedError, "section 18: cut short"),
    Recipe("v7 first options offset behind the end", V7.change("options offset", len(V7.data)),
           "open", TruncatedError, "section"),
    Recipe("v7 first options offset, maximum", V7.change("options offset", MAX64), "open",
           TruncatedError, "section"),
    Recipe("v7 first options offset in the header", V7.change("options offset", 4), "open",
           CorruptError, "inside the file header"),
    Recipe("v7 first options are no options", V7.change(
        "options offset", V7.mark("section KALLSYMS").offset), "open", CorruptError,
        "options: section 19"),
    Recipe("v7 recorder was killed", V7.change("options offset", 0), "problems", TruncatedError,
           "did not finish"),
    # The library recurses here until its stack is full.
    Recipe("v7 chain to itself", V7.change(
        "section options/option DONE/next", V7.mark("section options").offset), "problems",
        CorruptError, "loop"),
    Recipe("v7 chain back to the start", V7_CHAIN.change(
        "section options[2]/option DONE/next", V7_CHAIN.mark("section options").offset),
        "problems", CorruptError, "loop"),
    Recipe("v7 chain into the blue", V7.change("section options/option DONE/next", MAX64),
           "problems", TruncatedError, "section"),
    Recipe("v7 chain to no options", V7.change(
        "section options/option DONE/next", V7.mark("section KALLSYMS").offset), "problems",
        CorruptError, "options: section 19"),
    Recipe("v7 chain of too many", Trace(
        options=[TraceId(5)], more_options=[[]] * 4200, omit=frozenset(range(15, 22))
        ).write().data, "problems", LimitError, "more than 4096 sections"),
    Recipe("v7 options without end", V7.change("option DONE/id", 77), "open", CorruptError,
           "options section"),
    Recipe("v7 DONE too short", V7.change("option DONE/size", 4), "open", CorruptError,
           "DONE has 4 bytes"),
    Recipe("v7 option size", V7.change("option TRACEID/size", MAX32), "open", CorruptError,
           "options section"),
    Recipe("v7 option size, further on", V7.change("option BUFFER/size", MAX32), "problems",
           CorruptError, "options section"),
    Recipe("v6 option size", V6.change("option TRACEID/size", MAX32), "open", TruncatedError,
           "options"),
    Recipe("v6 no end of options", V6.cut(V6.mark("end of options").offset), "open",
           TruncatedError, "options"),
]  # fmt: skip

OPTIONS = [
    *both("TRACEID too short", RawOption(11, b"1234567"), "problems", CorruptError,
          "option TRACEID"),
    *both("HOOK without a slash", Hook("sched:sched_wakeup"), "hooks", CorruptError,
          "option HOOK"),
    *both("HOOK empty", RawOption(6), "hooks", CorruptError, "option HOOK"),
    # The library writes in front of the option here.
    *both("PROCMAPS empty", RawOption(10), "proc_maps", CorruptError, "option PROCMAPS"),
    *both("PROCMAPS bad line", ProcMaps("1 2 comm\n1 2 x\n1-2 y\n"), "proc_maps", CorruptError,
          "option PROCMAPS"),
    *both("PROCMAPS no numbers", ProcMaps("what is this\n"), "proc_maps", CorruptError,
          "option PROCMAPS"),
    *both("GUEST empty", RawOption(13), "problems", CorruptError, "option GUEST"),
    *both("GUEST without NUL", RawOption(13, b"x" * 50), "problems", CorruptError,
          "option GUEST"),
    *both("GUEST ends in its trace ID", RawOption(13, b"x\x001234"), "problems", CorruptError,
          "option GUEST"),
    *both("GUEST vCPUs", Guest("x", 1, {0: 5}, vcpus=MAX32), "problems", CorruptError,
          "4294967295 vCPUs claimed"),
    *both("GUEST one vCPU too many", Guest("x", 1, {0: 5}, vcpus=2), "problems", CorruptError,
          "2 vCPUs claimed"),
    *both("GUEST vCPU is the number of them", Guest("x", 1, [(1, 5)]), "problems", CorruptError,
          "vCPU 1 of a guest with 1"),
    # The library corrupts its heap here.
    *both("GUEST vCPU -1", Guest("x", 1, [(MAX32, 5)]), "problems", CorruptError,
          "vCPU 4294967295"),
    *both("TIME_SHIFT empty", RawOption(12), "problems", CorruptError, "option TIME_SHIFT"),
    *both("TIME_SHIFT CPUs", RawOption(12, struct.pack("<QIII", 1, 1, MAX32, 0)), "problems",
          CorruptError, "option TIME_SHIFT"),
    *both("TIME_SHIFT samples", RawOption(12, struct.pack("<QIII3q", 1, 1, 1, MAX32, 1, 2, 3)),
          "problems", CorruptError, "option TIME_SHIFT"),
    *both("TIME_SHIFT half of the fractions",
          RawOption(12, struct.pack("<QIIII3q3qq", 1, 1, 1, 2, 0, *range(7))), "problems",
          CorruptError, "option TIME_SHIFT"),
    *both("TSC2NSEC too short", RawOption(14, b"12345678"), "tsc2nsec", CorruptError,
          "option TSC2NSEC"),
    Recipe("v7 BUFFER empty", with_option(RawOption(3)), "problems", CorruptError,
           "option BUFFER"),
    Recipe("v7 BUFFER name without NUL", with_option(RawOption(3, b"n" * 3000)), "problems",
           CorruptError, "option BUFFER"),
    Recipe("v7 BUFFER_TEXT empty", with_option(RawOption(22)), "problems", CorruptError,
           "option BUFFER_TEXT"),
    Recipe("v6 BUFFER empty", with_option(RawOption(3), version=6), "problems", CorruptError,
           "option BUFFER"),
]  # fmt: skip

COMPRESSED = [
    *(Recipe(f"{name} {field} {value:#x}", file.change(f"section KALLSYMS/{field}", value),
             "kallsyms", error, text)
      for name, file in (("zlib", V7_ZLIB), ("zstd", V7_ZSTD))
      for field, value, error, text in (
          ("stored size", MAX32, TruncatedError, "compressed section"),
          ("stored size", file.read("section KALLSYMS/stored size") + 1, TruncatedError,
           "compressed section"),
          ("stored size", 0, CorruptError, "compressed block"),
          ("stored size", 5, CorruptError, "compressed block"),
          ("plain size", MAX32, LimitError, "unpacks to 4294967295 bytes"),
          ("plain size", 1 << 25, CorruptError, "cannot unpack to 33554432"),
          ("plain size", file.read("section KALLSYMS/plain size") + 1, CorruptError,
           "compressed block"),
          ("plain size", file.read("section KALLSYMS/plain size") - 1, CorruptError,
           "compressed block"))),
    Recipe("none, marked compressed", V7.change("section KALLSYMS/flags", 1), "kallsyms",
           CorruptError, "compressed"),
    Recipe("none, buffer marked compressed", V7.change("section buffer flyrecord /flags", 1),
           "problems", CorruptError, "compressed"),
    Recipe("none, options marked compressed", V7.change("section options/flags", 1), "open",
           CorruptError, "compressed"),
]  # fmt: skip


RECIPES = [*START, *TEXTS, *CPUS, *SECTIONS, *OPTIONS, *COMPRESSED]


def open_bytes(data: bytes, use: Callable[[tracecmd.Trace], None], *, strict: bool = False) -> None:
    fd = os.memfd_create("recipe")
    try:
        os.write(fd, data)
        with tracecmd.open(fd, strict=strict) as trace:
            use(trace)
    finally:
        os.close(fd)


@pytest.mark.parametrize("recipe", RECIPES, ids=[recipe.name for recipe in RECIPES])
def test_damage_is_named(recipe: Recipe) -> None:
    outcome = examine_bytes(recipe.data)
    if recipe.where == "open":
        assert type(outcome) is recipe.error
        assert recipe.text in str(outcome)
        return
    assert isinstance(outcome, dict), outcome
    if recipe.where != "problems":
        error = outcome[recipe.where]
        assert type(error) is recipe.error, error
        assert recipe.text in str(error)
        return
    assert outcome["problems"]
    assert (recipe.error, True) in [
        (type(problem), recipe.text in str(problem)) for problem in outcome["problems"]
    ], outcome["problems"]
    with pytest.raises(tracecmd.TraceError):
        open_bytes(recipe.data, lambda trace: None, strict=True)


@pytest.mark.parametrize("name", ["HEADER_INFO", "KALLSYMS", "CMDLINES", "BUFFER"])
def test_a_section_behind_the_end_is_named_by_its_claimed_offset(name: str) -> None:
    for offset in (len(V7.data), len(V7.data) + 12345, 1 << 40, MAX64 - 1):
        outcome = examine_bytes(V7.change(f"option {name}/offset", offset))
        assert isinstance(outcome, dict)
        assert offset in [p.offset for p in outcome["problems"] if type(p) is TruncatedError]


@pytest.mark.parametrize("version", [6, 7])
def test_texts_without_nul_end_with_their_option(version: int) -> None:
    options = [Uname("a name", nul=False), Version("3", nul=False), TraceClock("[x]", nul=False),
               CpuStat("CPU: 3\n", nul=False), RawOption(1, b"0x10"), RawOption(7, b"-5"),
               TraceId(77)]  # fmt: skip

    def use(trace: tracecmd.Trace) -> None:
        assert (trace.uname, trace.recorder, trace.trace_clock) == ("a name", "3", "[x]")
        assert [stat.cpu for stat in trace.cpu_stats] == [3]
        assert (trace.date_offset, trace.ts_offset) == (16000, -5)
        assert trace.trace_id == 77
        assert trace.problems == ()

    open_bytes(with_option(*options, version=version), use)


@pytest.mark.parametrize("version", [6, 7])
def test_empty_texts_are_empty(version: int) -> None:
    """CPUSTAT of size 0 makes the library write in front of its memory."""
    options = [RawOption(n) for n in (1, 2, 4, 5, 7, 9)]

    def use(trace: tracecmd.Trace) -> None:
        assert (trace.uname, trace.recorder, trace.trace_clock) == ("", "", "")
        assert (trace.date_offset, trace.ts_offset) == (0, 0)
        assert not any(stat.values for stat in trace.cpu_stats)
        assert trace.problems == ()

    open_bytes(with_option(*options, version=version), use)


def test_version_6_without_cpus() -> None:
    def use(trace: tracecmd.Trace) -> None:
        assert trace.cpus == 0
        assert trace.buffers[0].cpus == ()

    open_bytes(Trace(version=6, cpu_count=0).write().data, use)


def test_time_shift_without_samples_or_with_equal_times() -> None:
    samples = [[Sample(5, 1), Sample(5, 2), Sample(3, 9), Sample(3, 8)], []]

    def use(trace: tracecmd.Trace) -> None:
        assert trace.time_shift is not None
        cpus = trace.time_shift.cpus
        assert [[sample.time for sample in cpu] for cpu in cpus] == [[3, 5], []]

    open_bytes(with_option(TimeShift(1, samples)), use)


@pytest.mark.parametrize("layout", ["2.9", "2.9.2"])
def test_shared_time_shift_samples_stay_sorted(layout: TimeShiftLayout) -> None:
    """The layouts with one set of samples for all CPUs: each CPU has the same, whoever asks."""
    samples = [[Sample(t, t) for t in (3, 1, 1, 1, 2, 3)]]

    def use(trace: tracecmd.Trace) -> None:
        assert trace.time_shift is not None
        for cpu in trace.time_shift.cpus:
            assert [sample.time for sample in cpu] == [1, 2, 3]
        assert len(trace.time_shift.cpus) == 5

    open_bytes(with_option(TimeShift(1, samples, layout=layout), cpu_count=5), use)


def test_absurd_conversions_are_told_as_they_are() -> None:
    def use(trace: tracecmd.Trace) -> None:
        assert trace.tsc2nsec == (MAX32, MAX32, MAX64)

    open_bytes(with_option(Tsc2Nsec(MAX32, MAX32, MAX64)), use)
