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
import importlib
import mmap
import os
import re
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

MAGIC = b"\x17\x08\x44tracing"
DONE, BUFFER, TRACECLOCK, CPUCOUNT, BUFFER_TEXT = 0, 3, 4, 8, 22
TEXT_SECTIONS = range(16, 22)  # HEADER_INFO to CMDLINES
COMPRESSED = 1  # flag of a section
NO_DESCRIPTION = 0xFFFFFFFF
CHUNK_PAGES = 10  # as trace-cmd writes them
GAP = 1000  # units of the trace clock between two repetitions
STAMP_BITS = 59  # of an absolute time stamp; the others come from the page


class GrowError(Exception):
    """The recording cannot be grown; the message says why."""


# --- compression -------------------------------------------------------------------------


@dataclass(frozen=True)
class Codec:
    name: str
    version: str
    compress: Callable[[bytes], bytes]
    decompress: Callable[[bytes, int], bytes]  # the block, its size unpacked


def _zlib_codec() -> Codec:
    return Codec(
        "zlib", zlib.ZLIB_RUNTIME_VERSION, zlib.compress, lambda block, _: zlib.decompress(block)
    )


def _zstd_codec() -> Codec:
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError:
        raise GrowError("zstd needs the package zstandard") from None
    # trace-cmd writes frames that do not tell their size.
    compressor = zstandard.ZstdCompressor(level=3, write_content_size=False)
    decompressor = zstandard.ZstdDecompressor()
    return Codec(
        "zstd",
        ".".join(map(str, zstandard.ZSTD_VERSION)),
        compressor.compress,
        lambda block, size: decompressor.decompress(block, max_output_size=size),
    )


def codec_for(name: str) -> Codec | None:
    if name == "none":
        return None
    if name == "zlib":
        return _zlib_codec()
    if name == "zstd":
        return _zstd_codec()
    raise GrowError(f"compression {name!r} is not known")


# --- reading a recording -----------------------------------------------------------------


@dataclass(frozen=True)
class Area:
    """Pages of one CPU, in Recording.pages."""

    cpu: int
    offset: int
    size: int


@dataclass
class Buffer:
    name: bytes
    clock: bytes
    page_size: int
    areas: list[Area]


@dataclass
class Recording:
    order: str  # "<" or ">", as in struct
    long_size: int
    page_size: int
    sections: dict[int, bytes] = field(default_factory=dict)  # unpacked
    options: list[tuple[int, bytes]] = field(default_factory=list)  # without BUFFER and DONE
    buffers: list[Buffer] = field(default_factory=list)
    pages: mmap.mmap | None = None

    @property
    def data_size(self) -> int:
        return sum(area.size for buffer in self.buffers for area in buffer.areas)

    @property
    def commit_size(self) -> int:
        """Size of the commit word in the header of a page: the kernel's long."""
        header = re.search(
            rb"commit;\s*offset:\d+;\s*size:(\d+);", self.sections.get(TEXT_SECTIONS[0], b"")
        )
        if not header or int(header[1]) not in (4, 8):
            raise GrowError("header_page does not describe a commit field of 4 or 8 bytes")
        return int(header[1])


class Reader:
    """Numbers and texts of a file, in its byte order."""

    def __init__(self, file: BinaryIO, order: str = "<") -> None:
        self.file = file
        self.order = order

    def take(self, size: int) -> bytes:
        data = self.file.read(size)
        if len(data) != size:
            raise GrowError(f"the file ends early, {size} bytes wanted")
        return data

    def number(self, code: str) -> int:
        (value,) = struct.unpack(self.order + code, self.take(struct.calcsize("=" + code)))
        return int(value)

    def string(self) -> bytes:
        text = bytearray()
        while (byte := self.take(1)) != b"\0":
            text += byte
        return bytes(text)

    def tell(self) -> int:
        return self.file.tell()

    def seek(self, offset: int) -> None:
        self.file.seek(offset)


def _read_block(reader: Reader, codec: Codec) -> bytes:
    packed, size = reader.number("I"), reader.number("I")
    if not size:
        raise GrowError(
            "a block without its size: a fault of trace-cmd 3.3.1 on big-endian machines"
        )
    data = codec.decompress(reader.take(packed), size)
    if len(data) != size:
        raise GrowError(f"a block unpacks to {len(data)} bytes, its header says {size}")
    return data


def _read_section(reader: Reader, offset: int, wanted: int, codec: Codec | None) -> bytes:
    reader.seek(offset)
    found, flags = reader.number("H"), reader.number("H")
    reader.number("I")
    size = reader.number("Q")
    if found != wanted:
        raise GrowError(f"section {found} at {offset:#x}, {wanted} expected")
    if not flags & COMPRESSED:
        return reader.take(size)
    if codec is None:
        raise GrowError(f"section {found} is compressed in an uncompressed file")
    return _read_block(reader, codec)


def _read_options_v7(reader: Reader, offset: int, codec: Codec | None) -> list[tuple[int, bytes]]:
    options: list[tuple[int, bytes]] = []
    seen: set[int] = set()
    while offset and offset not in seen:
        seen.add(offset)
        data = _read_section(reader, offset, DONE, codec)
        offset = at = 0
        while at < len(data):
            number, size = struct.unpack_from(reader.order + "HI", data, at)
            payload = data[at + 6 : at + 6 + size]
            at += 6 + size
            if number == DONE:
                (offset,) = struct.unpack(reader.order + "Q", payload)
                break
            options.append((number, payload))
    return options


def _parse_buffer(order: str, payload: bytes) -> tuple[int, Buffer]:
    """Option BUFFER of version 7: offset of its section, and the areas as stored."""
    (section,) = struct.unpack_from(order + "Q", payload)
    name, clock, rest = payload[8:].split(b"\0", 2)
    page_size, count = struct.unpack_from(order + "II", rest)
    areas = [Area(*struct.unpack_from(order + "IQQ", rest, 8 + 20 * i)) for i in range(count)]
    return section, Buffer(name, clock, page_size, areas)


def _unpack_areas(reader: Reader, buffer: Buffer, codec: Codec, spill: BinaryIO) -> None:
    for i, area in enumerate(buffer.areas):
        start = spill.tell()
        reader.seek(area.offset)
        # The number of chunks is right where old trace-cmd wrote a stored size 4 too small.
        for _ in range(reader.number("I") if area.size else 0):
            spill.write(_read_block(reader, codec))
        buffer.areas[i] = Area(area.cpu, start, spill.tell() - start)


def _read_body_v7(reader: Reader, recording: Recording, spill: BinaryIO) -> bool:
    """True: the pages were unpacked into spill, not left where they are."""
    codec = codec_for(reader.string().decode())
    reader.string()
    unpacked = False
    for number, payload in _read_options_v7(reader, reader.number("Q"), codec):
        if number == BUFFER_TEXT:
            raise GrowError("this is the text of a latency tracer: there are no pages to repeat")
        if number == BUFFER:
            section, buffer = _parse_buffer(reader.order, payload)
            reader.seek(section + 2)
            if reader.number("H") & COMPRESSED:
                if codec is None:
                    raise GrowError("a buffer is compressed in an uncompressed file")
                _unpack_areas(reader, buffer, codec, spill)
                unpacked = True
            recording.buffers.append(buffer)
            continue
        if number in TEXT_SECTIONS:
            (offset,) = struct.unpack_from(reader.order + "Q", payload)
            recording.sections[number] = _read_section(reader, offset, number, codec)
        recording.options.append((number, payload))
    return unpacked


def _skip_texts(reader: Reader, count: int) -> None:
    for _ in range(count):
        reader.take(reader.number("Q"))


def _skip_systems(reader: Reader) -> None:
    for _ in range(reader.number("I")):
        reader.string()
        _skip_texts(reader, reader.number("I"))


def _skip_headers(reader: Reader) -> None:
    for _ in range(2):
        reader.string()
        _skip_texts(reader, 1)


def _read_sections_v6(reader: Reader, recording: Recording) -> None:
    """The parts before the number of CPUs: byte for byte what sections hold in version 7."""
    skips: list[Callable[[Reader], object]] = [
        _skip_headers,
        lambda r: _skip_texts(r, r.number("I")),
        _skip_systems,
        lambda r: r.take(r.number("I")),
        lambda r: r.take(r.number("I")),
        lambda r: r.take(r.number("Q")),
    ]
    for number, skip in zip(TEXT_SECTIONS, skips, strict=True):
        start = reader.tell()
        skip(reader)
        end = reader.tell()
        reader.seek(start)
        recording.sections[number] = reader.take(end - start)
        recording.options.append((number, b""))


def _read_clock_v6(reader: Reader) -> bytes:
    text = reader.take(reader.number("Q"))
    chosen = re.search(rb"\[([^]]*)\]", text)
    return chosen[1] if chosen else text.split(b"\0")[0]


def _read_body_v6(reader: Reader, recording: Recording) -> None:
    _read_sections_v6(reader, recording)
    cpus = reader.number("I")
    tag = reader.take(10)
    clock_follows = False
    if tag == b"options  \0":
        while (number := reader.number("H")) != DONE:
            payload = reader.take(reader.number("I"))
            if number == BUFFER:
                raise GrowError("version 6 with instances: not supported")
            clock_follows |= number == TRACECLOCK
            recording.options.append((number, payload))
        tag = reader.take(10)
    if tag != b"flyrecord\0":
        raise GrowError(f"no pages to repeat: {tag!r}")
    recording.options.append((CPUCOUNT, struct.pack(reader.order + "I", cpus)))
    areas = [Area(cpu, reader.number("Q"), reader.number("Q")) for cpu in range(cpus)]
    clock = _read_clock_v6(reader) if clock_follows else b"local"
    recording.buffers.append(Buffer(b"", clock, recording.page_size, areas))


def read_recording(file: BinaryIO, spill: BinaryIO) -> Recording:
    """All of a recording but its pages, which are mapped: in place, or unpacked into spill."""
    reader = Reader(file)
    if reader.take(len(MAGIC)) != MAGIC:
        raise GrowError("this is not a trace.dat file")
    version = reader.string()
    reader.order = ">" if reader.number("B") else "<"
    recording = Recording(reader.order, reader.number("B"), reader.number("I"))
    unpacked = False
    if version == b"7":
        unpacked = _read_body_v7(reader, recording, spill)
    elif version == b"6":
        _read_body_v6(reader, recording)
    else:
        raise GrowError(f"version {version!r}; 6 and 7 are known")
    spill.flush()
    for buffer in recording.buffers:  # whole pages only, and no CPU without any
        size = buffer.page_size
        whole = [Area(a.cpu, a.offset, a.size - a.size % size) for a in buffer.areas]
        buffer.areas = [area for area in whole if area.size]
    if not recording.data_size:
        raise GrowError("the recording has no pages to repeat")
    pages = spill if unpacked else file
    recording.pages = mmap.mmap(pages.fileno(), 0, access=mmap.ACCESS_READ)
    return recording


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
