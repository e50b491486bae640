"""Spans between two events: what their keys and fields stand for in the files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from .. import _arguments, _lowlevel
from .._reading import Reader, Selection
from .._texts import unknown_field
from ..events import EventFormat, UnknownFieldError
from .answer import Answer, Asked, all_sources, ask

__all__ = ["Key", "make_spans"]

Key = str | tuple[str, str]  # a name of both sides, or of each its own

_OWN = {"start", "end", "duration", "self", "cpu", "pid", "lost", "buffer", "peer"}


def make_spans(
    readers: Sequence[Reader],
    selection: Selection,
    asked: Asked,
    events: tuple[str, str],
    key: Key | Iterable[Key],
    fields: Iterable[str],
    more: Sequence[_lowlevel.SpanPart] = (),
    names_by_file: Mapping[Reader, Mapping[int, str]] | None = None,
) -> Answer:
    """Do the work of :meth:`Analyses.spans`; more: fields that users cannot ask for.

    names_by_file: those of a key's values, where one of these fields is what they are called.
    """
    begin, end = _formats(readers, *events)
    keys = [key] if isinstance(key, str) else list(key)
    if not keys:
        raise ValueError("key=(); it is one name or several")
    names = _arguments.names("fields", fields) or ()
    parts = _Parts(begin, end)
    sources = all_sources(readers, selection)
    make = partial(
        _lowlevel.analyses.spans,
        begin=str(begin),
        end=str(end),
        keys=[parts.key(each) for each in keys],
        fields=[*(parts.field(name) for name in names), *more],
        names=[names_by_file[source.reader] for source in sources] if names_by_file else (),
    )
    return ask(readers, sources, selection, asked, f"{begin.name}..{end.name}", make)


def _formats(readers: Sequence[Reader], begin: str, end: str) -> tuple[EventFormat, EventFormat]:
    """The two events, of the first file that has both."""
    for reader in readers:
        first, second = reader.events.get(begin), reader.events.get(end)
        if first is not None and second is not None:
            if first.id == second.id:
                raise ValueError(f"spans: {begin} cannot begin a span and end it")
            return first, second
    if not readers:
        raise ValueError("spans of no files")
    return readers[0].events[begin], readers[0].events[end]  # raises


class _Parts:
    """Names as they were given, to fields of the events."""

    def __init__(self, begin: EventFormat, end: EventFormat) -> None:
        self._begin = begin
        self._end = end
        self._names = set(_OWN)

    def key(self, key: Key) -> _lowlevel.SpanPart:
        """What spans are told apart by."""
        if key == "cpu":
            return _lowlevel.SpanPart("cpu")
        if key in ("pid", "common_pid"):
            return _lowlevel.SpanPart("pid")
        first, second = (key, key) if isinstance(key, str) else key
        self._require(self._begin, first)
        self._require(self._end, second)
        return _lowlevel.SpanPart("field", self._name(self._begin, first), first, second)

    def field(self, name: str) -> _lowlevel.SpanPart:
        """A field of one of the events, ``"ret"`` or ``"irq_handler_exit.ret"``."""
        event, dot, field = name.rpartition(".")
        sides = (("begin", self._begin), ("end", self._end))
        for kind, form in sides:
            if dot and event not in (form.name, str(form)):
                continue
            if field in form.fields:
                return _lowlevel.SpanPart(kind, self._name(form, field), field, field)
        known = [*self._begin.fields, *self._end.fields]
        raise UnknownFieldError(unknown_field("field", name, known))

    def _require(self, form: EventFormat, name: str) -> None:
        if name not in form.fields:
            raise UnknownFieldError(unknown_field(f"field of {form}", name, list(form.fields)))

    def _name(self, form: EventFormat, field: str) -> str:
        """Of its column: the field's, or where that is taken with the event in front."""
        name = field if field not in self._names else f"{form.name}.{field}"
        self._names.add(name)
        return name
