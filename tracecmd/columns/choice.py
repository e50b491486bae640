"""Which columns a table has, by the names that are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .. import _lowlevel
from .._texts import unknown_field, valid_utf8
from ..event import RECORD_NAMES
from ..events import EventFormat, UnknownFieldError

__all__ = [
    "OWN",
    "EveryField",
    "add_symbols",
    "choose_columns",
    "every_field",
    "name_addresses",
    "usual_names",
]

OWN = {name: name.removeprefix("common_") for name in RECORD_NAMES}
"""The columns that are the record's own, and of what kind each is for the core."""
SYMBOL = "_symbol"
"""What the name of a column of addresses gets for that of the symbols they are in."""
USUAL = ("ts", "cpu", "common_pid", "common_comm", "common_flags", "common_preempt_count")


def _own(name: str) -> _lowlevel.Column:
    return _lowlevel.Column(name, OWN[name])


def _having(column: _lowlevel.Column, events: Iterable[EventFormat]) -> list[EventFormat]:
    """The events that a column of a field is of."""
    return [e for e in events if e.has_field(column.field) and column.event in ("", str(e))]


def _of_symbols(
    column: _lowlevel.Column, events: Iterable[EventFormat], name: str
) -> _lowlevel.Column | None:
    """The column of names for one of addresses; None: some event has other things there."""
    having = _having(column, events)
    if column.kind != "field" or not all(column.field in e.symbol_fields for e in having):
        return None
    return _lowlevel.Column(name, "symbol", column.field, event=column.event)


def name_addresses(
    columns: Sequence[_lowlevel.Column], events: Sequence[EventFormat]
) -> list[_lowlevel.Column]:
    """Put the names of symbols behind the addresses that are in them, unless they are there."""
    taken = {column.name for column in columns}
    named = []
    for column in columns:
        named.append(column)
        name = column.name + SYMBOL
        if name not in taken and (symbols := _of_symbols(column, events, name)):
            named.append(symbols)
    return named


def _resolve_symbols(
    everywhere: Sequence[EventFormat], events: Sequence[EventFormat], name: str
) -> _lowlevel.Column | None:
    """The column of names by its own name, "ip_symbol"; None if it is not such a name."""
    base = name.removesuffix(SYMBOL)
    if base == name:
        return None
    try:
        column = _resolve(everywhere, events, base)
    except UnknownFieldError:
        return None
    return _of_symbols(column, everywhere, name)


def _resolve(
    everywhere: Sequence[EventFormat], events: Sequence[EventFormat], name: str
) -> _lowlevel.Column:
    """The column of a name: the record's own, or a field of all events that have it, or of one."""
    if name in OWN:
        return _own(name)
    for event in events:
        if event.has_field(name):
            return _lowlevel.Column(name, "field", name)
    for event in events:
        field = event.qualified(name)
        if field is not None:
            return _lowlevel.Column(name, "field", field.name, event=str(event))
    symbols = _resolve_symbols(everywhere, events, name)
    if symbols is not None:
        return symbols
    known = dict.fromkeys(field for event in events for field in event.fields)
    what = f"column of {events[0] if len(events) == 1 else 'these events'}"
    raise UnknownFieldError(unknown_field(what, name, [*OWN, *known]))


def _shared_fields(events: Sequence[EventFormat]) -> list[str]:
    """Names of the fields that all events have, declared alike, in the order of the first."""
    if not events:
        return []
    shared = {name: (f.type, f.size, f.is_signed) for name, f in events[0].fields.items()}
    for event in events[1:]:
        fields = event.fields
        shared = {
            name: declared
            for name, declared in shared.items()
            if (f := fields.get(name)) and (f.type, f.size, f.is_signed) == declared
        }
        if not shared:
            break
    return [name for name in shared if name not in OWN]


def _own_name(event: EventFormat, field: str) -> str:
    """What a field's column is called where it is the event's alone: longer, if the record has one
    by its name."""
    return f"{event.name}.{field}" if field in OWN else field


def _usual_columns(events: Sequence[EventFormat]) -> list[_lowlevel.Column]:
    """The record's own, then the fields; those by a name of the record's own under a longer one."""
    columns = [_own(name) for name in USUAL]
    if len(events) != 1:
        shared = _shared_fields(events)
        return [*columns, _own("event"), *(_lowlevel.Column(n, "field", n) for n in shared)]
    event = events[0]
    for name in event.fields:
        of_event = str(event) if name in OWN else ""
        columns.append(_lowlevel.Column(_own_name(event, name), "field", name, event=of_event))
    return columns


def usual_names(event: EventFormat, *, symbols: bool) -> list[str]:
    """What the columns of an event's table are called."""
    columns = _usual_columns([event])
    return [column.name for column in (name_addresses(columns, [event]) if symbols else columns)]


class EveryField(NamedTuple):
    """The columns of a table with every field of its events, each in a column of its own.

    Attributes:
        columns: the record's own, ``event`` and ``system`` among them, then the events'.
        names: by event the names of its columns, and what they are called in a table of it alone.
    """

    columns: list[_lowlevel.Column]
    names: dict[str, dict[str, str]]


def every_field(everywhere: Sequence[EventFormat], *, symbols: bool) -> EveryField:
    """Give every field of every event a column, as each file has them."""
    columns = [_own(name) for name in (*USUAL, "event", "system")]
    names: dict[str, dict[str, str]] = {}
    for event in everywhere:
        of_event = names.setdefault(str(event), {})
        fresh = [
            _lowlevel.Column(longer, "field", field, event=str(event))
            for field in event.fields
            if (longer := f"{event}.{field}") not in of_event
        ]
        if symbols:
            fresh = name_addresses(fresh, everywhere)
        columns += fresh
        for column in fresh:
            added = column.name.removeprefix(f"{event}.{column.field}")  # SYMBOL or nothing
            of_event[column.name] = _own_name(event, column.field) + added
    return EveryField(columns, names)


def choose_columns(
    everywhere: Sequence[EventFormat],
    events: Sequence[EventFormat],
    wanted: Sequence[str] | None,
) -> list[_lowlevel.Column]:
    """The columns of a table: those asked for by name, or the usual ones.

    everywhere: the events as each file has them; events: one for each name.

    Raises:
        UnknownFieldError: none of the events has a field of one of the names, or one occurs twice.
    """
    if wanted is None:
        return _usual_columns(events)
    columns = [_resolve(everywhere, events, name) for name in wanted]
    if len(set(wanted)) < len(wanted):
        raise UnknownFieldError("columns: a name occurs twice")
    return columns


def add_symbols(
    columns: Sequence[_lowlevel.Column], events: Sequence[EventFormat]
) -> tuple[_lowlevel.Column, ...]:
    """Add the names of values, where all events that have the field give them alike."""
    named = []
    for column in columns:
        name = column.field
        having = [
            event for event in events if name in event.fields and column.event in ("", str(event))
        ]
        tables = [event.symbols.get(name) for event in having]
        same = tables and tables[0] and all(table == tables[0] for table in tables)
        if same:
            texts = {value: valid_utf8(text) for value, text in (tables[0] or {}).items()}
            named.append(column._replace(symbols=json.dumps(texts)))
        else:
            named.append(column)
    return tuple(named)
