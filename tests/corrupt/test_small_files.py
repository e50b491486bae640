"""A small file must not make a lot of work, or need a lot of memory."""

from __future__ import annotations

import os
import struct
import zlib

import tracecmd
from tracecmd import CorruptError, LimitError

from ..writer import (
    Buffer,
    CpuCount,
    Event,
    Page,
    RawOption,
    Sample,
    TimeShift,
    Trace,
    TraceId,
)
from .bases import CPU0
from .test_recipes import open_bytes, with_option
from .worker import examine_bytes

MAX32, MAX64 = (1 << 32) - 1, (1 << 64) - 1


def test_many_rows_of_one_cpu() -> None:
    """500 000 rows: each is looked at once, not compared with all before it."""
    row = struct.pack("<QQ", 4096, 4096)
    rows = b"".join(struct.pack("<I", n % 60000) + row for n in range(500_000))
    payload = struct.pack("<Q", V7_SECTION) + b"n\0c\0" + struct.pack("<II", 4096, 500_000) + rows
    outcome = examine_bytes(with_buffer(payload))
    assert isinstance(outcome, dict)
    assert len(outcome["buffers"][-1][5]) == 60000


V7_SECTION = Trace(buffers=[Buffer()]).write().mark("section buffer flyrecord ").offset


def with_buffer(payload: bytes) -> bytes:
    """A file with one more buffer, which is in the section of the first."""
    trace = Trace(buffers=[Buffer(cpus={0: [Page(1, [Event(0, b"1234")])]})])
    file = Trace(buffers=trace.buffers, more_options=[[RawOption(3, payload)]]).write()
    assert file.mark("section buffer flyrecord ").offset == V7_SECTION
    return file.data


def test_version_6_instances_in_one_place() -> None:
    """3000 instances that all name the same table of 60 000 CPUs: 4 GB, if all were kept."""
    table = Trace(
        version=6, cpu_count=60000, options=[], buffers=[Buffer(cpus={0: CPU0}), Buffer("i")]
    ).write()
    count = 3000
    moved = count * (2 + 4 + 8 + 2)
    block = table.mark("buffer i").offset + moved
    option = struct.pack("<HIQ", 3, 10, block) + b"x\0"
    at = table.mark("end of options").offset
    outcome = examine_bytes(table.data[:at] + option * count + table.data[at:])
    assert isinstance(outcome, dict)
    assert sum(len(buffer[5]) for buffer in outcome["buffers"]) <= 2 * 60000
    assert any(isinstance(problem, tracecmd.TraceError) for problem in outcome["problems"])


def test_cpu_count_is_only_a_number() -> None:
    """Samples that all CPUs share are there once, not 65 536 times."""
    options = [CpuCount(65536), TimeShift(1, [[Sample(i, i) for i in range(20_000)]], layout="2.9")]

    def use(trace: tracecmd.Trace) -> None:
        assert trace.cpus == 65536
        assert trace.time_shift is not None
        assert len(trace.time_shift.cpus) == 65536
        assert len(trace.time_shift.cpus[-1]) == 20_000
        assert trace.time_shift.cpus[-1] is trace.time_shift.cpus[0]

    open_bytes(with_option(*options), use)


def test_options_inside_options() -> None:
    """Sections that lie in the payload of an option of the one before, a hundred deep."""
    depth, size = 100, 100_000
    start = Trace(options=[TraceId(5)], omit=frozenset(range(15, 22))).write()
    at = len(start.data)
    opening, closing = b"", b""
    for level in range(depth):
        inner = (depth - 1 - level) * (16 + 6 + 14) + size
        following = at + (level + 1) * 22 if level + 1 < depth else 0
        opening += struct.pack("<HHIQ", 0, 0, MAX32, 6 + inner + 14)
        opening += struct.pack("<HI", 1000, inner)
        closing = struct.pack("<HIQ", 0, 8, following) + closing
    data = start.change("option DONE/next", at) + opening + bytes(size) + closing
    outcome = examine_bytes(data)
    assert isinstance(outcome, dict)
    assert outcome["trace_id"] == 5
    overlap, no_header_page = outcome["problems"]
    assert type(overlap) is CorruptError
    assert "overlap" in str(overlap)
    assert "header_page: missing" in str(no_header_page)


def test_options_that_unpack_to_too_much() -> None:
    """Zeros pack well: without a bound, a file of 3 MB would take 10 GB while it is open."""
    start = Trace(compression="zlib", options=[TraceId(5)], omit=frozenset(range(15, 22))).write()
    plain = struct.pack("<HI", 1000, 30 << 20) + bytes(30 << 20)
    pack = zlib.compressobj(9)
    body = pack.compress(plain) + pack.flush(zlib.Z_FULL_FLUSH)
    length = len(body) + 5 + 14 + 4
    data = bytearray(start.change("option DONE/next", len(start.data)))
    for level in range(10):
        following = len(data) + 24 + length if level < 9 else 0
        done = struct.pack("<HIQ", 0, 8, following)
        data += struct.pack("<HHIQII", 0, 1, MAX32, 8 + length, length, len(plain) + len(done))
        # DONE in a stored block of its own, so that all sections have one size.
        data += body + b"\1" + struct.pack("<HH", len(done), len(done) ^ 0xFFFF) + done
        data += struct.pack(">I", zlib.adler32(done, zlib.adler32(plain)))
    fd = os.memfd_create("recipe")
    os.write(fd, data)
    with tracecmd.open(fd) as trace:
        os.close(fd)
        assert trace.trace_id == 5
        assert trace.options.count(1000) < 10
        too_much, no_header_page = trace.problems
        assert type(too_much) is LimitError
        assert "header_page: missing" in str(no_header_page)
