"""trace-cmd.dat.v7(5): sections, found through a chain of options sections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .buffer import Buffer, TextBuffer
from .compression import pack_block
from .encoder import Encoder, to_bytes
from .options import (
    OPTION_BUFFER,
    OPTION_BUFFER_TEXT,
    OPTION_DONE,
    BufferOption,
    CpuCount,
    Option,
    SectionOption,
)
from .parts import Writer

SECTION_OPTIONS = 0
SECTION_FLYRECORD = 3
SECTION_STRINGS = 15
SECTION_HEADERS = 16
SECTION_FTRACE_EVENTS = 17
SECTION_EVENT_FORMATS = 18
SECTION_KALLSYMS = 19
SECTION_PRINTK = 20
SECTION_CMDLINES = 21
SECTION_TEXT = 22
SECTION_BTF = 23
SECTION_MODULES = 25

CHUNK_PAGES = 10
"""Pages in a chunk of compressed CPU data."""


class Writer7(Writer):
    """trace-cmd.dat.v7(5): sections, found through a chain of options sections."""

    def run(self) -> Encoder:
        trace, e = self.trace, self.e
        self.strings = bytearray()
        self.initial()
        e.string(trace.compression, "compression")
        library = {"none": "", "zlib": "1.2.13", "zstd": "1.5.4"}[trace.compression]
        e.string(
            library if trace.compression_version is None else trace.compression_version,
            "compression version",
        )
        self.next_place = len(e)  # where the offset of the next options section is to be filled in
        e.u64(0, "options offset")

        sections: list[Option] = []
        missing = set(trace.omit)
        if trace.btf is None:
            missing.add(SECTION_BTF)
        if trace.modules is None:
            missing.add(SECTION_MODULES)
        for number, label, write in (
            (SECTION_HEADERS, "HEADER_INFO", self.headers),
            (SECTION_FTRACE_EVENTS, "FTRACE_EVENTS", self.ftrace_formats),
            (SECTION_EVENT_FORMATS, "EVENT_FORMATS", self.event_formats),
            (SECTION_KALLSYMS, "KALLSYMS", self.kallsyms),
            (SECTION_PRINTK, "PRINTK", self.printk),
            (SECTION_CMDLINES, "CMDLINES", self.cmdlines),
            (SECTION_BTF, "BTF_FILE", self.btf),
            (SECTION_MODULES, "MODULES_FILE", self.modules),
        ):
            if number not in missing:
                sections.append(SectionOption(number, label, len(e)))
                content = e.nested()
                write(content)
                self.section(number, label, content, trace.compression != "none")

        first = [*sections, *trace.options]
        if not any(option.id == CpuCount.id for option in first):
            first.append(CpuCount(trace.cpus))
        if not trace.compress_options:
            self.options(first)
        for buffer in trace.buffers:
            option = self.buffer(buffer)
            if trace.compress_options:
                first.append(option)
            else:
                self.options([option])
        rest = list(trace.more_options)
        if trace.compress_options:
            self.options([*first, *(option for more in rest for option in more)], True)
        else:
            for more in rest:
                self.options(more)
        if SECTION_STRINGS not in trace.omit:
            own = self.string_id("strings")
            content = e.nested()
            content.raw(bytes(self.strings), "texts")
            self.section(SECTION_STRINGS, "strings", content, trace.compression != "none", own)
        return e

    def string_id(self, text: str) -> int:
        """Where in the strings sections a text stands."""
        at = len(self.strings)
        self.strings += text.encode() + b"\0"
        return at

    @contextmanager
    def section_header(
        self, number: int, label: str, compressed: bool, description: int | None = None
    ) -> Iterator[None]:
        """u16 id, u16 flags, u32 description, u64 size of what is written inside."""
        e = self.e
        with e.structure(f"section {label}"):
            e.u16(number, "id")
            e.u16(int(compressed), "flags")
            e.u32(self.string_id(label) if description is None else description, "description")
            place = len(e)
            e.u64(0, "size")
            yield
            e.patch(place, 8, len(e) - place - 8)

    def section(
        self,
        number: int,
        label: str,
        content: Encoder,
        compressed: bool,
        description: int | None = None,
    ) -> None:
        """A section of one block."""
        with self.section_header(number, label, compressed, description):
            if compressed:
                self.block(bytes(content.data))
            else:
                self.e.include(content)

    def block(self, plain: bytes, *, data: bool = False) -> None:
        """u32 stored size, u32 plain size, a compressed stream."""
        stream = pack_block(self.trace.compression, plain)
        zero = self.trace.zero_length_words
        self.e.u32(0 if zero and data else len(stream), "stored size")
        self.e.u32(0 if zero else len(plain), "plain size")
        self.e.raw(stream, "stream")

    def options(self, options: Sequence[Option], compressed: bool = False) -> None:
        """A section of options; the one before it in the chain is told where it is."""
        e = self.e
        e.patch(self.next_place, 8, len(e))
        content = e.nested()
        for option in options:
            self.option(content, option)
        done = content.nested()
        done.u64(0, "next")
        self.option_payload(content, OPTION_DONE, "DONE", done)
        self.section(SECTION_OPTIONS, "options", content, compressed)
        self.next_place = len(e) - 8

    def buffer(self, buffer: Buffer | TextBuffer) -> Option:
        """Writes a buffer's section; what is returned is the option that leads to it."""
        e, trace = self.e, self.trace
        compressed = trace.compression != "none"
        start = len(e)
        if isinstance(buffer, TextBuffer):
            with self.section_header(SECTION_TEXT, f"buffer latency {buffer.name}", compressed):
                text = to_bytes(buffer.text)
                if compressed:
                    self.chunks(text, CHUNK_PAGES * trace.page_size)
                else:
                    e.raw(text, "text")
            return BufferOption(OPTION_BUFFER_TEXT, "BUFFER_TEXT", start, buffer.name, trace.clock)
        page_size = buffer.page_size or trace.page_size
        rows = []
        with self.section_header(SECTION_FLYRECORD, f"buffer flyrecord {buffer.name}", compressed):
            for cpu, pages in buffer.cpus.items():
                e.align(page_size)
                at = len(e)
                with e.structure(f"CPU {cpu}"):
                    if compressed:
                        plain = e.nested()
                        self.pages(plain, pages, page_size)
                        self.chunks(bytes(plain.data), CHUNK_PAGES * page_size)
                    else:
                        self.pages(e, pages, page_size)
                size = len(e) - at
                if compressed and trace.short_stored_size:
                    size -= 4
                rows.append((cpu, at, size))
        return BufferOption(
            OPTION_BUFFER,
            "BUFFER",
            start,
            buffer.name,
            buffer.clock or trace.clock,
            page_size,
            tuple(rows),
        )

    def chunks(self, plain: bytes, size: int) -> None:
        """u32 number of chunks, then as many blocks."""
        pieces = [plain[at : at + size] for at in range(0, len(plain), size)]
        self.e.u32(0 if self.trace.zero_length_words else len(pieces), "chunks")
        for piece in pieces:
            with self.e.structure("chunk"):
                self.block(piece, data=True)
