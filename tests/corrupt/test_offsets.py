"""Errors about a value are at that value: where the writer put it, they say it is."""

from __future__ import annotations

from typing import NamedTuple

import pytest

import tracecmd
from tracecmd import CorruptError, LimitError, TruncatedError, UnsupportedError

from ..conftest import Write
from ..writer import (
    Buffer,
    File,
    Guest,
    Mark,
    Sample,
    TextBuffer,
    TimeShift,
    Trace,
    TraceId,
)
from .bases import CPU0, base
from .worker import examine_bytes

MAX32, MAX64 = (1 << 32) - 1, (1 << 64) - 1
V6, V7, V7_CHAIN = base("v6-le8"), base("v7-le8-none"), base("v7-be8-none")
V7_ZSTD, V7_ZLIB = base("v7-be8-zstd"), base("v7-le4-zlib")
WITH_PEERS = {
    version: Trace(
        version=version,
        options=[TraceId(5), Guest("x", 1, [(0, 7), (1, 8)]), TimeShift(9, [[Sample(1, 2)]])],
        buffers=[Buffer(cpus={0: CPU0})],
    ).write()
    for version in (6, 7)
}
TEXT = Trace(options=[TraceId(5)], buffers=[TextBuffer("text\n" * 50)], compression="zlib").write()


class Case(NamedTuple):
    """A file with one value changed; ``mark`` is where."""

    name: str
    file: File
    mark: str
    value: int
    error: type[tracecmd.TraceError]
    where: str = ""  # a mark that the error is about instead


def on(name: str, file: File, *cases: tuple[str, int, type[tracecmd.TraceError]]) -> list[Case]:
    return [Case(name, file, *case) for case in cases]


CASES = [
    *(
        case
        for name, file in (("v6", V6), ("v7", V7), ("v7 big-endian", V7_CHAIN), ("zlib", V7_ZLIB))
        for case in on(
            name, file, ("byte order", 2, CorruptError), ("long size", 3, CorruptError),
            ("page size", 5, CorruptError), ("page size", MAX32, CorruptError),
            ("version", 0x35, UnsupportedError),
        )
    ),
    *on("v6", V6,
        ("ftrace events/events", MAX32, CorruptError),
        ("event formats/systems", MAX32, CorruptError),
        ("event formats/system irq/events", MAX32, CorruptError),
        ("CPUs", MAX32, LimitError),
        ("row 0/offset", 8, CorruptError), ("row 0/offset", MAX64, CorruptError),
        ("option BUFFER inst/offset", 0, TruncatedError)),
    *on("v7", V7,
        ("options offset", 4, CorruptError),
        ("section options/option DONE/next", 5, CorruptError),
        ("option DONE/size", 4, CorruptError),
        ("option TRACEID/size", MAX32, CorruptError),
        ("option HEADER_INFO/offset", 3, CorruptError), ("option BUFFER/offset", 3, CorruptError),
        ("option KALLSYMS/offset", 0, CorruptError),
        ("section KALLSYMS/flags", 1, CorruptError),
        ("section options/flags", 1, CorruptError),
        ("section buffer flyrecord /flags", 1, CorruptError),
        ("section KALLSYMS/id", 77, CorruptError),
        ("option CPUCOUNT/CPUs", MAX32, LimitError),
        ("option BUFFER/CPUs", MAX32, CorruptError), ("option BUFFER/CPUs", 3, CorruptError),
        ("option BUFFER/row/CPU", MAX32, CorruptError),
        ("option BUFFER/row/offset", 8, CorruptError),
        ("option BUFFER/row/offset", MAX64, CorruptError),
        ("section options[2]/option BUFFER/page size", 100, CorruptError),
        ("section HEADER_INFO/header_page/text size", MAX64, CorruptError),
        ("section FTRACE_EVENTS/format/text size", MAX64, CorruptError),
        ("section EVENT_FORMATS/system irq/format/text size", MAX64, CorruptError),
        ("section KALLSYMS/text size", MAX32, CorruptError),
        ("section PRINTK/text size", MAX32, CorruptError),
        ("section CMDLINES/text size", MAX64, CorruptError)),
    Case("v7 twice", V7, "option BUFFER/row/CPU", 1, CorruptError, "option BUFFER/row[1]/CPU"),
    Case("v7 loop", V7, "section options/option DONE/next", V7.mark("section options").offset,
         CorruptError),
    Case("v7 loop of two", V7_CHAIN, "section options[2]/option DONE/next",
         V7_CHAIN.mark("section options").offset, CorruptError),
    *(
        case
        for name, file in (("zstd", V7_ZSTD), ("zlib", V7_ZLIB))
        for case in on(
            name, file,
            ("section KALLSYMS/plain size", MAX32, LimitError),
            ("section KALLSYMS/plain size", 1 << 25, CorruptError),
            ("section buffer flyrecord /CPU 0/chunk/plain size", 5, CorruptError),
            ("section buffer flyrecord /CPU 0/chunk/plain size", 1 << 31, LimitError),
        )
    ),
    *(
        case
        for version, file in WITH_PEERS.items()
        for case in on(
            f"v{version} peers", file,
            ("option GUEST/vCPUs", MAX32, CorruptError), ("option GUEST/vCPUs", 3, CorruptError),
            ("option GUEST/vCPU", 2, CorruptError), ("option GUEST/vCPU[1]", 77, CorruptError),
        )
    ),
]  # fmt: skip


def errors_of(data: bytes) -> list[tracecmd.TraceError]:
    """All that is said of a file, whatever it was that read it."""
    outcome = examine_bytes(data)
    if isinstance(outcome, tracecmd.TraceError):
        return [outcome]
    found = [*outcome["problems"]]
    found += [value for value in outcome.values() if isinstance(value, tracecmd.TraceError)]
    return found


@pytest.mark.parametrize("case", CASES, ids=[f"{c.name} {c.mark} {c.value:#x}" for c in CASES])
def test_an_error_is_at_the_value(case: Case) -> None:
    mark: Mark = case.file.mark(case.where or case.mark)
    found = errors_of(case.file.change(case.mark, case.value))
    assert (case.error, mark.offset) in [(type(e), e.offset) for e in found], [
        mark, *map(str, found),
    ]  # fmt: skip


def test_a_text_that_unpacks_to_more_than_it_can(write: Write) -> None:
    path = write(TEXT.change("chunk/plain size", 1 << 31))
    with tracecmd.open(path) as trace, pytest.raises(CorruptError) as caught:
        trace.buffers[0].text()
    assert caught.value.offset == TEXT.mark("chunk/plain size").offset


def test_what_is_missing_is_where_it_should_be() -> None:
    """A file that was cut: not the number is wrong that says how much there should be."""
    mark = V6.mark("cmdlines/text size")
    (error,) = errors_of(V6.cut(mark.end + 3))
    assert type(error) is TruncatedError
    assert error.offset == mark.end
    (error,) = errors_of(V6.cut(mark.offset + 3))
    assert error.offset == mark.offset
