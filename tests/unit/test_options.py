"""Options: the look-up, and what each one says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import pytest

import tracecmd
from tracecmd import HookFlags, HookSide, OptionId, ProcMapRegion, TimeSample, Tsc2nsec
from tracecmd.options import parse_cpu_stat

from ..conftest import Trace, Write
from ..writer import (
    Buffer,
    CpuCount,
    CpuStat,
    Date,
    Guest,
    Hook,
    Offset,
    Option,
    Page,
    ProcMaps,
    RawOption,
    Sample,
    TimeShift,
    TimeShiftLayout,
    TraceClock,
    TraceId,
    Tsc2Nsec,
    Uname,
    Version,
)

BOTH = pytest.mark.parametrize("version", [6, 7])


def opened(write: Write, options: Sequence[Option], **shape: Any) -> tracecmd.Trace:
    return tracecmd.open(write(Trace(options=options, **shape)))


# --- looking up --------------------------------------------------------------------------------


@BOTH
def test_sequence(write: Write, version: int) -> None:
    given = [TraceId(5), RawOption(999, b"one"), Uname("Linux"), RawOption(999, b"two")]
    file = Trace(version=version, options=given).write()
    with tracecmd.open(write(file.data)) as trace:
        options = trace.options
        ids = [option.id for option in options]
        assert [i for i in ids if i in (5, 11, 999)] == [11, 999, 5, 999]
        assert len(options) == len(ids)
        assert [options[i] for i in range(len(options))] == list(options)
        assert [options[i - len(options)] for i in range(len(options))] == list(options)
        assert options[:] == list(options)
        assert options[::-2] == list(options)[::-2]
        assert list(reversed(options)) == list(options)[::-1]
        assert options.index(options[2]) == 2
        assert options[1] in options
        for index in (len(options), -len(options) - 1):
            with pytest.raises(IndexError, match=f"option {index} of {len(options)}"):
                options[index]
        option = options.find(999)
        assert option == (999, file.mark("option 999/payload").offset, b"one")
        assert file.data[option.offset :].startswith(b"one")


@BOTH
def test_find(write: Write, version: int) -> None:
    given = [RawOption(999, bytes([i])) for i in range(3)] + [TraceId(5)]
    with opened(write, given, version=version) as trace:
        options = trace.options
        assert [options.find(999, i).data[0] for i in (0, 1, 2, -1, -3)] == [0, 1, 2, 2, 0]
        assert [option.data[0] for option in options.find_all(999)] == [0, 1, 2]
        assert options.count(999) == 3
        assert options.count(OptionId.TRACEID) == 1
        assert options.find(OptionId.TRACEID).data == (5).to_bytes(8, "little")
        assert options.count(options.find(999)) == 1
        assert list(options.find_all(1000)) == []
        for number, occurrence in (
            (999, 3),
            (999, -4),
            (1000, 0),
            (-1, 0),
            (1 << 16, 0),
            (999, 1 << 70),
        ):
            with pytest.raises(tracecmd.UnknownOptionError) as caught:
                options.find(number, occurrence)
            assert isinstance(caught.value, KeyError)
            assert caught.value.path == trace.path
            assert str(number) in str(caught.value)
        with pytest.raises(KeyError, match="option HOOK: number 0 of 0 asked for"):
            options.find(OptionId.HOOK)
        for number in (-1, 1 << 16, 1 << 70):
            assert options.count(number) == 0


def test_names(write: Write) -> None:
    with opened(write, [RawOption(999), TraceId(5), RawOption(65535, b"x")]) as trace:
        names = {int(option.id): option.name for option in trace.options}
        assert names[999] == names[65535] == "UNKNOWN"
        assert names[11] == "TRACEID"
        assert trace.options.find(11).id is OptionId.TRACEID
        assert type(trace.options.find(999).id) is int
    assert {i.name for i in OptionId} == set(tracecmd._lowlevel.OPTION_NAMES.values())
    assert {int(i) for i in OptionId} == set(tracecmd._lowlevel.OPTION_NAMES)


def test_options_of_several_sections(write: Write) -> None:
    trace = Trace(
        options=[RawOption(999, b"1")],
        more_options=[[RawOption(999, b"2")], [], [RawOption(999, b"3"), TraceId(6)]],
        buffers=[Buffer(cpus={0: [Page(1)]})],
    )
    with tracecmd.open(write(trace)) as opened_trace:
        assert [o.data for o in opened_trace.options.find_all(999)] == [b"1", b"2", b"3"]
        assert opened_trace.trace_id == 6


@pytest.mark.parametrize("compression", ["zlib", "zstd"])
def test_compressed_options(write: Write, compression: Any) -> None:
    trace = Trace(compression=compression, compress_options=True, options=[TraceId(7), Uname("u")])
    with tracecmd.open(write(trace)) as opened_trace:
        assert opened_trace.trace_id == 7
        assert opened_trace.uname == "u"


def test_payload_is_in_the_files_byte_order(write: Write) -> None:
    with opened(write, [TraceId(5)], big_endian=True) as trace:
        assert trace.options.find(11).data == (5).to_bytes(8, "big")


def test_empty_and_large_payloads(write: Write) -> None:
    large = bytes(range(256)) * 4096
    with opened(write, [RawOption(999), RawOption(998, large)]) as trace:
        assert trace.options.find(999).data == b""
        assert trace.options.find(998).data == large


# --- the simple ones ---------------------------------------------------------------------------


@BOTH
def test_texts_and_numbers(write: Write, version: int) -> None:
    options: list[Option] = [
        TraceId(0xFFFF_FFFF_FFFF_FFFF),
        Uname("Linux first"),
        Uname("Linux box 6.12.0 x86_64"),
        Version("3.3.1 id"),
        CpuCount(12),
    ]
    with opened(write, options, version=version) as trace:
        assert trace.trace_id == 0xFFFF_FFFF_FFFF_FFFF
        assert trace.uname == "Linux box 6.12.0 x86_64"
        assert trace.recorder == "3.3.1 id"


@pytest.mark.parametrize("long", ["x" * 100_000, "ünï", ""])
def test_text_without_its_nul(write: Write, long: str) -> None:
    with opened(write, [Uname(long, nul=False), Version(long)]) as trace:
        assert trace.uname == trace.recorder == long


def test_clock(write: Write) -> None:
    text = "local global [mono_raw] boot\n"
    with opened(write, [TraceClock(text)], buffers=[]) as trace:
        assert trace.trace_clock == text
        assert trace.clock == "mono_raw"
    with opened(write, [TraceClock(text)], buffers=[Buffer()], clock="boot") as trace:
        assert trace.trace_clock == text
        assert trace.clock == trace.buffers[0].clock == "boot"  # nearer to the data


@BOTH
def test_offsets_add_up(write: Write, version: int) -> None:
    with opened(write, [Date(3), Date(-1), Offset(-10), Offset(7)], version=version) as trace:
        assert trace.date_offset == 2000
        assert trace.ts_offset == -3


@BOTH
def test_tsc2nsec(write: Write, version: int) -> None:
    given = [Tsc2Nsec(1, 2, 3), Tsc2Nsec(878162338, 31, 1 << 63)]
    with opened(write, given, version=version) as trace:
        assert trace.tsc2nsec == Tsc2nsec(878162338, 31, 1 << 63)


# --- TIME_SHIFT --------------------------------------------------------------------------------

SAMPLES = [Sample(100, -5, 3, 2), Sample(200, 7, 4, 1)]


@BOTH
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("flags", [0, 1])
def test_time_shift(write: Write, version: int, big: bool, flags: int) -> None:
    given = TimeShift(0xFF00000000000001, [SAMPLES, SAMPLES[:1]], flags=flags)
    with opened(write, [given], version=version, big_endian=big) as trace:
        shift = trace.time_shift
        assert shift is not None
        assert shift.peer_trace_id == 0xFF00000000000001
        assert shift.interpolate == bool(flags)
        assert shift.cpus == (
            (TimeSample(100, -5, 3, 2), TimeSample(200, 7, 4, 1)),
            (TimeSample(100, -5, 3, 2),),
        )


@pytest.mark.parametrize("layout", sorted({*get_args(TimeShiftLayout)} - {"2021-01"}))
def test_time_shifts_of_all_ages(write: Write, layout: TimeShiftLayout) -> None:
    """What a version did not record is as if it had no part in the sum."""
    with opened(write, [TimeShift(9, [SAMPLES], layout=layout)]) as trace:
        assert trace.time_shift is not None
        assert trace.time_shift.peer_trace_id == 9
        cpu = trace.time_shift.cpus[0]
        assert [(s.time, s.offset) for s in cpu] == [(100, -5), (200, 7)]
        assert [s.scaling for s in cpu] == ([1, 1] if layout == "2.9" else [3, 4])
        assert [s.fraction for s in cpu] == ([2, 1] if layout == "3.0" else [0, 0])


def test_time_shift_of_no_release(write: Write) -> None:
    """What only a development version wrote, for some days, is noted and not guessed at."""
    with opened(write, [TimeShift(9, [SAMPLES], layout="2021-01")]) as trace:
        assert trace.time_shift is None
        (problem,) = trace.problems
        assert isinstance(problem, tracecmd.CorruptError)
        assert "option TIME_SHIFT" in str(problem)


# --- those with texts --------------------------------------------------------------------------

HOOKS = {
    "irq:entry,irq/irq:exit,irq": (("irq", "entry", "irq"), ("irq", "exit", "irq"), "", 0),
    "a,b/c,d": (("", "a", "b"), ("", "c", "d"), "", 0),
    "sched:wakeup,pid,prev/sched:switch,next_pid,pgs": (
        ("sched", "wakeup", "pid"),
        ("sched", "switch", "next_pid"),
        "prev",
        7,
    ),
    "s:a,b/e:c,d,G": (("s", "a", "b"), ("e", "c", "d"), "", HookFlags.GLOBAL),
}


@BOTH
@pytest.mark.parametrize(("text", "hook"), HOOKS.items())
def test_hooks(write: Write, version: int, text: str, hook: tuple[Any, ...]) -> None:
    with opened(write, [Hook("a,b/c,d"), Hook(text)], version=version) as trace:
        assert len(trace.hooks) == 2
        start, end, pid_field, flags = trace.hooks[1]
        assert (start, end, pid_field, int(flags)) == hook
        assert isinstance(start, HookSide)
        assert isinstance(flags, HookFlags)


@pytest.mark.parametrize("text", ["", "a", "a,b", "a,b/", "a,b/c", "/", ",/,", "a:,b/c,d"])
def test_bad_hooks(write: Write, text: str) -> None:
    with opened(write, [TraceId(5), Hook(text)]) as trace:
        with pytest.raises(tracecmd.CorruptError, match=r"option HOOK: no (start|end) event"):
            _ = trace.hooks
        assert trace.trace_id == 5


PROC_MAP = (
    "80d 2 ls\n55ddee1b2000 55ddee1b6000 /usr/bin/ls\n7fffffff0000 ffffffffffffffff /a b/[vdso]\n"
)


@BOTH
def test_proc_maps(write: Write, version: int) -> None:
    with opened(write, [ProcMaps(PROC_MAP), ProcMaps("1 0 init\n")], version=version) as trace:
        first, second = trace.proc_maps
        assert (first.pid, first.comm) == (0x80D, "ls")
        assert first.regions == (
            ProcMapRegion(0x55DDEE1B2000, 0x55DDEE1B6000, "/usr/bin/ls"),
            ProcMapRegion(0x7FFFFFFF0000, 0xFFFFFFFFFFFFFFFF, "/a b/[vdso]"),
        )
        assert second == (1, "init", ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "80d",
        "80d ls",
        "-1 0 a\n",
        "80000000 0 a\n",
        "1 ffffffffffffffff a\n",
        "1 1 a\nx\n",
    ],
)
def test_bad_proc_maps(write: Write, text: str) -> None:
    with opened(write, [ProcMaps(text)]) as trace:
        with pytest.raises(tracecmd.CorruptError, match="option PROCMAPS: "):
            _ = trace.proc_maps
        assert trace.options.find(OptionId.PROCMAPS).data == text.encode() + b"\0"


STAT = (
    "CPU: {}\nentries: 13\noverrun: 0\ncommit overrun: 0\nbytes: 1276\n"
    "oldest event ts:  2747.246140\nnow ts:  2747.259\ndropped events: 0\nread events: 7\n"
)


@BOTH
def test_cpu_stats(write: Write, version: int) -> None:
    """An instance's statistics stand behind an option that names it."""
    given = [
        CpuStat(STAT.format(0)),
        CpuStat(STAT.format(1)),
        CpuStat("\nBuffer: inst\n\n"),
        CpuStat(STAT.format(0)),
    ]
    with opened(write, given, version=version) as trace:
        assert [(s.buffer, s.cpu) for s in trace.cpu_stats] == [("", 0), ("", 1), ("inst", 0)]
        assert trace.cpu_stats[0].values == {
            "entries": 13,
            "overrun": 0,
            "commit overrun": 0,
            "bytes": 1276,
            "oldest event ts": 2747.246140,
            "now ts": 2747.259,
            "dropped events": 0,
            "read events": 7,
        }


def test_cpu_stats_in_other_words() -> None:
    stat = parse_cpu_stat("b", "entries: many\nno colon\nnow ts: 0xff\n: 1\n" + "x: " + "9" * 9999)
    assert stat.cpu == -1
    assert stat.values["entries"] == "many"
    assert stat.values["now ts"] == "0xff"
    assert "no colon" not in stat.values
    assert parse_cpu_stat("", "CPU: zero") == ("", -1, {})


# --- GUEST -------------------------------------------------------------------------------------


@BOTH
def test_guests(write: Write, version: int) -> None:
    given = [
        Guest("Guest1", 0x99, {0: 5, 2: -1, 1: 7}),
        Guest("a blank and ünï", 1),
        Guest("", 2, {0: 2147483647}),
    ]
    with opened(write, given, version=version) as trace:
        assert trace.guests == (
            tracecmd.Guest("Guest1", 0x99, 3, (5, 7, -1)),
            tracecmd.Guest("a blank and ünï", 1, 0, ()),
            tracecmd.Guest("", 2, 1, (2147483647,)),
        )
        assert trace.guest_cpumap(2).cpu_pid == (2147483647,)
        assert trace.problems == ()


def test_later_of_two_guests_with_one_id(write: Write) -> None:
    given = [Guest("a", 9, {0: 7}), Guest("b", 9, {0: 8, 1: 9})]
    with opened(write, given) as trace:
        assert trace.guest_cpumap(9) == ("b", 2, (8, 9))
        assert [guest.name for guest in trace.guests] == ["a", "b"]
