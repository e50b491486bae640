"""Texts of single events."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from .. import _lowlevel
from ..text_makers import TextMakers

if TYPE_CHECKING:
    from .reader import Reader

__all__ = ["EventTexts", "report_file"]


def report_file(reader: Reader, symbols: _lowlevel.Symbols | None = None) -> _lowlevel.ReportFile:
    """Make what a report has to know about a file; symbols: None for the file's own."""
    label = Path(reader.path).name
    return _lowlevel.ReportFile(reader.file, reader.metadata, symbols or reader.symbols, label)


class EventTexts:
    """Texts of single events of one file; any thread may ask.

    A report serves one thread at a time, so each takes one that is idle, or makes one. There is no
    lock to wait for: whoever holds one may be stopped for good (a thread of the process that this
    one was forked from), or be the very thread that waits (the collector ran meanwhile).
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.makers = reader.makers
        self._idle: dict[bool, deque[_lowlevel.Report]] = {False: deque(), True: deque()}
        self._closed = False

    def text(self, payload: bytes, stream: int, ts: int, *, kernel: bool) -> str:
        """What trace-cmd report prints of an event after its name."""
        idle = self._idle[kernel]
        try:
            report = idle.pop()
        except IndexError:
            report = self._make(kernel=kernel)
        try:
            line = None
            if self.makers.functions:
                line = self.makers.print(report, payload, stream, ts)
            if line is None:
                line = report.record(payload, stream, ts, 0)
        finally:
            idle.append(report)
            if self._closed:  # perhaps before this one was back
                self.close()
        return line.rstrip(b"\n").decode(errors="backslashreplace")

    def _make(self, *, kernel: bool) -> _lowlevel.Report:
        flags = _lowlevel.REPORT_FLAGS["event_text"]
        if kernel:
            flags |= _lowlevel.REPORT_FLAGS["kernel_text"]
        rows = [(0, stream.buffer, stream.cpu) for stream in self._reader.streams]
        report = _lowlevel.Report([report_file(self._reader)], rows, flags)
        TextMakers(functions=self.makers.functions).prepare(report, 0)
        return report

    def close(self) -> None:
        """Close the reports, those in use when they are given back."""
        self._closed = True
        for idle in self._idle.values():
            while idle:
                try:
                    idle.pop().close()
                except IndexError:  # another thread took the last one
                    break
