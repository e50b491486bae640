"""From a selection to a table: what is asked for is resolved here, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from .. import _lowlevel
from .._reading import (
    Choice,
    Reader,
    ReadOptions,
    Request,
    Selection,
    choose,
    make_filters,
    require_wall,
)
from ..events import EventFormat
from .choice import EveryField, add_symbols, choose_columns, every_field, name_addresses
from .layout import Layout
from .scan import Scan
from .table import Table

__all__ = ["make_table"]


def make_table(
    readers: Sequence[Reader], selection: Selection, layout: Layout, options: ReadOptions
) -> Table:
    """Make a table of what is selected of one file or several.

    Raises:
        KeyError: there is no such event, buffer or field.
        FilterError, ValueError: the filter does not fit; or fields of one name no one type.
    """
    if not readers:
        raise ValueError("a table of no peers")
    choice = choose(readers, selection)
    everywhere = choice.formats
    formats = _distinct(everywhere)
    columns = choose_columns(everywhere, formats, layout.columns)
    if layout.symbols:
        columns = name_addresses(columns, everywhere)
    filters = make_filters(choice, selection.condition)
    sources = choice.sources()
    if selection.condition is not None:
        sources = [source for source in sources if id(source.reader) in filters]
    if layout.ts == "wall":
        require_wall(sources)
    scan = Scan(
        Request.of(readers, sources, selection, options),
        add_symbols(columns, everywhere),
        filters,
        layout.ts,
        layout.invalid_utf8 == "binary",
        layout.dictionary,
        () if sources else _without_records(choice),
    )
    if len(formats) == 1 or layout.columns is not None:
        return Table(scan, str(formats[0]) if len(formats) == 1 else f"events={len(formats)}")
    return Table(scan, f"events={len(formats)}", partial(_every_field, everywhere, layout))


def _every_field(everywhere: Sequence[EventFormat], layout: Layout) -> EveryField:
    every = every_field(everywhere, symbols=layout.symbols)
    return every._replace(columns=list(add_symbols(every.columns, everywhere)))


def _without_records(choice: Choice) -> tuple[_lowlevel.WalkSource, ...]:
    """What columns are made of where no CPU has records: the events asked for, of each file."""
    return tuple(_lowlevel.WalkSource(file.reader.data, 0, file.event_ids) for file in choice.files)


def _distinct(events: Iterable[EventFormat]) -> list[EventFormat]:
    """One for each name even if several files have it."""
    named: dict[str, EventFormat] = {}
    for event in events:
        named.setdefault(str(event), event)
    return list(named.values())
