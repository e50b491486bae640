"""struct trc_perfetto: records as packets of a trace for Perfetto."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ._analysis import Analysis, string
from ._base import GO_ON, GoOn, check, ffi, lib
from ._data import Walk
from ._handle import Handle
from ._metadata import Metadata
from ._symbols import Symbols

__all__ = ["Perfetto", "PerfettoMachine", "PerfettoSource", "PerfettoTrack", "perfetto_events"]

ENOUGH = 1 << 18  # bytes a call


class PerfettoMachine(NamedTuple):
    """struct trc_perfetto_machine."""

    metadata: Metadata
    symbols: Symbols | None
    machine_id: int
    sequence_id: int
    buffers: Mapping[int, int] = MappingProxyType({})  # by event id


class PerfettoSource(NamedTuple):
    """struct trc_perfetto_source."""

    machine: int
    buffer: int
    cpu: int
    instance: str


class PerfettoTrack(NamedTuple):
    """struct trc_perfetto_track."""

    guest: str
    vcpu: int
    track: int


class Perfetto(Handle):
    """struct trc_perfetto. One thread at a time uses it.

    What it gives out is the core's own memory, valid until it is used again or closed.
    """

    def __init__(
        self, machines: Sequence[PerfettoMachine], sources: Sequence[PerfettoSource]
    ) -> None:
        super().__init__(machines[0].metadata.path if machines else "")
        array = ffi.new("struct trc_perfetto_machine[]", len(machines))
        for entry, machine in zip(array, machines, strict=True):
            entry.metadata = self._hold(machine.metadata)
            entry.symbols = self._hold(machine.symbols) if machine.symbols else ffi.NULL
            entry.machine_id, entry.sequence_id = machine.machine_id, machine.sequence_id
            if machine.buffers:
                entry.buffers_count = max(machine.buffers) + 1
                numbers = [machine.buffers.get(i, 0xFFFFFFFF) for i in range(entry.buffers_count)]
                entry.buffers = self._keep(ffi.new("uint32_t[]", numbers))
        rows = ffi.new("struct trc_perfetto_source[]", len(sources))
        for entry, source in zip(rows, sources, strict=True):
            entry.machine, entry.buffer, entry.cpu = source.machine, source.buffer, source.cpu
            entry.instance = string(self, source.instance)
        self._create(
            "trc_perfetto", lib.trc_perfetto_create, array, len(machines), rows, len(sources)
        )

    def next(self, walk: Walk) -> memoryview | GoOn | None:
        """Packets of the walk's next records, None at its end; leaves the GIL."""
        with self as perfetto, walk as records:
            packets, size = ffi.new("uint8_t **"), ffi.new("size_t *")
            err = ffi.new("struct trc_error *")
            code = lib.trc_perfetto_next(perfetto, records, ENOUGH, packets, size, err)
            if code == lib.TRC_GO_ON:
                return GO_ON
            check(code, err, self.path, walk.paths)
            return memoryview(ffi.buffer(packets[0], size[0])) if size[0] else None

    def records(self) -> tuple[int, int]:
        """Records so far, and the time of the first of them in ns (0: there was none)."""
        with self as perfetto:
            first = ffi.new("uint64_t *")
            return int(lib.trc_perfetto_records(perfetto, first)), int(first[0])

    def steps_back(self, machine: int) -> int:
        """How often time stepped back in streams of a machine, by its place."""
        with self as perfetto:
            return int(lib.trc_perfetto_steps_back(perfetto, machine))

    def slices(
        self, analysis: Analysis, tracks: Sequence[PerfettoTrack], sequence_id: int
    ) -> memoryview | GoOn | None:
        """Packets of what vCPUs did next, None at the end; leaves the GIL."""
        with self as perfetto, analysis as rows:
            array = ffi.new("struct trc_perfetto_track[]", len(tracks))
            names = [ffi.new("char[]", t.guest.encode(errors="surrogateescape")) for t in tracks]
            for entry, track, name in zip(array, tracks, names, strict=True):
                entry.guest, entry.vcpu, entry.track = name, track.vcpu, track.track
            packets, size = ffi.new("uint8_t **"), ffi.new("size_t *")
            err = ffi.new("struct trc_error *")
            code = lib.trc_perfetto_slices(
                perfetto, rows, array, len(tracks), sequence_id, packets, size, err
            )
            if code == lib.TRC_GO_ON:
                return GO_ON
            check(code, err, analysis.path, analysis.paths)
            return memoryview(ffi.buffer(packets[0], size[0])) if size[0] else None


def perfetto_events() -> dict[str, tuple[int, str]]:
    """The events of Perfetto's schema: number, and fields as trc_perfetto_event() has them."""
    found = {}
    index = 0
    while (text := lib.trc_perfetto_event(index)) != ffi.NULL:
        name, number, fields = re.fullmatch(
            r"(\w+)=(\d+) ?(.*)", ffi.string(text).decode()
        ).groups()  # type: ignore[union-attr]
        found[name] = int(number), fields
        index += 1
    return found
