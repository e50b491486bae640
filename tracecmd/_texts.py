"""Texts of single events."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from . import _lowlevel

if TYPE_CHECKING:
    from ._records import Reader

__all__ = ["EventTexts", "report_file", "valid_utf8"]


def valid_utf8(text: str) -> str:
    """A text of a file with U+FFFD for what is no UTF-8 in it, for those who take nothing else."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def report_file(reader: Reader, symbols: _lowlevel.Symbols | None = None) -> _lowlevel.ReportFile:
    """Make what a report has to know about a file; symbols: None for the file's own."""
    label = Path(reader.path).name
    return _lowlevel.ReportFile(reader.file, reader.metadata, symbols or reader.symbols, label)


class EventTexts:
    """Texts of single events of one file; any thread may ask."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._reports: dict[bool, _lowlevel.Report] = {}

    def text(self, payload: bytes, stream: int, ts: int, *, kernel: bool) -> str:
        """What trace-cmd report prints of an event behind its name."""
        with self._lock:
            if kernel not in self._reports:
                self._reports[kernel] = self._make(kernel=kernel)
            found = self._reports[kernel].record(payload, stream, ts, 0)
        return found.rstrip(b"\n").decode(errors="backslashreplace")

    def _make(self, *, kernel: bool) -> _lowlevel.Report:
        flags = _lowlevel.REPORT_FLAGS["event_text"]
        if kernel:
            flags |= _lowlevel.REPORT_FLAGS["kernel_text"]
        rows = [(0, stream.buffer, stream.cpu) for stream in self._reader.streams]
        return _lowlevel.Report([report_file(self._reader)], rows, flags)

    def close(self) -> None:
        """Close the reports."""
        with self._lock:
            for report in self._reports.values():
                report.close()
