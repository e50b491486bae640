"""Texts of events that functions of Python make, in the lines of a report.

The core leaves them out and says where; they are put in as the lines are given on, by whoever
reads the report, in its order, however many threads wrote the lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .. import _lowlevel
from .._reading import EventBatch, Reader, Source
from ..event import Event
from ..text_makers import TextMakers, text_of

__all__ = ["put_texts"]


def put_texts(
    report: _lowlevel.Report,
    lines: memoryview,
    sources: Sequence[Source],
    makers: Mapping[Reader, TextMakers],
) -> memoryview:
    """The lines that a report gave last, with what was left out of them.

    Raises:
        TypeError: a function gave what is not a text; and whatever one raised.
    """
    left = report.left_out()
    if left is None:
        return lines
    places, rows = left
    batch = EventBatch(rows, sources)
    pieces: list[bytes | memoryview] = []
    done = 0
    for index, place in enumerate(places):
        pieces += lines[done:place], _text(report, batch, index, makers)
        done = place
    pieces.append(lines[done:])
    return memoryview(b"".join(pieces))


def _text(
    report: _lowlevel.Report, batch: EventBatch, index: int, makers: Mapping[Reader, TextMakers]
) -> bytes:
    rows = batch.rows
    source = batch.sources[rows.source[index]]
    made = makers[source.reader]
    event = Event(
        rows.ts[index],
        source.cpu,
        rows.pid[index],
        rows.id[index],
        rows.missed_events[index],
        batch,
        index,
    )
    form = event.format
    function = None if form is None else made.texts.get(form.place)
    if function is not None:
        return text_of(function, event).encode(errors="surrogateescape")
    text = made.print(report, event.raw, rows.source[index], event.ts)
    return (text or b"").removesuffix(b"\n")
