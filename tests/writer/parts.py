"""What versions 6 and 7 have in common: the start, and the encoding of the kernel's texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .defaults import header_page
from .encoder import Encoder, to_bytes
from .event_format import EventFormat
from .options import Option
from .records import Page

if TYPE_CHECKING:
    from .trace import Trace


class Writer:
    """Writes the parts of a file; a subclass knows their order and what is around them."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.e = Encoder(trace.machine)

    def initial(self) -> None:
        """trace-cmd.dat(5), INITIAL FORMAT."""
        e, trace = self.e, self.trace
        e.raw(b"\x17\x08\x44tracing", "magic")
        e.string(str(trace.version), "version")
        e.u8(trace.big_endian, "byte order")
        e.u8(trace.long_size, "long size")
        e.u32(trace.page_size, "page size")

    def headers(self, e: Encoder) -> None:
        trace = self.trace
        page = trace.header_page
        if page is None:
            page = header_page(trace.machine, trace.page_size)
        for name, text in (("header_page", page), ("header_event", trace.header_event)):
            with e.structure(name):
                e.string(name, "name")
                self.text64(e, text)

    def ftrace_formats(self, e: Encoder) -> None:
        self.formats(e, [self.format_text(item) for item in self.trace.ftrace_events])

    def event_formats(self, e: Encoder) -> None:
        systems: dict[str, list[str]] = {}
        for item in self.trace.events:
            systems.setdefault(item.system, []).append(self.format_text(item))
        for name, texts in self.trace.extra_formats.items():
            systems.setdefault(name, []).extend(texts)
        e.u32(len(systems), "systems")
        for name, formats in systems.items():
            with e.structure(f"system {name}"):
                e.string(name, "name")
                self.formats(e, formats)

    def formats(self, e: Encoder, texts: Sequence[str]) -> None:
        e.u32(len(texts), "events")
        for text in texts:
            with e.structure("format"):
                self.text64(e, text)

    def format_text(self, item: EventFormat | str) -> str:
        return item if isinstance(item, str) else item.text(self.trace.machine)

    def kallsyms(self, e: Encoder) -> None:
        self.text32(e, self.trace.kallsyms)

    def printk(self, e: Encoder) -> None:
        self.text32(e, self.trace.printk_formats)

    def cmdlines(self, e: Encoder) -> None:
        self.text64(e, self.trace.saved_cmdlines)

    def btf(self, e: Encoder) -> None:
        e.raw(self.trace.btf or b"", "types")

    def modules(self, e: Encoder) -> None:
        e.raw(to_bytes(self.trace.modules or ""), "text")

    def text32(self, e: Encoder, text: str | bytes) -> None:
        e.u32(len(to_bytes(text)), "text size")
        e.raw(to_bytes(text), "text")

    def text64(self, e: Encoder, text: str | bytes) -> None:
        e.u64(len(to_bytes(text)), "text size")
        e.raw(to_bytes(text), "text")

    def option(self, e: Encoder, option: Option) -> None:
        """u16 id, u32 size, payload."""
        payload = e.nested()
        option.encode(payload)
        self.option_payload(e, option.id, option.label, payload)

    def option_payload(self, e: Encoder, number: int, label: str, payload: Encoder) -> None:
        with e.structure(f"option {label}"):
            e.u16(number, "id")
            e.u32(len(payload), "size")
            e.include(payload)

    def pages(self, e: Encoder, pages: Sequence[Page | bytes], page_size: int) -> None:
        for page in pages:
            if isinstance(page, bytes):
                e.raw(page, "raw page")
            else:
                page.encode(e, page_size)
