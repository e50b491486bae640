"""What a running kernel, or a copy of its tracing directory, says of itself: the head of a file."""

from __future__ import annotations

import os
import re
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from ..errors import CorruptError, TraceFileNotFoundError, os_error
from ..options import OptionId
from .outline import Outline, OutlineBuffer

__all__ = ["commit_place", "current_clock", "outline_of_tracing"]

TRACING = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
KALLSYMS = "/proc/kallsyms"
FTRACE = "ftrace"  # the system whose formats have a section of their own


def outline_of_tracing(
    tracing: str | os.PathLike[str] | None = None,
    kallsyms: str | os.PathLike[str] | None = None,
) -> Outline:
    """The outline of what a kernel records: formats of all events, symbols, names of tasks.

    Args:
        tracing: its tracing directory, or a copy of it; None: that of the running system.
        kallsyms: its symbols, or a copy; None: /proc/kallsyms.

    Raises:
        TraceOSError: (an OSError) something that is needed cannot be read.
        CorruptError: (a ValueError) ``events/header_page`` does not say how pages are laid out.
    """
    folder = _tracing_folder() if tracing is None else Path(tracing)
    events = folder / "events"
    header_page = _read(events / "header_page")
    long_size, page_size = _layout(header_page, events / "header_page")
    order = "<" if sys.byteorder == "little" else ">"
    outline = Outline(page_size=page_size, long_size=long_size, byteorder=sys.byteorder)
    outline.sections = {
        OptionId.HEADER_INFO: b"header_page\0"
        + _counted(order + "Q", header_page)
        + b"header_event\0"
        + _counted(order + "Q", _read(events / "header_event")),
        OptionId.FTRACE_EVENTS: _formats(order, events / FTRACE),
        OptionId.EVENT_FORMATS: _systems(order, events),
    }
    symbols = _read(Path(kallsyms)) if kallsyms is not None else _read_if_there(Path(KALLSYMS))
    for number, form, text in (
        (OptionId.KALLSYMS, "I", symbols),
        (OptionId.PRINTK, "I", _read_if_there(folder / "printk_formats")),
        (OptionId.CMDLINES, "Q", _read_if_there(folder / "saved_cmdlines")),
    ):
        outline.sections[number] = _counted(order + form, text or b"")
    clock = _read_if_there(folder / "trace_clock")
    if clock:
        outline.add(OptionId.TRACECLOCK, clock + b"\0")
    outline.buffers = [OutlineBuffer("", current_clock(clock or b""), page_size)]
    return outline


def current_clock(text: bytes) -> str:
    """The clock in brackets of tracefs ``trace_clock``; "local", the usual one, if none is."""
    found = re.search(rb"\[([^\]\0]+)\]", text)
    return found[1].decode(errors="surrogateescape") if found else "local"


def _tracing_folder() -> Path:
    for name in TRACING:
        if (Path(name) / "events" / "header_page").exists():
            return Path(name)
    reason = f"{' and '.join(TRACING)}: no tracing directory"
    raise TraceFileNotFoundError(2, reason, path=None)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise os_error(error.errno or 5, f"read: {error.strerror}", str(path)) from None


def _read_if_there(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:  # not there, or not for everybody
        return None


def _fields(header_page: bytes) -> dict[bytes, tuple[int, int]]:
    """Offsets and sizes of what a page begins with, and of its data."""
    return {
        match[1]: (int(match[2]), int(match[3]))
        for match in re.finditer(
            rb"\b(\w+)(?:\[\])?;\s*offset:([0-9]{1,9});\s*size:([0-9]{1,9});", header_page
        )
    }


def commit_place(header_info: bytes) -> tuple[int, int, int]:
    """Offset and size of a page's commit, and where its data begins; of a section HEADER_INFO."""
    fields = _fields(header_info)
    offset, size = fields.get(b"commit", (8, 8))
    return offset, size, fields.get(b"data", (offset + size, 0))[0]


def _layout(header_page: bytes, path: Path) -> tuple[int, int]:
    """Bytes of a long, and of a sub-buffer."""
    fields = _fields(header_page)
    try:
        long_size = fields[b"commit"][1]
        page_size = sum(fields[b"data"])
    except KeyError:
        raise CorruptError("header_page: it has no commit or no data", path=str(path)) from None
    return long_size, page_size


def _counted(form: str, text: bytes) -> bytes:
    return struct.pack(form, len(text)) + text


def _folders(path: Path) -> Iterable[Path]:
    try:
        return sorted(each for each in path.iterdir() if each.is_dir())
    except OSError:
        return []


def _format_texts(system: Path) -> list[bytes]:
    texts = (_read_if_there(event / "format") for event in _folders(system))
    return [text for text in texts if text]


def _formats(order: str, system: Path) -> bytes:
    texts = _format_texts(system)
    return struct.pack(order + "I", len(texts)) + b"".join(
        _counted(order + "Q", text) for text in texts
    )


def _systems(order: str, events: Path) -> bytes:
    parts = [
        os.fsencode(system.name) + b"\0" + _formats(order, system)
        for system in _folders(events)
        if system.name != FTRACE and _format_texts(system)
    ]
    return struct.pack(order + "I", len(parts)) + b"".join(parts)
