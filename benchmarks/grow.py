# SPDX-License-Identifier: MIT
"""Grow a real recording to any size.

The ring-buffer pages of every CPU are written over and over again, each time with their time
stamps moved on by the length of the recording: time keeps rising on every CPU, and the CPUs
still take turns as they did in the real recording. All else (event formats, symbols, trace ID,
guests, clocks) is kept. Read are version 7 files, and version 6 files without instances;
written is version 7.

    python benchmarks/grow.py IN.dat OUT.dat --size 4G [--compression zstd]

SIZE counts pages before compression, so that the same SIZE holds the same records with any
compression. It is reached with whole repetitions: the output has them all, and may be larger.
zstd needs the package zstandard. Pages are read, shifted and written ten at a time; those of a
compressed IN are unpacked into an unnamed temporary file beside OUT first.
"""

from __future__ import annotations

import argparse
import os
import re
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from _recording import (
    BUFFER,
    COMPRESSED,
    DONE,
    MAGIC,
    NO_DESCRIPTION,
    Area,
    Buffer,
    Codec,
    GrowError,
    Recording,
    codec_for,
    read_recording,
)

__all__ = ["GrowError", "grow", "parse_size", "read_recording"]

CHUNK_PAGES = 10  # as trace-cmd writes them
GAP = 1000  # units of the trace clock between two repetitions
STAMP_BITS = 59  # of an absolute time stamp; the others come from the page


# --- time in pages -----------------------------------------------------------------------


@dataclass(frozen=True)
class Stamp:
    """An absolute time stamp, a record of type 31."""

    at: int  # offset in its page
    value: int  # 59 bits


@dataclass
class PageTimes:
    base: int
    first: int | None  # of its events; None: it has no event
    last: int | None
    stamps: list[Stamp]


def page_times(page: memoryview, order: str, commit_size: int) -> PageTimes:
    little = order == "<"
    word_at = struct.Struct(order + "I").unpack_from
    (now,) = struct.unpack_from(order + "Q", page)
    (commit,) = struct.unpack_from(order + ("Q" if commit_size == 8 else "I"), page, 8)
    times = PageTimes(now, None, None, [])
    at = 8 + commit_size
    end = min(at + (commit & 0x7FFFFFF), len(page))
    while at + 4 <= end:
        (word,) = word_at(page, at)
        kind, delta = (word & 31, word >> 5) if little else (word >> 27, word & 0x7FFFFFF)
        if 1 <= kind <= 28:
            step = 4 + 4 * kind
        else:
            if at + 8 > end:
                break
            (extra,) = word_at(page, at + 4)
            step = 8 if kind >= 30 else 4 + (extra + 3 & ~3)
        if kind == 30:
            now += extra << 27
        elif kind == 31:
            stamp = (extra << 27) + delta
            times.stamps.append(Stamp(at, stamp))
            now = now >> STAMP_BITS << STAMP_BITS | stamp
            delta = 0
        now += delta
        if kind < 29:
            times.first = now if times.first is None else min(times.first, now)
            times.last = now if times.last is None else max(times.last, now)
        at += step
    return times


def _pages_of(recording: Recording, buffer: Buffer, area: Area) -> Iterator[memoryview]:
    assert recording.pages is not None
    with memoryview(recording.pages) as view:
        for at in range(area.offset, area.offset + area.size, buffer.page_size):
            with view[at : at + buffer.page_size] as page:
                yield page


def area_times(recording: Recording, buffer: Buffer, area: Area) -> list[PageTimes]:
    order, commit_size = recording.order, recording.commit_size
    return [page_times(page, order, commit_size) for page in _pages_of(recording, buffer, area)]


def step_for(buffers: list[list[list[PageTimes]]]) -> int:
    """By how much the times of a repetition follow those of the one before.

    That is the time from the first event to the last one, of all buffers that overlap in time,
    and a gap that conversion to nanoseconds cannot close. Buffers may run on clocks with
    nothing in common: these do not overlap, and the longest stretch of time serves all.
    """
    stretches: list[tuple[int, int]] = []
    for buffer in buffers:
        first = [page.first for area in buffer for page in area if page.first is not None]
        last = [page.last for area in buffer for page in area if page.last is not None]
        if first:
            stretches.append((min(first), max(last)))
    longest, start, end = 0, 0, -1
    for first_of, last_of in sorted(stretches):
        if first_of > end:
            start = first_of
        end = max(end, last_of)
        longest = max(longest, end - start)
    return longest + GAP


def _shift_stamp(block: bytearray, at: int, stamp: Stamp, shift: int, order: str) -> None:
    value = stamp.value + shift
    if value >> STAMP_BITS:
        raise GrowError("a time stamp would need more than 59 bits: grow less")
    delta, high = value & 0x7FFFFFF, value >> 27
    word = delta << 5 | 31 if order == "<" else 31 << 27 | delta
    struct.pack_into(order + "II", block, at + stamp.at, word, high)


def grown_blocks(
    recording: Recording, buffer: Buffer, area: Area, times: list[PageTimes], shifts: range
) -> Iterator[bytearray]:
    """The area's pages once per shift, CHUNK_PAGES at a time."""
    assert recording.pages is not None
    size = buffer.page_size
    put_base = struct.Struct(recording.order + "Q").pack_into
    block = bytearray()
    for shift in shifts:
        start = area.offset
        for page in times:
            at = len(block)
            block += recording.pages[start : start + size]
            start += size
            put_base(block, at, page.base + shift)
            for stamp in page.stamps:
                _shift_stamp(block, at, stamp, shift, recording.order)
            if at + size == CHUNK_PAGES * size:
                yield block
                block = bytearray()
    if block:
        yield block


# --- writing -----------------------------------------------------------------------------


class Writer:
    """A version 7 file, from front to back; numbers known later are filled in later."""

    def __init__(self, file: BinaryIO, recording: Recording, codec: Codec | None) -> None:
        self.file = file
        self.recording = recording
        self.codec = codec

    def pack(self, code: str, *values: int) -> bytes:
        return struct.pack(self.recording.order + code, *values)

    def fill_in(self, at: int, data: bytes) -> None:
        here = self.file.tell()
        self.file.seek(at)
        self.file.write(data)
        self.file.seek(here)

    def section_header(self, number: int, flags: int, size: int) -> int:
        at = self.file.tell()
        self.file.write(self.pack("HHIQ", number, flags, NO_DESCRIPTION, size))
        return at

    def initial_header(self) -> int:
        """Returns where the offset of the first options goes."""
        recording, codec = self.recording, self.codec
        self.file.write(MAGIC + b"7\0")
        self.file.write(self.pack("BB", recording.order == ">", recording.long_size))
        self.file.write(self.pack("I", recording.page_size))
        name, version = (codec.name, codec.version) if codec else ("none", "")
        self.file.write(f"{name}\0{version}\0".encode())
        at = self.file.tell()
        self.file.write(self.pack("Q", 0))
        return at

    def text_section(self, number: int, data: bytes) -> int:
        if not self.codec:
            at = self.section_header(number, 0, len(data))
            self.file.write(data)
            return at
        packed = self.codec.compress(data)
        at = self.section_header(number, COMPRESSED, len(packed) + 8)
        self.file.write(self.pack("II", len(packed), len(data)) + packed)
        return at

    def options(self, options: list[tuple[int, bytes]]) -> tuple[int, int]:
        """Returns where the section is, and where the offset of the next one goes."""
        data = b"".join(self.pack("HI", n, len(p)) + p for n, p in options)
        data += self.pack("HIQ", DONE, 8, 0)
        at = self.section_header(DONE, 0, len(data))
        self.file.write(data)
        return at, self.file.tell() - 8

    def align(self, size: int) -> None:
        self.file.write(bytes(-self.file.tell() % size))

    def area(self, blocks: Iterator[bytearray]) -> tuple[int, int]:
        """Returns offset and size as stored."""
        start = self.file.tell()
        if not self.codec:
            for block in blocks:
                self.file.write(block)
            return start, self.file.tell() - start
        count = 0
        self.file.write(self.pack("I", 0))
        for block in blocks:
            packed = self.codec.compress(bytes(block))
            self.file.write(self.pack("II", len(packed), len(block)) + packed)
            count += 1
        self.fill_in(start, self.pack("I", count))
        return start, self.file.tell() - start

    def buffer(self, buffer: Buffer, times: list[list[PageTimes]], shifts: range) -> bytes:
        """Returns the payload of the buffer's BUFFER option."""
        section = self.section_header(BUFFER, COMPRESSED if self.codec else 0, 0)
        table = b""
        for area, pages in zip(buffer.areas, times, strict=True):
            self.align(buffer.page_size)
            blocks = grown_blocks(self.recording, buffer, area, pages, shifts)
            table += self.pack("IQQ", area.cpu, *self.area(blocks))
        self.fill_in(section + 8, self.pack("Q", self.file.tell() - section - 16))
        payload = self.pack("Q", section) + buffer.name + b"\0" + buffer.clock + b"\0"
        return payload + self.pack("II", buffer.page_size, len(buffer.areas)) + table


def write_grown(
    file: BinaryIO, recording: Recording, repetitions: int, codec: Codec | None
) -> None:
    writer = Writer(file, recording, codec)
    next_options = writer.initial_header()
    options = []
    for number, payload in recording.options:
        if number in recording.sections:
            at = writer.text_section(number, recording.sections[number])
            options.append((number, writer.pack("Q", at)))
        else:
            options.append((number, payload))
    at, following = writer.options(options)
    writer.fill_in(next_options, writer.pack("Q", at))

    times = [[area_times(recording, b, area) for area in b.areas] for b in recording.buffers]
    step = step_for(times)
    shifts = range(0, repetitions * step, step)
    buffers = [
        (BUFFER, writer.buffer(buffer, areas, shifts))
        for buffer, areas in zip(recording.buffers, times, strict=True)
    ]
    at, _ = writer.options(buffers)
    writer.fill_in(following, writer.pack("Q", at))


def grow(source: Path, target: Path, size: int, compression: str = "none") -> int:
    """Writes target, which appears only when it is whole. Returns the number of repetitions."""
    codec = codec_for(compression)
    partial = target.with_name(target.name + ".partial")
    with ExitStack() as stack:
        file = stack.enter_context(source.open("rb"))
        spill = stack.enter_context(tempfile.TemporaryFile(dir=target.parent))
        recording = read_recording(file, spill)
        repetitions = max(1, -(-size // recording.data_size))
        stack.callback(partial.unlink, missing_ok=True)
        with partial.open("wb") as out:
            write_grown(out, recording, repetitions, codec)
        os.replace(partial, target)
    return repetitions


def parse_size(text: str) -> int:
    """ "4G", "300M", "64K" or plain bytes."""
    match = re.fullmatch(r"(\d+)([KMG]?)", text, re.IGNORECASE)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 300M or 4G")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2].upper()]


def main() -> int:
    parser = argparse.ArgumentParser(description="Grow a real recording to any size.")
    parser.add_argument("source", type=Path, metavar="IN.dat")
    parser.add_argument("target", type=Path, metavar="OUT.dat")
    parser.add_argument("--size", type=parse_size, required=True, help="of pages: 300M, 4G")
    parser.add_argument("--compression", choices=("none", "zlib", "zstd"), default="none")
    args = parser.parse_args()
    try:
        repetitions = grow(args.source, args.target, args.size, args.compression)
    except GrowError as error:
        print(f"{args.source}: {error}", file=sys.stderr)
        return 1
    print(f"{args.target}: {repetitions} times {args.source}, {args.target.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
