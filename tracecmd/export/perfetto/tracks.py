"""Tracks of what only this package knows: losses, vCPUs, and notes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .wire import (
    DESCRIPTOR_DESCRIPTION,
    DESCRIPTOR_NAME,
    DESCRIPTOR_PARENT_UUID,
    DESCRIPTOR_UUID,
    PACKET_TIMESTAMP,
    PACKET_TRACK_DESCRIPTOR,
    PACKET_TRACK_EVENT,
    TRACK_NAME,
    TRACK_TRACK_UUID,
    TRACK_TYPE,
    TYPE_INSTANT,
    TYPE_SLICE_BEGIN,
    TYPE_SLICE_END,
    integer,
    nested,
    string,
)

__all__ = ["Loss", "Tracks"]

FIRST_UUID = 0x7472616365_0000  # of tracks; others take small ones


class Loss(NamedTuple):
    """Where a CPU lost events; ``number`` None: not known how many."""

    cpu: int
    start: int
    end: int
    number: int | None
    buffer: str


class Tracks:
    """Gives tracks their numbers, and makes packets of what is on them."""

    def __init__(self) -> None:
        self._numbers = itertools.count(FIRST_UUID)

    def add(self, name: str, parent: int = 0, description: str = "") -> tuple[int, bytes]:
        """The number of a new track, and the packet that describes it."""
        uuid = next(self._numbers)
        body = integer(DESCRIPTOR_UUID, uuid) + string(DESCRIPTOR_NAME, name)
        if parent:
            body += integer(DESCRIPTOR_PARENT_UUID, parent)
        if description:
            body += string(DESCRIPTOR_DESCRIPTION, description)
        return uuid, nested(PACKET_TRACK_DESCRIPTOR, body)

    def notes(self, notes: Iterable[tuple[int, str]]) -> Iterator[bytes]:
        """Instants, one a note, by time and text."""
        track = 0
        for ts, text in notes:
            if not track:
                track, packet = self.add("Notes", description="what to know of this recording")
                yield packet
            yield _event(ts, track, TYPE_INSTANT, text)

    def losses(self, losses: Iterable[Loss]) -> Iterator[bytes]:
        """Slices from the last record before a loss to the first one after."""
        tracks: dict[tuple[int, str], int] = {}
        parent = 0
        for loss in losses:
            if not parent:
                parent, packet = self.add("Lost events", description="nothing is known meanwhile")
                yield packet
            key = loss.cpu, loss.buffer
            if key not in tracks:
                name = f"CPU {loss.cpu}" + (f" of {loss.buffer}" if loss.buffer else "")
                tracks[key], packet = self.add(name, parent)
                yield packet
            number = "unknown number" if loss.number is None else str(loss.number)
            yield _event(loss.start, tracks[key], TYPE_SLICE_BEGIN, f"lost events: {number}")
            yield _event(loss.end, tracks[key], TYPE_SLICE_END)


def _event(ts: int, track: int, kind: int, name: str = "") -> bytes:
    body = integer(TRACK_TYPE, kind) + integer(TRACK_TRACK_UUID, track)
    if name:
        body += string(TRACK_NAME, name)
    return integer(PACKET_TIMESTAMP, ts) + nested(PACKET_TRACK_EVENT, body)
