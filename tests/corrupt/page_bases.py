"""Good files with pages of all kinds, for damage to the trace data itself."""

from __future__ import annotations

from typing import Any

from ..writer import (
    SCHED_WAKEUP,
    TICK,
    Buffer,
    Discarded,
    Event,
    Padding,
    Page,
    Sample,
    TimeExtend,
    TimeShift,
    TimeStamp,
    Trace,
    Tsc2Nsec,
    fill_pages,
)


def kinds(start: int) -> list[Page]:
    """Every kind of record."""
    return [
        Page(start, [Event(0, TICK.values(pid=5, n=1)), Event(7, b"long" * 60), Padding()]),
        Page(start + 100, []),
        Page(
            start + 200,
            [
                Event(1, TICK.values(pid=17, n=2), long_form=True),
                TimeExtend((1 << 27) + 5),
                Event(3, SCHED_WAKEUP.values(pid=9, comm="x", prio=3)),
                Discarded(4, 20),
                Event(5, TICK.values(n=3)),
            ],
            lost=9,
        ),
        Page(
            start + (1 << 28), [TimeStamp(start + (1 << 29)), Event(2, TICK.values(n=4))], lost=-1
        ),
    ]


def base(**shape: Any) -> Trace:
    """Three CPUs of the top buffer and one of another, of a few pages each."""
    trace = Trace(**shape)
    size = trace.page_size

    def run(count: int, step: int) -> list[Page]:
        events = ((i * step, TICK.values(pid=i % 20, n=i)) for i in range(count))
        return fill_pages(events, trace.machine, size)

    cpus = {0: [*kinds(1000), *run(300, 999)[1:]], 1: run(400, 777), 3: kinds(5000)}
    return Trace(
        options=shape.pop("options", []),
        buffers=[Buffer(cpus=cpus), Buffer("other", cpus={1: kinds(2000), 2: run(150, 5)})],
        **shape,
    )


BASES: dict[str, dict[str, Any]] = {
    "v6-le8": {"version": 6},
    "v6-be4": {"version": 6, "big_endian": True, "long_size": 4},
    "v7-le8": {},
    "v7-be8": {"big_endian": True},
    "v7-le4-16k": {"long_size": 4, "page_size": 16384},
    "v7-le8-zstd": {"compression": "zstd"},
    "v7-be8-zlib": {"compression": "zlib", "big_endian": True},
    "v7-be8-zeros": {"compression": "zstd", "big_endian": True, "zero_length_words": True},
    "v7-cycles": {"options": [Tsc2Nsec(878162697, 31)]},
    "v7-shifted": {
        "options": [TimeShift(1, [[Sample(i * 1000, i * i) for i in range(9)]] * 2, flags=1)]
    },
}
