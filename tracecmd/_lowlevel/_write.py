"""Writing: struct trc_outline, trc_block, trc_cut and trc_writer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO, NamedTuple

from ._base import GO_ON, GoOn, NotFoundError, SourceProblem, check, decode_string, ffi, lib
from ._data import SourceHandle, WalkSource, walk_options
from ._file import File, Option
from ._handle import Handle

ENCODING_ERRORS = "surrogateescape"
UINT64_MAX = (1 << 64) - 1
KERNEL_SECTIONS: tuple[int, ...] = (
    *range(lib.TRC_OPTION_HEADER_INFO, lib.TRC_OPTION_CMDLINES + 1),
    lib.TRC_OPTION_BTF_FILE,
    lib.TRC_OPTION_MODULES_FILE,
)


class OutlineHeader(NamedTuple):
    """struct trc_outline_header."""

    big_endian: bool
    long_size: int
    page_size: int
    cpu_count: int


class OutlineBuffer(NamedTuple):
    """struct trc_outline_buffer; text is None where the buffer holds pages."""

    name: str
    clock: str
    page_size: int
    cpu_count: int = 0
    text: bytes | None = None


class WriteFormat(NamedTuple):
    """struct trc_write_format; the compression is "none", "zlib" or "zstd"."""

    version: int
    compression: str = "none"
    level: int = 0

    def _c(self) -> Any:
        names = {
            "none": lib.TRC_COMPRESSION_NONE,
            "zlib": lib.TRC_COMPRESSION_ZLIB,
            "zstd": lib.TRC_COMPRESSION_ZSTD,
        }
        return ffi.new(
            "struct trc_write_format *", [self.version, names[self.compression], self.level]
        )


class Outline(Handle):
    """struct trc_outline: that of a file, or an empty one with a header."""

    def __init__(self, of: File | OutlineHeader) -> None:
        if isinstance(of, File):
            super().__init__(of.path)
            with of as file:
                self._create("trc_outline", lib.trc_outline_of_file, file)
        else:
            super().__init__("")
            header = ffi.new("struct trc_outline_header *", list(of))
            self._create("trc_outline", lib.trc_outline_create, header)

    def _call(self, function: Any, *arguments: Any) -> None:
        with self as outline:
            err = ffi.new("struct trc_error *")
            check(function(outline, *arguments, err), err, self.path)

    def header(self) -> OutlineHeader:
        with self as outline:
            out = ffi.new("struct trc_outline_header *")
            lib.trc_outline_header(outline, out)
            return OutlineHeader(bool(out.big_endian), out.long_size, out.page_size, out.cpu_count)

    def problems(self) -> Sequence[Exception]:
        """What of the file could not be read and was left out."""
        return self._own_problems(lib.trc_outline_problem_count, lib.trc_outline_problem)

    def options(self) -> list[Option]:
        with self as outline:
            count = lib.trc_outline_option_count(outline)
        out = ffi.new("struct trc_option *")
        options = []
        for index in range(count):
            self._call(lib.trc_outline_option, index, out)
            options.append(Option(out.id, 0, bytes(ffi.buffer(out.data, out.size))))
        return options

    def set_options(self, options: Sequence[tuple[int, bytes]]) -> None:
        """These instead of all that are there."""
        with self as outline:
            count = lib.trc_outline_option_count(outline)
        for index in reversed(range(count)):
            self._call(lib.trc_outline_drop_option, index)
        for number, data in options:
            self._call(
                lib.trc_outline_add_option, number, ffi.from_buffer("uint8_t[]", data), len(data)
            )

    def section(self, number: int) -> bytes | None:
        out = ffi.new("struct trc_bytes *")
        try:
            self._call(lib.trc_outline_section, number, out)
        except NotFoundError:
            return None
        return bytes(ffi.buffer(out.data, out.size))

    def set_section(self, number: int, data: bytes | None) -> None:
        """None: there is to be none."""
        if data is None:
            self._call(lib.trc_outline_drop_section, number)
        else:
            view = ffi.from_buffer("uint8_t[]", data)
            self._call(lib.trc_outline_set_section, number, view, len(data))

    def buffers(self) -> list[OutlineBuffer]:
        with self as outline:
            count = lib.trc_outline_buffer_count(outline)
        out = ffi.new("struct trc_outline_buffer *")
        buffers = []
        for index in range(count):
            self._call(lib.trc_outline_buffer, index, out)
            is_text = out.kind == lib.TRC_BUFFER_TEXT
            buffers.append(
                OutlineBuffer(
                    decode_string(out.name),
                    decode_string(out.clock),
                    out.page_size,
                    out.cpu_count,
                    bytes(ffi.buffer(out.text, out.text_size)) if is_text else None,
                )
            )
        return buffers

    def set_buffers(self, buffers: Sequence[OutlineBuffer]) -> None:
        """These instead of all that are there."""
        with self as outline:
            lib.trc_outline_drop_buffers(outline)
        for buffer in buffers:
            texts = [
                ffi.new("char[]", text.encode(errors=ENCODING_ERRORS))
                for text in (buffer.name, buffer.clock)
            ]
            text = buffer.text or b""
            out = ffi.new(
                "struct trc_outline_buffer *",
                [
                    *texts,
                    buffer.page_size,
                    buffer.cpu_count,
                    lib.TRC_BUFFER_FLYRECORD if buffer.text is None else lib.TRC_BUFFER_TEXT,
                    ffi.from_buffer("uint8_t[]", text),
                    len(text),
                ],
            )
            self._call(lib.trc_outline_add_buffer, out)


class Block(Handle):
    """struct trc_block: pages on their way."""

    def __init__(self, outline: Outline, format: WriteFormat) -> None:
        super().__init__(outline.path)
        self._create("trc_block", lib.trc_block_create, self._hold(outline), format._c())
        self._pages: Any = None

    @property
    def size(self) -> int:
        """Bytes of plain pages in it."""
        with self as block:
            return int(lib.trc_block_size(block))

    def set(self, page_size: int, pages: bytes | memoryview) -> None:
        """Pages from elsewhere, in place of those that are there."""
        with self as block:
            err = ffi.new("struct trc_error *")
            view = ffi.from_buffer("uint8_t[]", pages)
            check(lib.trc_block_set(block, page_size, view, len(view), err), err, self.path)
            self._pages = view

    def pack(self) -> None:
        """Compress them; leaves the GIL."""
        with self as block:
            err = ffi.new("struct trc_error *")
            check(lib.trc_block_pack(block, err), err, self.path)


class Cut(SourceHandle):
    """struct trc_cut: pages of one stream with what is wanted of it."""

    def __init__(self, source: WalkSource, start: int, end: int | None) -> None:
        super().__init__(source.data.path)
        self._paths = [self.path]
        array = self._source_array([source])
        self._create(
            "trc_cut", lib.trc_cut_create, array, walk_options(start, end), sources=self._paths
        )

    def next(self, block: Block) -> bool | GoOn:
        """Fill a block; whether there are pages in it. GO_ON: fill the same one again."""
        with self as cut, block as out:
            err = ffi.new("struct trc_error *")
            code = lib.trc_cut_next(cut, out, err)
            if code == lib.TRC_GO_ON:
                return GO_ON
            check(code, err, self.path, self._paths)
            return bool(lib.trc_block_size(out))

    def limit(self, records: int | None) -> None:
        """So many records may come, then no more pages until the next call; None: all."""
        with self as cut:
            lib.trc_cut_limit(cut, UINT64_MAX if records is None else records)

    @property
    def records(self) -> int:
        """How many were written so far."""
        with self as cut:
            return int(lib.trc_cut_records(cut))

    def problems(self, known: int = 0) -> list[SourceProblem]:
        """All that was found damaged so far; none if that is as much as known."""
        return self._source_problems(
            lambda cut: int(lib.trc_walk_problem_count(lib.trc_cut_walk(cut))),
            lambda cut, index, err: int(lib.trc_walk_problem(lib.trc_cut_walk(cut), index, err)),
            self._paths,
            known,
        )

    def progress(self) -> tuple[int, int]:
        """Pages read so far, and about how many there are."""
        with self as cut:
            done, total = ffi.new("uint64_t *"), ffi.new("uint64_t *")
            lib.trc_walk_progress(lib.trc_cut_walk(cut), done, total)
            return done[0], total[0]


class Writer(Handle):
    """struct trc_writer over a file that was opened to be written, from its first byte."""

    def __init__(self, outline: Outline, format: WriteFormat, file: BinaryIO) -> None:
        super().__init__(str(getattr(file, "name", "")))
        self._file = file
        self._create("trc_writer", lib.trc_writer_create, self._hold(outline), format._c())
        with self as writer:
            self._write(writer)

    def _write(self, writer: Any) -> None:
        piece = ffi.new("struct trc_piece *")
        while True:
            lib.trc_writer_next_piece(writer, piece)
            if not piece.size:
                return
            if self._file.tell() != piece.offset:
                self._file.seek(piece.offset)
            self._file.write(ffi.buffer(piece.data, piece.size))

    def begin(self, buffer: int, cpu: int) -> None:
        """The pages that come now are of this CPU."""
        with self as writer:
            err = ffi.new("struct trc_error *")
            check(lib.trc_writer_begin(writer, buffer, cpu, err), err, self.path)
            self._write(writer)

    def put(self, block: Block) -> None:
        """Write pages that were packed."""
        with self as writer, block as pages:
            err = ffi.new("struct trc_error *")
            check(lib.trc_writer_put(writer, pages, err), err, self.path)
            self._write(writer)

    def end(self) -> None:
        """Write what is left: the file is whole then."""
        with self as writer:
            err = ffi.new("struct trc_error *")
            check(lib.trc_writer_end(writer, err), err, self.path)
            self._write(writer)
