"""Which streams of which files are read, and of which events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .. import _lowlevel
from ..events import EventFormat
from .reader import Reader
from .selection import Selection

__all__ = ["Choice", "FileChoice", "Source", "choose", "id_bitmap"]


class Source(NamedTuple):
    """A stream of a file, as part of a walk."""

    reader: Reader
    stream: int
    event_ids: bytes | None
    pids: tuple[int, ...] | None
    filters: tuple[_lowlevel.Filter, ...] = ()
    filters_out: tuple[_lowlevel.Filter, ...] = ()
    stack_id: int = 0

    @property
    def cpu(self) -> int:
        """The CPU it is of."""
        return self.reader.streams[self.stream].cpu

    @property
    def buffer(self) -> str:
        """Name of the buffer it is of."""
        return self.reader.buffer_names[self.reader.streams[self.stream].buffer]

    def lowlevel(self) -> _lowlevel.WalkSource:
        """The same for the core."""
        return _lowlevel.WalkSource(
            self.reader.data,
            self.stream,
            self.event_ids,
            self.pids,
            self.filters,
            self.filters_out,
            self.stack_id,
        )


def id_bitmap(formats: Iterable[EventFormat]) -> bytes:
    """Make the bits of the wanted ids; ids that no record can have are left out."""
    bits = bytearray(8192)
    for form in formats:
        if form.id < 65536:
            bits[form.id >> 3] |= 1 << (form.id & 7)
    return bytes(bits)


class FileChoice(NamedTuple):
    """What a selection asks of one file.

    Attributes:
        reader: the file.
        named: the events that it has by the names asked for; None: all events are asked for.
        event_ids: their numbers, as the core takes them; None for all.
        sources: the streams.
    """

    reader: Reader
    named: tuple[EventFormat, ...] | None
    event_ids: bytes | None
    sources: tuple[Source, ...]

    @property
    def formats(self) -> tuple[EventFormat, ...]:
        """The events that are asked for and that the file has."""
        return tuple(self.reader.events.values()) if self.named is None else self.named


class Choice(NamedTuple):
    """What a selection asks of some files."""

    files: tuple[FileChoice, ...]

    @property
    def formats(self) -> list[EventFormat]:
        """The events that are asked for, of each file that has them."""
        return [event for file in self.files for event in file.formats]

    def sources(self) -> list[Source]:
        """All streams, in the order of libtracecmd's merge.

        That is the top buffers of all files, then the instances of the first one, of the second...
        """
        placed = [
            ((source.reader.streams[source.stream].buffer > 0, place, source.stream), source)
            for place, file in enumerate(self.files)
            for source in file.sources
        ]
        return [source for _, source in sorted(placed, key=lambda entry: entry[0])]


def choose(readers: Sequence[Reader], selection: Selection) -> Choice:
    """Find what the names of a selection stand for, in each of some files.

    What one file does not know is not wanted of it, but some file has to know it.

    Raises:
        UnknownEventError: (a KeyError) no file knows an event by one of the names.
        KeyError: no file has a buffer of one of the names.
    """
    named = _named_events(readers, selection.events)
    excluded = _excluded_events(readers, selection.excluded_names)
    buffers = _named_buffers(readers, selection.buffers)
    files = []
    for place, reader in enumerate(readers):
        events = named[place] if named is not None else None
        ids = None if events is None else id_bitmap(events)
        if excluded is not None:
            out = {event.place for event in excluded[place]}
            # Also of events by no name, which are asked for if nothing is said.
            ids = _all_but(ids, id_bitmap(excluded[place]))
            asked = reader.events.values() if events is None else events
            events = tuple(event for event in asked if event.place not in out)
        sources = [
            Source(reader, index, ids, selection.pids)
            for index, stream in enumerate(reader.streams)
            if (buffers is None or stream.buffer in buffers[place])
            and (selection.cpus is None or stream.cpu in selection.cpus)
        ]
        files.append(FileChoice(reader, events, ids, tuple(sources)))
    return Choice(tuple(files))


def _named_events(
    readers: Sequence[Reader], names: Sequence[str] | None
) -> list[tuple[EventFormat, ...]] | None:
    """The events of each file by these names; None: all of them."""
    if names is None:
        return None
    named: list[list[EventFormat]] = [[] for _ in readers]
    for name in names:
        unknown: list[KeyError] = []
        for place, reader in enumerate(readers):
            try:
                named[place] += reader.events.select(name)
            except KeyError as error:
                unknown.append(error)
        if unknown and len(unknown) == len(readers):
            raise unknown[0]
    return [tuple(events) for events in named]


def _all_but(ids: bytes | None, out: bytes) -> bytes:
    return bytes(
        has & ~not_wanted & 0xFF
        for has, not_wanted in zip(ids or b"\xff" * len(out), out, strict=True)
    )


def _excluded_events(
    readers: Sequence[Reader], names: Sequence[str]
) -> list[list[EventFormat]] | None:
    """The events of each file that are left out; None: there are no names of such."""
    if not names:
        return None
    excluded: list[list[EventFormat]] = [[] for _ in readers]
    for name in names:
        fits = [reader.events.matching(name) for reader in readers]
        if not any(fits) and readers:
            readers[0].events.select(name)  # it says which names are near
        for place, more in enumerate(fits):
            excluded[place] += more
    return excluded


def _named_buffers(readers: Sequence[Reader], names: Sequence[str] | None) -> list[set[int]] | None:
    """The numbers of each file's buffers by these names; None: all of them."""
    if names is None:
        return None
    for name in names:
        if readers and not any(name in reader.buffer_names for reader in readers):
            raise KeyError(f"no buffer is named {name!r}; there are {readers[0].buffer_names}")
    return [
        {index for index, name in enumerate(reader.buffer_names) if name in names}
        for reader in readers
    ]
