"""struct trc_data, trc_walk and their results: the records of a file, in batches."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from ._base import GO_ON, NO_OFFSET, GoOn, SourceProblem, check, exception, ffi, lib
from ._file import File
from ._handle import Handle
from ._metadata import Metadata

PAYLOAD_ROOM = 1 << 20


class Clock(NamedTuple):
    """struct trc_clock_options."""

    raw: bool = False
    sync: bool = True
    date: bool = True
    ts2secs_hz: int = 0
    offset: int = 0

    def _c(self) -> Any:
        flags = (
            lib.TRC_CLOCK_RAW * self.raw
            | lib.TRC_CLOCK_NO_SYNC * (not self.sync)
            | lib.TRC_CLOCK_NO_DATE * (not self.date)
        )
        return ffi.new("struct trc_clock_options *", [flags, self.ts2secs_hz, self.offset])


class StreamInfo(NamedTuple):
    """struct trc_stream: one CPU of one buffer."""

    buffer: int
    cpu: int
    page_count: int
    page_size: int
    salvaged: bool


class Damage(NamedTuple):
    """How many pages were damaged, and what was wrong with the first of them."""

    pages: int
    first: Exception


class Counts:
    """How often each event id occurred: added to by :meth:`Data.count`."""

    def __init__(self) -> None:
        self._array = ffi.new("uint64_t[]", lib.TRC_COUNT_IDS)

    def items(self) -> list[tuple[int, int]]:
        """The ids that occurred, and how often; 65536 stands for records too short for one."""
        values = memoryview(ffi.buffer(self._array))
        used = len(bytes(values).rstrip(b"\0")) // 8 + 1
        numbers = values.cast("Q")[:used]
        return [(number, count) for number, count in enumerate(numbers) if count]


class Count(NamedTuple):
    """struct trc_count. Times are None where there are no records."""

    records: int
    missed_events: int
    missed_unknown: int
    first_ts: int | None
    last_ts: int | None
    damage: Damage | None


class Data(Handle):
    """struct trc_data of one file."""

    def __init__(self, file: File, metadata: Metadata, clock: Clock) -> None:
        super().__init__(file.path)
        self._create(
            "trc_data",
            lib.trc_data_create,
            self._hold(file),
            self._hold(metadata),
            clock._c(),
        )

    def problems(self) -> Sequence[Exception]:
        """What is wrong in it and was passed over."""
        return self._own_problems(lib.trc_data_problem_count, lib.trc_data_problem)

    def streams(self) -> list[StreamInfo]:
        with self as data:
            err = ffi.new("struct trc_error *")
            out = ffi.new("struct trc_stream *")
            streams = []
            for index in range(lib.trc_stream_count(data)):
                check(lib.trc_stream(data, index, out, err), err, self.path)
                streams.append(
                    StreamInfo(
                        out.buffer, out.cpu, out.page_count, out.page_size, bool(out.salvaged)
                    )
                )
            return streams

    def is_monotone(self, stream: int) -> bool:
        with self as data:
            return bool(lib.trc_stream_is_monotone(data, stream))

    def page_ts(self, stream: int, page: int) -> int | None:
        """Time a page begins with, in ns; None if no record comes from there on."""
        with self as data:
            err = ffi.new("struct trc_error *")
            out = ffi.new("uint64_t *")
            code = lib.trc_stream_page_ts(data, stream, page, out, err)
            if code == lib.TRC_NOT_FOUND:
                return None
            check(code, err, self.path)
            return int(out[0])

    def find_offset(self, offset: int) -> tuple[int, int] | None:
        """The stream and its page that a byte of the file lies in; None: none, or compressed."""
        with self as data:
            stream, page = ffi.new("size_t *"), ffi.new("uint64_t *")
            if lib.trc_stream_find_offset(data, offset, stream, page, ffi.NULL):
                return None
            return int(stream[0]), int(page[0])

    def count(self, stream: int, first: int, pages: int, counts: Counts) -> Count:
        """Count the records of some pages, by event into counts; leaves the GIL."""
        with self as data:
            err = ffi.new("struct trc_error *")
            out = ffi.new("struct trc_count *")
            code = lib.trc_count(data, stream, first, pages, counts._array, out, err)
            check(code, err, self.path)
            check(lib.trc_stream_release(data, stream, first, pages, err), err, self.path)
        damage = None
        if out.damaged_pages:
            damage = Damage(out.damaged_pages, exception(ffi.addressof(out, "damage"), self.path))
        return _count_of(out, damage)


def _count_of(out: Any, damage: Damage | None) -> Count:
    any_records = bool(out.records)
    return Count(
        out.records,
        out.missed_events,
        out.missed_unknown,
        out.first_ts if any_records else None,
        out.last_ts if any_records else None,
        damage,
    )


class WalkSource(NamedTuple):
    """struct trc_walk_source: a stream, and what is wanted of it (None: all)."""

    data: Data
    stream: int
    event_ids: bytes | None = None
    pids: Sequence[int] | None = None
    filters: Sequence[Handle] = ()  # struct trc_filter: one has to let a record through
    filters_out: Sequence[Handle] = ()  # and none of these
    stack_id: int = 0  # not 0: the event of kernel stacks, wanted with those they belong to


class Payloads:
    """A struct trc_batch of records that stay: what fields are read from."""

    def __init__(self, payload: bytes, payload_end: bytes, size: bytes, id: bytes) -> None:
        self._kept = payload, payload_end, size, id
        self.struct = ffi.new(
            "struct trc_batch *",
            {
                "payload": ffi.from_buffer("uint8_t[]", payload),
                "payload_end": ffi.cast("uint64_t *", ffi.from_buffer(payload_end)),
                "size": ffi.cast("uint32_t *", ffi.from_buffer(size)),
                "id": ffi.cast("uint32_t *", ffi.from_buffer(id)),
            },
        )


class Batch(NamedTuple):
    """Records in the order of the walk; one entry a record in each list.

    ``payload_end[i]`` is where the payload of record i ends in ``payload``; its size says where
    it begins.
    """

    ts: list[int]
    source: list[int]
    id: list[int]
    pid: list[int]
    missed_events: list[int]
    size: list[int]
    payload_end: list[int]
    payload: bytes
    payloads: Payloads
    offsets: bytes  # uint64, of payloads in the file; see offset()

    def offset(self, index: int) -> int | None:
        """Where the payload of a record is in the file; None: it is compressed there."""
        place = int.from_bytes(self.offsets[8 * index : 8 * index + 8], sys.byteorder)
        return None if place == NO_OFFSET else place


class SourceHandle(Handle):
    """What goes through streams: an object that keeps struct trc_walk_source."""

    def _source_array(self, sources: Sequence[WalkSource]) -> Any:
        array = ffi.new("struct trc_walk_source[]", len(sources))
        for entry, source in zip(array, sources, strict=True):
            entry.data = self._hold(source.data)
            entry.stream = source.stream
            entry.event_ids = self._values(source.event_ids, "uint8_t[]")
            if source.pids is not None:
                entry.pids = self._values(sorted(source.pids), "int32_t[]")
                entry.pid_count = len(source.pids)
            entry.filters, entry.filter_count = self._keep_filters(source.filters)
            entry.filters_out, entry.filter_out_count = self._keep_filters(source.filters_out)
            entry.stack_id = source.stack_id
        return array

    def _values(self, values: Any, kind: str) -> Any:
        if values is None:
            return ffi.NULL
        if isinstance(values, bytes):
            return self._keep(ffi.from_buffer(kind, values))
        return self._keep(ffi.new(kind, values))

    def _keep_filters(self, filters: Sequence[Handle]) -> tuple[Any, int]:
        pointers = [self._hold(filter) for filter in filters]
        return self._values(pointers or None, "const struct trc_filter *[]"), len(pointers)


def walk_options(start: int, end: int | None, flags: int = 0) -> Any:
    """A struct trc_walk_options for a window of time; an end of None is no bound."""
    return ffi.new(
        "struct trc_walk_options *", [flags, end is None, start, 0 if end is None else end]
    )


class Walk(SourceHandle):
    """struct trc_walk: records of some streams in time order (or stream by stream)."""

    def __init__(
        self,
        sources: Sequence[WalkSource],
        start: int,
        end: int | None,
        *,
        backwards: bool = False,
        by_cpu: bool = False,
        room: int = 4096,
    ) -> None:
        super().__init__(sources[0].data.path if sources else "")
        array = self._source_array(sources)
        flags = lib.TRC_WALK_BACKWARDS * backwards | lib.TRC_WALK_BY_CPU * by_cpu
        options = walk_options(start, end, flags)
        self.paths = [source.data.path for source in sources]
        self._create(
            "trc_walk", lib.trc_walk_create, array, len(sources), options, sources=self.paths
        )
        self._room = room
        self._sum: Any = None
        self._source_count = len(sources)
        self._payload_room = PAYLOAD_ROOM
        self._make_arrays()

    def _make_arrays(self) -> None:
        room = self._room
        self._arrays = {
            "ts": ffi.new("uint64_t[]", room),
            "source": ffi.new("uint32_t[]", room),
            "id": ffi.new("uint32_t[]", room),
            "pid": ffi.new("int32_t[]", room),
            "missed_events": ffi.new("int64_t[]", room),
            "size": ffi.new("uint32_t[]", room),
            "payload_end": ffi.new("uint64_t[]", room),
            "offset": ffi.new("uint64_t[]", room),
            "payload": ffi.new("uint8_t[]", self._payload_room),
        }
        self._batch = ffi.new("struct trc_batch *", self._arrays)
        self._batch.room = room
        self._batch.payload_room = self._payload_room

    def next(self) -> Batch | GoOn | None:
        """The next records, None at the end; leaves the GIL while reading."""
        with self as walk:
            err = ffi.new("struct trc_error *")
            code = lib.trc_walk_next(walk, self._batch, err)
            if code == lib.TRC_ARGUMENT:  # a payload larger than any before
                self._payload_room = 2 * self._batch.payload_size
                self._make_arrays()
                code = lib.trc_walk_next(walk, self._batch, err)
            if code == lib.TRC_GO_ON:
                return GO_ON
            check(code, err, self.path, self.paths)
            count = self._batch.count
            if not count:
                return None
            columns = {name: ffi.unpack(self._arrays[name], count) for name in Batch._fields[:-3]}
            payload = bytes(ffi.buffer(self._arrays["payload"], self._batch.payload_size))
            places = (self._copy(name, count) for name in ("payload_end", "size", "id"))
            return Batch(
                **columns,
                payload=payload,
                payloads=Payloads(payload, *places),
                offsets=self._copy("offset", count),
            )

    def count(self, counts: Counts) -> Count | GoOn:
        """Count what is left of it, by event into counts; losses and damage are not."""
        with self as walk:
            err = ffi.new("struct trc_error *")
            if self._sum is None:
                self._sum = ffi.new("struct trc_count *")
            code = lib.trc_walk_count(walk, counts._array, self._sum, err)
            if code == lib.TRC_GO_ON:
                return GO_ON
            check(code, err, self.path, self.paths)
            return _count_of(self._sum, None)

    def _copy(self, name: str, count: int) -> bytes:
        array = self._arrays[name]
        return bytes(ffi.buffer(array, count * ffi.sizeof(ffi.typeof(array).item)))

    def missed(self) -> list[int]:
        """At the end: events lost after the last wanted record of each source (-1: unknown)."""
        with self as walk:
            return [lib.trc_walk_missed(walk, i) for i in range(self._source_count)]

    def problems(self, known: int = 0) -> list[SourceProblem]:
        """All that was found damaged so far; none if that is as much as known."""
        return self._source_problems(
            lib.trc_walk_problem_count, lib.trc_walk_problem, self.paths, known
        )

    def progress(self) -> tuple[int, int]:
        """Pages read so far, and about how many there are."""
        with self as walk:
            done, total = ffi.new("uint64_t *"), ffi.new("uint64_t *")
            lib.trc_walk_progress(walk, done, total)
            return done[0], total[0]
