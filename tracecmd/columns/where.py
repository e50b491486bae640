"""The filter of a table, compiled for each of its files."""

from __future__ import annotations

from collections.abc import Iterable

from .. import _lowlevel
from .._reading import Choice
from .._texts import unknown_field
from ..filter import FilterError, check_filters, compile_filter
from .choice import OWN, UnknownFieldError

__all__ = ["make_filters"]


def make_filters(choice: Choice, where: str | None) -> dict[int, _lowlevel.Filter]:
    """A filter for each file that has the events in it, by id() of its reader.

    One file at least has to, and a name in it has to be a field of some event in one of them.

    Raises:
        FilterError: it cannot be read, or compares what cannot be compared.
        UnknownFieldError: no event that is asked for has a field of such a name.
    """
    if where is None:
        return {}
    filters: dict[int, _lowlevel.Filter] = {}
    unknown: set[str] | None = None
    failure: FilterError | None = None
    for file in choice.files:
        try:
            compiled = compile_filter(file.reader, where, file.event_ids, strict=True)
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
    for name in (name for each in filters for name in each.own_fields() if name in OWN):
        hint = "CPU for the record's, " if name == "cpu" else ""
        raise FilterError(
            f"filter: {name} is the record's own as well as a field of some event: "
            f"ask for {hint}EVENT.{name} for the field"
        )
