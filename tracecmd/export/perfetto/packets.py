"""The file: what each machine is, its records, and what is known beyond them."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ... import _lowlevel
from ..._reading import (
    Progress,
    ReadOptions,
    Request,
    Selection,
    Time,
    choose,
    make_walk,
    wanted_sources,
    watch,
)
from ...session import Session
from ...session.vcpu_timeline import Timeline
from ...trace import Trace
from ..files import replacing
from .machines import Machine, clock_note, describe, fullest_buffers, machines_of
from .tracks import Loss, Tracks
from .wire import PACKET_MACHINE_ID, PACKET_SEQUENCE_ID, TRACE_PACKET, integer, nested

__all__ = ["write"]

OF_TRACKS = 1 << 16  # sequences of tracks come after those of records
OF_SLICES = 1 << 17
GZIP = 16 + zlib.MAX_WBITS
LEVEL = 6


class _Output:
    """Packets on their way into the file, compressed if its name says so."""

    def __init__(self, file: BinaryIO, *, packed: bool) -> None:
        self._file = file
        self._packer = zlib.compressobj(LEVEL, wbits=GZIP) if packed else None

    def write(self, packets: bytes | memoryview) -> None:
        self._file.write(self._packer.compress(packets) if self._packer else packets)

    def put(self, bodies: Iterable[bytes], machine: int, sequence: int) -> None:
        """Packets of a machine, by what is in them."""
        ending = integer(PACKET_SEQUENCE_ID, sequence)
        if machine:
            ending += integer(PACKET_MACHINE_ID, machine)
        for body in bodies:
            self.write(nested(TRACE_PACKET, body + ending))

    def close(self) -> None:
        if self._packer:
            self._file.write(self._packer.flush())


class _Export:
    """One recording on its way."""

    def __init__(self, recording: Session | Trace, selection: Selection, out: _Output) -> None:
        self.recording = recording
        self.selection = selection
        self.machines = machines_of(recording)
        self.out = out
        self.tracks = Tracks()
        self.warnings: list[str] = []

    def records(self, progress: Progress) -> tuple[int, int]:
        """Write what machines are, and their records: how many, and the time of the first."""
        readers = [machine.trace._reader for machine in self.machines]
        sources = wanted_sources(choose(readers, self.selection), self.selection.condition)
        request = Request.of(readers, sources, self.selection, ReadOptions(progress=progress))
        place = {id(reader): number for number, reader in enumerate(readers)}
        rows = [
            _lowlevel.PerfettoSource(
                place[id(source.reader)],
                source.reader.streams[source.stream].buffer,
                source.cpu,
                source.buffer,
            )
            for source in sources
        ]
        parts = [
            _lowlevel.PerfettoMachine(
                m.trace._metadata,
                m.trace._reader.symbols,
                m.number,
                m.sequence,
                fullest_buffers(m.trace),
            )
            for m in self.machines
        ]
        with (
            contextlib.closing(_lowlevel.Perfetto(parts, rows)) as perfetto,
            contextlib.closing(make_walk(request, request.start, request.end)) as walk,
        ):
            begun = False
            for packets in watch(request, walk, lambda: perfetto.next(walk)):
                if not begun:
                    self._describe(perfetto.records()[1])
                    begun = True
                self.out.write(packets)
            if not begun:
                self._describe(self.selection.start)
            for number, machine in enumerate(self.machines):
                if steps := perfetto.steps_back(number):
                    self.warnings.append(
                        f"{machine.called}: time steps back {steps} times; "
                        "its records are drawn by time, not as they were made"
                    )
            return perfetto.records()

    def _describe(self, start: int) -> None:
        for machine in self.machines:
            self.out.put(describe(machine, start), machine.number, machine.sequence)

    def losses(self, first: int) -> None:
        """Where events were lost, machine by machine."""
        for machine in self.machines:
            found = self._losses_of(machine, first)
            self.out.put(self.tracks.losses(found), machine.number, OF_TRACKS + machine.sequence)

    def _losses_of(self, machine: Machine, first: int) -> Iterator[Loss]:
        selection = self.selection
        answer = machine.trace.losses(start=selection.start, end=selection.end, ts="uint64")
        last = machine.trace.end or first
        for values in answer.values():
            row = dict(zip(answer.column_names, values, strict=True))
            since = first if row["from"] is None else row["from"]
            until = max(since, last if row["to"] is None else row["to"])
            yield Loss(row["cpu"], since, until, row["count"], row["buffer"])

    def vcpus(self) -> None:
        """What vCPUs did, as far as they are known."""
        session = self.recording
        if isinstance(session, Trace) or not session.vcpus:
            return
        parents: dict[str, int] = {}
        rows = []
        bodies = []
        for vcpu in session.vcpus:
            if vcpu.guest not in parents:
                parents[vcpu.guest], body = self.tracks.add(f"vCPUs of {vcpu.guest}")
                bodies.append(body)
            name = f"{vcpu.guest} vCPU {vcpu.vcpu} (host thread {vcpu.host_pid})"
            track, body = self.tracks.add(name, parents[vcpu.guest])
            bodies.append(body)
            rows.append(_lowlevel.PerfettoTrack(vcpu.guest, vcpu.vcpu, track))
        self.out.put(bodies, 0, OF_SLICES)
        selection = self.selection
        timeline = Timeline(session, start=selection.start or None, end=selection.end)
        question = timeline._question(raw_values=True)
        with (
            contextlib.closing(_lowlevel.Perfetto((), ())) as perfetto,
            contextlib.closing(question.open(dictionary=False)) as analysis,
        ):
            request = Request(question.sources)
            for packets in watch(
                request, analysis, lambda: perfetto.slices(analysis, rows, OF_SLICES)
            ):
                self.out.write(packets)

    def notes(self, first: int, count: int) -> None:
        """What to know of it: what is not right first."""
        session = self.recording if isinstance(self.recording, Session) else None
        for machine in self.machines:
            self.warnings += [f"{machine.called}: {fault}" for fault in machine.faults]
        if not count:
            self.warnings.append("no records are selected: the trace is empty")
        texts = [*self.warnings]
        texts += session.notes if session and len(self.machines) > 1 else ()
        for machine in self.machines:
            texts += filter(None, [clock_note(machine)])
            texts += map(str, machine.trace.problems)
        notes = [(first, text) for text in texts]
        if len(self.machines) > 1:
            notes += filter(None, map(self._end_of, self.machines))
        self.out.put(self.tracks.notes(notes), 0, OF_TRACKS)

    def _end_of(self, machine: Machine) -> tuple[int, str] | None:
        """Where a peer's records end: what is drawn of it later is only not known to have ended."""
        end, asked = machine.trace.end, self.selection
        if end is None or end < asked.start or (asked.end is not None and end >= asked.end):
            return None
        return end, f"{machine.trace.peer}: the last of its records"


def write(
    recording: Session | Trace,
    path: str | os.PathLike[str],
    *,
    events: str | Iterable[str] | None = None,
    start: Time = None,
    end: Time = None,
    progress: Progress = None,
    warn: Callable[[str], None] | None = None,
) -> int:
    """Write a protobuf trace for Perfetto; gives the number of records in it.

    The file appears under its name when it is whole.

    Args:
        recording: a session or a single file.
        path: the file to write, ``.pftrace`` by custom; compressed if it ends with ``.gz``.
        events, start, end: which records; as for :meth:`Session.iter`.
        progress: called now and then with work done and all work, in pages.
        warn: called with what is not right about it, which the trace says as well: peers that are
            not on one clock, times that are not nanoseconds, no records at all.

    Raises:
        KeyError: no such event.
        LimitError: a record has a time or a CPU that Perfetto cannot hold; ``start`` and ``end``
            may leave it out.
    """
    selection = Selection(recording._recording, events, start=start, end=end)
    with replacing(path) as file:
        out = _Output(file, packed=Path(path).suffix.lower() == ".gz")
        export = _Export(recording, selection, out)
        count, first = export.records(progress)
        export.losses(first)
        export.vcpus()
        export.notes(first, count)
        out.close()
    if warn is not None:
        for text in export.warnings:
            warn(text)
    return count
