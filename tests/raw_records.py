"""Records as they lie in a file, payloads included: what written files are compared by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tracecmd
from tracecmd._reading import ReadOptions, Request, Selection, choose, wanted_sources
from tracecmd._reading.records import read_batches

Row = tuple[str, str, int, int, int, int, bytes]


def raw_records(source: tracecmd.Trace | tracecmd.Session, **wanted: Any) -> list[Row]:
    """Peer, buffer, CPU, ns, event id, losses and payload of each, in the order of iter()."""
    return list(_rows(source, **wanted))


def _rows(source: tracecmd.Trace | tracecmd.Session, **wanted: Any) -> Iterator[Row]:
    selection = Selection(source._recording, wanted.pop("events", None), **wanted)
    readers = source._readers(selection)
    sources = wanted_sources(choose(readers, selection), selection.condition)
    for batch in read_batches(Request.of(readers, sources, selection, ReadOptions())):
        begin = 0
        for row, end in enumerate(batch.payload_end):
            of = sources[batch.source[row]]
            yield (
                of.reader.peer,
                of.buffer,
                of.cpu,
                batch.ts[row],
                batch.id[row],
                batch.missed_events[row],
                batch.payload[begin:end],
            )
            begin = end
