"""struct trc_report: the lines of trace-cmd report."""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from typing import Any, NamedTuple

from ._base import GO_ON, GoOn, check, ffi, lib
from ._data import Batch, Payloads, Walk
from ._file import File
from ._handle import Handle
from ._metadata import Metadata
from ._symbols import Symbols

ENOUGH = 1 << 18  # bytes of text a call: they stay in the processor's cache until they are written

REPORT_FLAGS: dict[str, int] = {
    name.removeprefix("TRC_REPORT_").lower(): getattr(lib, name)
    for name in (
        "TRC_REPORT_RAW",
        "TRC_REPORT_NANOSECONDS",
        "TRC_REPORT_LATENCY_FORMAT",
        "TRC_REPORT_NO_PLUGINS",
        "TRC_REPORT_NO_SYSTEM_PLUGINS",
        "TRC_REPORT_KERNEL_TEXT",
        "TRC_REPORT_TS_DIFF",
        "TRC_REPORT_SECONDS",
        "TRC_REPORT_EVENT_TEXT",
        "TRC_REPORT_TICKS",
        "TRC_REPORT_FUNCTION_PARENT",
        "TRC_REPORT_FUNCTION_OFFSET",
        "TRC_REPORT_FUNCTION_FLAT",
        "TRC_REPORT_FGRAPH_TAILPRINT",
        "TRC_REPORT_FGRAPH_DEPTH",
        "TRC_REPORT_FGRAPH_RETVAL_SKIP",
        "TRC_REPORT_FGRAPH_RETVAL_DEC",
        "TRC_REPORT_FGRAPH_RETVAL_HEX",
        "TRC_REPORT_WAKEUPS",
    )
}
EVENTS_RAW: int = lib.TRC_REPORT_EVENTS_RAW
EVENTS_PLAIN: int = lib.TRC_REPORT_EVENTS_PLAIN
JOINED: int = lib.TRC_REPORT_JOINED
AGAIN: int = lib.TRC_REPORT_AGAIN
IN_ONE: int = lib.TRC_REPORT_IN_ONE


class ReportFile(NamedTuple):
    """struct trc_report_file."""

    file: File
    metadata: Metadata
    symbols: Symbols | None
    label: str


class Report(Handle):
    """struct trc_report. One thread at a time uses it."""

    def __init__(
        self,
        files: Sequence[ReportFile],
        sources: Sequence[tuple[int, int, int]],
        flags: int,
    ) -> None:
        """Make the report of sources (file, buffer, CPU); flags: see REPORT_FLAGS."""
        super().__init__(files[0].file.path)
        array = ffi.new("struct trc_report_file[]", len(files))
        self._labels = self._keep([ffi.from_buffer(os.fsencode(file.label)) for file in files])
        for entry, file, label in zip(array, files, self._labels, strict=True):
            entry.file = self._hold(file.file)
            entry.metadata = self._hold(file.metadata)
            entry.symbols = self._hold(file.symbols) if file.symbols else ffi.NULL
            entry.label, entry.label_size = ffi.cast("const char *", label), len(label)
        rows = ffi.new("struct trc_report_source[]", [tuple(source) for source in sources])
        self._paths = [file.file.path for file in files]
        self._create(
            "trc_report",
            lib.trc_report_create,
            flags,
            array,
            len(files),
            rows,
            len(sources),
            sources=self._paths,
        )

    def _outputs(self) -> tuple[Any, Any, Any]:
        return ffi.new("const char **"), ffi.new("size_t *"), ffi.new("struct trc_error *")

    def copy(self) -> Report:
        """Another report in the same state."""
        copied = Report.__new__(Report)
        Handle.__init__(copied, self.path)
        copied._labels = copied._keep(self._labels)
        copied._paths = self._paths
        for parent in self.parents:
            copied._hold(parent)
        with self as report:
            copied._create("trc_report", lib.trc_report_copy, report)
        return copied

    def restart(self, report: Report) -> None:
        """Put this, a copy of report, into the state that report has now."""
        with self as own, report as other:
            err = ffi.new("struct trc_error *")
            check(lib.trc_report_restart(own, other, err), err, self.path)

    def set_events(self, how: int, pattern: str) -> None:
        """Write events that fit a regular expression as EVENTS_RAW or EVENTS_PLAIN say."""
        raw = pattern.encode(errors="surrogateescape")
        with self as report:
            err = ffi.new("struct trc_error *")
            check(lib.trc_report_set_events(report, how, raw, len(raw), err), err, self.path)

    def join(self, later: Report) -> int:
        """After a stretch that later wrote: JOINED, AGAIN or IN_ONE."""
        with self as report, later as other:
            err = ffi.new("struct trc_error *")
            again = ffi.new("uint32_t *")
            check(lib.trc_report_join(report, other, again, err), err, self.path)
            return int(again[0])

    def begin(self) -> bytes:
        """The lines above the first event."""
        with self as report:
            text, size, err = self._outputs()
            code = lib.trc_report_begin(report, text, size, err)
            check(code, err, self.path, self._paths)
            return bytes(ffi.buffer(text[0], size[0]))

    def next(self, walk: Walk, enough: int = ENOUGH) -> memoryview | GoOn:
        """More lines, of the walk's next records; empty at its end. Leaves the GIL.

        They are the core's own memory: valid until the report is used again or closed.
        """
        with self as report, walk as records:
            text, size, err = self._outputs()
            code = lib.trc_report_next(report, records, enough, text, size, err)
            if code == lib.TRC_GO_ON:
                return GO_ON
            check(code, err, self.path, walk.paths)
            return memoryview(ffi.buffer(text[0], size[0]))

    def end(self) -> bytes:
        """The lines below the last event."""
        with self as report:
            text, size, err = self._outputs()
            check(lib.trc_report_end(report, text, size, err), err, self.path)
            return bytes(ffi.buffer(text[0], size[0]))

    def leave_out(self, file: int, event: int) -> None:
        """Leave the text of a file's event to the caller."""
        with self as report:
            err = ffi.new("struct trc_error *")
            check(lib.trc_report_leave_out(report, file, event, err), err, self.path)

    def set_functions(self, file: int, names: Sequence[str]) -> None:
        """Leave the texts of events whose print fmts call one of these to left_text()."""
        held = [ffi.new("char[]", name.encode(errors="surrogateescape")) for name in names]
        with self as report:
            err = ffi.new("struct trc_error *")
            code = lib.trc_report_set_functions(
                report, file, ffi.new("char *[]", held), len(held), err
            )
            check(code, err, self.path)

    def left_out(self) -> tuple[list[int], Batch] | None:
        """Where the lines that next() gave last lack a text, and the records these are of."""
        with self as report:
            records, payload = ffi.new("struct trc_left_out **"), ffi.new("uint8_t **")
            count = lib.trc_report_left_out(report, records, payload)
            if not count:
                return None
            rows = ffi.unpack(records[0], count)
            raw = bytes(ffi.buffer(payload[0], rows[-1].payload_end))
            columns = {
                name: [getattr(row, name) for row in rows]
                for name in ("ts", "source", "id", "pid", "missed_events", "size", "payload_end")
            }
            packed = (
                array(code, columns[name]).tobytes()
                for code, name in (("Q", "payload_end"), ("I", "size"), ("I", "id"))
            )
            return [row.at for row in rows], Batch(
                **columns,
                payload=raw,
                payloads=Payloads(raw, *packed),
                offsets=array("Q", [row.offset for row in rows]).tobytes(),
            )

    def left_text(
        self, payload: bytes, source: int, ts: int, values: Sequence[int | bytes]
    ) -> bytes | tuple[int, list[int]] | None:
        """The text of a record by its print fmt and what the functions in it gave so far.

        Or the next call: a function's place among the names, and its arguments. None: the text of
        this record is not left out.
        """
        with self as report:
            text, size, err = self._outputs()
            held = ffi.from_buffer("uint8_t[]", payload)
            record = ffi.new("struct trc_report_record *", [held, len(payload), source, 0, ts])
            given = ffi.new("struct trc_function_value[]", len(values))
            texts = [ffi.from_buffer(v) if isinstance(v, bytes) else None for v in values]
            for entry, value, raw in zip(given, values, texts, strict=True):
                if isinstance(value, int):
                    entry.number = value % (1 << 64)
                else:
                    entry.text, entry.size = ffi.cast("const char *", raw), len(value)
            call = ffi.new("struct trc_function_call *")
            code = lib.trc_report_left_text(
                report, record, given, len(values), call, text, size, err
            )
            if code == lib.TRC_GO_ON:
                return call.function, ffi.unpack(call.arguments, call.count)
            if code == lib.TRC_NOT_FOUND:
                return None
            check(code, err, self.path)
            return bytes(ffi.buffer(text[0], size[0]))

    def record(self, payload: bytes, source: int, ts: int, missed_events: int) -> bytes:
        """Text of one record."""
        with self as report:
            text, size, err = self._outputs()
            held = ffi.from_buffer("uint8_t[]", payload)
            record = ffi.new(
                "struct trc_report_record *", [held, len(payload), source, missed_events, ts]
            )
            check(lib.trc_report_record(report, record, text, size, err), err, self.path)
            return bytes(ffi.buffer(text[0], size[0]))
