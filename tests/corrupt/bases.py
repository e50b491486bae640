"""Good files of every kind, small, with one of everything: what the damage is done to."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..recordings import made_arguments
from ..writer import (
    TICK,
    Buffer,
    CpuStat,
    Date,
    Event,
    File,
    Guest,
    Hook,
    LastBootInfo,
    Offset,
    Option,
    Padding,
    Page,
    ProcMaps,
    RawOption,
    Sample,
    TextBuffer,
    TimeExtend,
    TimeShift,
    Trace,
    TraceClock,
    TraceId,
    Tsc2Nsec,
    Uname,
    Version,
)

OPTIONS: list[Option] = [
    TraceClock("local [tsc2nsec] global\n"),
    Uname("Linux machine 6.12.0 x86_64"),
    Version("3.3.1 some-id"),
    TraceId(0xB9EB29A85E136C2E),
    CpuStat("CPU: 0\nentries: 3\noldest event ts:     1.5\n"),
    CpuStat("\nBuffer: inst\n\n"),
    CpuStat("CPU: 1\nentries: 1\n"),
    Hook("sched:sched_wakeup,pid,common_pid/sched:sched_switch,next_pid,ps"),
    ProcMaps("1a 2 some-program\n1000 2000 /usr/bin/some\n7f00 8000 /usr/lib/libc.so\n"),
    Guest("Guest1", 0x99, {0: 5, 1: 7}),
    Guest("", 0x42, {1: -1, 0: 9, 2: 10}),
    TimeShift(
        0x77, [[Sample(1, 2, 3, 4), Sample(9, 8, 7, 6), Sample(20, 1, 1, 0)], [], [Sample(5, 5)]]
    ),
    Tsc2Nsec(878162697, 31, 12345),
    Date(1234567),
    Offset(-42),
    RawOption(999, b"whatever"),
]

CPU0 = [
    Page(1000, [Event(5, TICK.values(pid=17, n=1)), TimeExtend(1 << 30), Padding()]),
    Page(1 << 34, [Event(0, TICK.values(n=4), long_form=True)], lost=7),
]
CPU1 = [Page((1 << 30) + i, [Event(0, TICK.values(n=i))]) for i in range(3)]
INSTANCE = [Page(5000, [Event(1, TICK.values(pid=1))])]


def everything(**shape: Any) -> Trace:
    return Trace(
        options=OPTIONS,
        buffers=[Buffer(cpus={0: CPU0, 1: CPU1}), Buffer("inst", cpus={1: INSTANCE})],
        clock="tsc2nsec",
        **shape,
    )


SHAPES: dict[str, dict[str, Any]] = {
    "v6-le8": {"version": 6},
    "v6-be4": {"version": 6, "big_endian": True, "long_size": 4},
    "v7-le8-none": {},
    "v7-be8-none": {"big_endian": True, "more_options": [[TraceId(7)], [Guest("late", 8)]]},
    "v7-le4-zlib": {"compression": "zlib", "long_size": 4},
    "v7-be8-zstd": {"compression": "zstd", "big_endian": True},
    "v7-le8-zstd-options": {"compression": "zstd", "compress_options": True},
    "v7-le8-types": {
        "btf": made_arguments.types().encode(),
        "modules": made_arguments.MODULES,
        "more_options": [[LastBootInfo(made_arguments.BOOT)]],
    },
    "v7-be8-zeros": {"compression": "zstd", "big_endian": True, "zero_length_words": True},
}


@cache
def base(name: str) -> File:
    """One of SHAPES, or a latency tracer's file."""
    if name in SHAPES:
        return everything(**SHAPES[name]).write()
    version, compression = {"v6-latency": (6, "none"), "v7-latency-zlib": (7, "zlib")}[name]
    return Trace(
        version=version,
        compression=compression,  # type: ignore[arg-type]
        options=OPTIONS,
        buffers=[TextBuffer("# tracer: wakeup\n" * 20)],
    ).write()


NAMES = [*SHAPES, "v6-latency", "v7-latency-zlib"]
