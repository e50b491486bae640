# SPDX-License-Identifier: MIT
"""A recording as the places of its pages, and its sections as bytes: read for grow.py."""

from __future__ import annotations

import importlib
import mmap
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

MAGIC = b"\x17\x08\x44tracing"
DONE, BUFFER, TRACECLOCK, CPUCOUNT, BUFFER_TEXT = 0, 3, 4, 8, 22
TEXT_SECTIONS = range(16, 22)  # HEADER_INFO to CMDLINES
COMPRESSED = 1  # flag of a section
NO_DESCRIPTION = 0xFFFFFFFF


class GrowError(Exception):
    """The recording cannot be grown; the message says why."""


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
