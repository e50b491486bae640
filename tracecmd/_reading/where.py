"""The filter of a selection, compiled for each of its files."""

from __future__ import annotations

from collections.abc import Iterable

from .. import _lowlevel
from .._texts import unknown_field
from ..event import RECORD_NAMES
from ..events import UnknownFieldError
from ..filter import Filter, FilterError, check_filters, compile_filter
from .sources import Choice, Source

__all__ = ["make_filters", "wanted_sources"]


def wanted_sources(choice: Choice, where: str | Filter | None) -> list[Source]:
    """The streams of a choice, each with the filter; those that it lets nothing through of are out.

    Raises:
        FilterError, UnknownFieldError: as :func:`make_filters` does.
    """
    if where is None:
        return choice.sources()
    filters = make_filters(choice, where)
    return [
        source._replace(filters=(filters[id(source.reader)],))
        for source in choice.sources()
        if id(source.reader) in filters
    ]


def make_filters(choice: Choice, where: str | Filter | None) -> dict[int, _lowlevel.Filter]:
    """A filter for each file that something can pass in, by id() of its reader.

    One file at least has to have the events that a text names, and a name in it has to be a field
    of some event in one of them.

    Raises:
        FilterError: it cannot be read, or compares what cannot be compared.
        UnknownFieldError: no event that is asked for has a field of such a name.
    """
    if where is None:
        return {}
    whole = Filter(where) if isinstance(where, str) else where
    leaves = {leaf: _make_one(choice, leaf) for leaf in whole.leaves()}
    if whole in leaves:
        return leaves[whole]
    return {
        number: whole.build(
            file.reader, {leaf: made[number] for leaf, made in leaves.items() if number in made}
        )
        for file in choice.files
        for number in [id(file.reader)]
    }


def _make_one(choice: Choice, leaf: Filter) -> dict[int, _lowlevel.Filter]:
    """The same of a filter that is one text, for each file that has the events in it."""
    filters: dict[int, _lowlevel.Filter] = {}
    unknown: set[str] | None = None
    failure: FilterError | None = None
    for file in choice.files:
        try:
            compiled = compile_filter(file.reader, str(leaf), file.event_ids, strict=True)
        except FilterError as error:
            failure = failure or error
            continue
        filters[id(file.reader)] = compiled
        missing = set(compiled.unknown())
        unknown = missing if unknown is None else unknown & missing
    if failure and not filters:
        raise failure
    check_filters(list(filters.values()))
    if unknown:
        known = dict.fromkeys(name for event in choice.formats for name in event.fields)
        name = sorted(unknown)[0]
        raise UnknownFieldError(
            unknown_field("field for the filter", name, [*known, "COMM", "CPU"])
        )
    _refuse_two_meanings(filters.values())
    return filters


def _refuse_two_meanings(filters: Iterable[_lowlevel.Filter]) -> None:
    """A column by such a name is the record's own, but trace-cmd compares an event's field."""
    for name in (name for each in filters for name in each.own_fields() if name in RECORD_NAMES):
        hint = "CPU for the record's, " if name == "cpu" else ""
        raise FilterError(
            f"filter: {name} is the record's own as well as a field of some event: "
            f"ask for {hint}EVENT.{name} for the field"
        )
