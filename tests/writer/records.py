"""Sub-buffers and the records in them: the kernel's ring-buffer-design.rst."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .encoder import Encoder, Machine
from .event_format import Values


def record_word(machine: Machine, type_len: int, time_delta: int) -> bytes:
    """The 32 bits before every record: 5 of type or length, 27 of time."""
    delta = time_delta & 0x7FFFFFF
    return machine.pack(4, type_len << 27 | delta if machine.big_endian else delta << 5 | type_len)


class Record(Protocol):
    """Something in a page."""

    def encode(self, e: Encoder, room: int) -> None:
        """room: bytes left in the page."""


@dataclass(frozen=True)
class Event:
    """An event; its time is ``delta`` behind what was before it in the page.

    Payloads of 4 to 112 bytes have their length in the word, others (or ``long_form``) behind it.
    """

    delta: int
    payload: Values | bytes
    long_form: bool = False

    def encode(self, e: Encoder, room: int) -> None:
        payload = self.payload
        if isinstance(payload, Values):
            payload = payload.encode(e.machine)
        payload += bytes(-len(payload) % 4)
        with e.structure("event"):
            if self.long_form or not 4 <= len(payload) <= 112:
                e.raw(record_word(e.machine, 0, self.delta), "word")
                e.u32(len(payload) + 4, "length")
            else:
                e.raw(record_word(e.machine, len(payload) // 4, self.delta), "word")
            e.raw(payload, "payload")


@dataclass(frozen=True)
class Discarded:
    """An event that was taken back: ``size`` bytes behind its length word mean nothing."""

    delta: int
    size: int

    def encode(self, e: Encoder, room: int) -> None:
        with e.structure("discarded"):
            e.raw(record_word(e.machine, 29, self.delta), "word")
            e.u32(self.size + 4, "length")
            e.raw(b"\xdd" * self.size, "content")


@dataclass(frozen=True)
class Padding:
    """The rest of the page is unused. With 4 bytes left there is no room for a length."""

    def encode(self, e: Encoder, room: int) -> None:
        with e.structure("padding"):
            e.raw(record_word(e.machine, 29, 0), "word")
            if room >= 8:
                e.u32(room - 4, "length")
                e.raw(bytes(room - 8), "content")


@dataclass(frozen=True)
class TimeExtend:
    """Moves time on by more than 27 bits can say."""

    delta: int

    def encode(self, e: Encoder, room: int) -> None:
        with e.structure("time extend"):
            e.raw(record_word(e.machine, 30, self.delta), "word")
            e.u32(self.delta >> 27, "high part")


@dataclass(frozen=True)
class TimeStamp:
    """Sets time absolutely; of the stamp 59 bits are stored."""

    stamp: int

    def encode(self, e: Encoder, room: int) -> None:
        with e.structure("time stamp"):
            e.raw(record_word(e.machine, 31, self.stamp), "word")
            e.u32((self.stamp & ((1 << 59) - 1)) >> 27, "high part")


@dataclass(frozen=True)
class RawRecord:
    """Any bytes where a record should be."""

    data: bytes

    def encode(self, e: Encoder, room: int) -> None:
        e.raw(self.data, "raw record")


MISSED_EVENTS = 1 << 31
MISSED_STORED = 1 << 30


@dataclass(frozen=True)
class Page:
    """A sub-buffer: u64 time stamp, long commit, records.

    ``lost``: events lost before the page, ``-1`` for an unknown number. A known number is stored
    behind the records and marked so. ``sign_extended``: an 8-byte commit with all upper bits set,
    as kernels before 6.0 left it. ``commit`` overrides the number of bytes that records take.
    """

    timestamp: int
    records: Sequence[Record] = ()
    lost: int = 0
    sign_extended: bool = False
    commit: int | None = None

    def encode(self, e: Encoder, page_size: int) -> None:
        long_size = e.machine.long_size
        start = len(e)
        with e.structure("page"):
            e.u64(self.timestamp, "timestamp")
            place = len(e)
            e.number(long_size, 0, "commit")
            data = len(e)
            for record in self.records:
                record.encode(e, start + page_size - len(e))
            size = len(e) - data
            flags = 0
            if self.lost:
                flags |= MISSED_EVENTS
            if self.lost > 0:
                flags |= MISSED_STORED
                e.number(long_size, self.lost, "lost events")
            if self.sign_extended:
                flags |= -1 << 32
            e.patch(place, long_size, flags | (size if self.commit is None else self.commit))
            if len(e) - start > page_size:
                raise ValueError(f"records of {len(e) - start} bytes in a page of {page_size}")
            e.data += bytes(start + page_size - len(e))


def fill_pages(
    events: Iterable[tuple[int, Values | bytes]],
    machine: Machine,
    page_size: int = 4096,
) -> list[Page]:
    """Events with absolute times, in time order, as the kernel would put them into pages."""
    pages: list[Page] = []
    records: list[Record] = []
    start = now = room = 0
    for ts, payload in events:
        step: list[Record] = []
        delta = ts - now
        if delta >= 1 << 27:
            step, delta = [TimeExtend(delta)], 0
        content = payload.encode(machine) if isinstance(payload, Values) else payload
        step.append(Event(delta, content))
        size = 8 * (len(step) - 1) + 8 + -(-len(content) // 4) * 4
        if not records or size > room:
            if records:
                pages.append(Page(start, records))
            start, room = ts, page_size - 8 - machine.long_size
            records, step = [], [Event(0, content)]
            size = 8 + -(-len(content) // 4) * 4
        now = ts
        records += step
        room -= size
    if records:
        pages.append(Page(start, records))
    return pages
