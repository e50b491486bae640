"""trace-cmd's filter language: trace-cmd-report(1), -F."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from . import _lowlevel, errors

if TYPE_CHECKING:
    from ._reading import Reader
    from .event import Event

__all__ = ["Filter", "FilterError", "check_filters", "compile_filter"]


class FilterError(errors.TraceError, ValueError):
    """A text is not a filter, or fits no event of the file; it says what is expected, and where."""


DEPTH_MAX = 100  # Python goes down through them


class NoEventError(FilterError):
    """It names events that the file does not have."""


class Filter:
    """A condition on records, wherever ``where=`` is taken, and for single events.

    Filters combine: ``a & b`` lets through what both do, ``a | b`` what one of them does, and
    ``~a`` what a does not, records of other events included. Each keeps the events that it names
    for itself, which one text cannot say. They are values of no file in particular: equal if they
    are written alike, and they can be pickled.

        >>> to_18 = tracecmd.Filter("sched_switch: next_pid == 18")
        >>> woken = tracecmd.Filter("sched_waking: pid == 18")
        >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
        ...     both = list(trace.iter(where=to_18 | woken))
        ...     alone = trace.at(0, "sched:*", where=~to_18 & ~woken)
        ...     len(both), to_18.matches(both[0]), woken.matches(both[0]), woken.matches(alone)
        (10, False, True, False)

    Args:
        text: in the language of ``trace-cmd report -F``; see :meth:`Trace.table`. It is looked at
            when a file is: what it means depends on the file's events.

    Raises:
        TypeError: text is not a text.
        ValueError: it would be joined of others more than 100 deep.
    """

    __slots__ = (
        "__weakref__",
        "_compiled",
        "_depth",
        "_hash",
        "_how",
        "_leaves",
        "_parts",
        "_text",
    )

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"text={text!r}; it is a text")
        self._set("text", text, ())

    def _set(self, how: _How, text: str, parts: tuple[Filter, ...]) -> None:
        self._how: _How = how
        self._text = text
        self._parts = parts
        # Of its parts, so that nothing goes down through all of them: one may be in there often.
        self._depth: int = max((part._depth for part in parts), default=0) + (how != "text")
        if self._depth > DEPTH_MAX:
            raise ValueError(f"filters are joined more than {DEPTH_MAX} deep")
        self._hash = hash((how, text, parts))
        self._leaves = tuple(dict.fromkeys(leaf for part in parts for leaf in part.leaves()))
        # What matches() needs, as long as the files are there.
        self._compiled: weakref.WeakKeyDictionary[Reader, _lowlevel.Filter]
        self._compiled = weakref.WeakKeyDictionary()

    @classmethod
    def _join(cls, how: _How, *parts: Filter) -> Filter:
        joined = cls.__new__(cls)
        flat: list[Filter] = []
        for part in parts:
            flat += part._parts if part._how == how != "none" else [part]
        joined._set(how, "", tuple(flat))
        return joined

    def __and__(self, other: Filter) -> Filter:
        return self._join("all", self, other) if isinstance(other, Filter) else NotImplemented

    def __or__(self, other: Filter) -> Filter:
        return self._join("any", self, other) if isinstance(other, Filter) else NotImplemented

    def __invert__(self) -> Filter:
        return self._parts[0] if self._how == "none" else self._join("none", self)

    def matches(self, event: Event) -> bool:
        """Whether it lets a single event through.

        A name that the event's file does not know is no fault here, as the filter may be for
        others: what is compared with it is false.

        Raises:
            FilterError: (a ValueError) it is not a filter, or compares what cannot be compared in
                any event of the file.
            ClosedError: the trace was closed.
        """
        reader = event._batch.reader_of(event._index)
        compiled = self._compiled.get(reader)
        if compiled is None:
            compiled = self._compiled.setdefault(reader, self._compile(reader))
        return compiled.passes(event.id, event.raw, event.cpu)

    def _compile(self, reader: Reader) -> _lowlevel.Filter:
        known: dict[Filter, _lowlevel.Filter] = {}
        for leaf in self.leaves():
            try:
                known[leaf] = compile_filter(reader, leaf._text, strict=True)
            except NoEventError:
                continue
            check_filters([known[leaf]])
        return self.build(reader, known)

    def leaves(self) -> tuple[Filter, ...]:
        """The filters of one text each that it is made of."""
        return (self,) if self._how == "text" else self._leaves

    def build(self, reader: Reader, leaves: Mapping[Filter, _lowlevel.Filter]) -> _lowlevel.Filter:
        """Make it for one file of its leaves; those that are missing let nothing through."""
        if self._how == "text" and self in leaves:
            return leaves[self]
        known = [leaf for leaf in self.leaves() if leaf in leaves]
        numbers = {leaf: number for number, leaf in enumerate(known)}
        steps: list[_lowlevel.FilterStep] = []
        self._add_steps(numbers, steps, len(known))
        filters = [leaves[leaf] for leaf in known]
        return reader.own(_lowlevel.JoinedFilter(reader.path, filters, steps))

    def _add_steps(
        self, numbers: dict[Filter, int], steps: list[_lowlevel.FilterStep], first: int
    ) -> int:
        """Put it behind its parts, each once; gives its number."""
        if self not in numbers:
            how = "any" if self._how == "text" else self._how
            parts = [part._add_steps(numbers, steps, first) for part in self._parts]
            numbers[self] = first + len(steps)
            steps.append(_lowlevel.FilterStep(how, parts))
        return numbers[self]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Filter):
            return NotImplemented
        return self is other or _equal(self, other)

    def __hash__(self) -> int:
        return self._hash

    def _key(self) -> tuple[str, str, tuple[Filter, ...]]:
        return self._how, self._text, self._parts

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return _made, self._key()

    def __str__(self) -> str:
        if self._how == "text":
            return self._text
        if self._how == "none":
            return f"!({self._parts[0]})"
        return (" && " if self._how == "all" else " || ").join(f"({part})" for part in self._parts)

    def __repr__(self) -> str:
        if self._how == "text":
            return f"Filter({self._text!r})"
        if self._how == "none":
            return f"~{self._parts[0]._grouped()}"
        sign = " & " if self._how == "all" else " | "
        return sign.join(part._grouped() for part in self._parts)

    def _grouped(self) -> str:
        return f"({self!r})" if self._how in ("all", "any") else repr(self)


_How = Literal["text", "all", "any", "none"]


def _equal(one: Filter, other: Filter) -> bool:
    """Whether two are written alike; what is a part in many places is compared once."""
    pairs, seen = [(one, other)], set()
    while pairs:
        a, b = pairs.pop()
        if a is b or (id(a), id(b)) in seen:
            continue
        seen.add((id(a), id(b)))
        if (a._hash, a._how, a._text) != (b._hash, b._how, b._text):
            return False
        if len(a._parts) != len(b._parts):
            return False
        pairs += zip(a._parts, b._parts, strict=True)
    return True


def _made(how: _How, text: str, parts: tuple[Filter, ...]) -> Filter:
    """The filter of a :meth:`Filter._key`."""
    made = Filter.__new__(Filter)
    made._set(how, text, parts)
    return made


def compile_filter(
    reader: Reader,
    text: str,
    event_ids: bytes | None = None,
    symbols: _lowlevel.Symbols | None = None,
    *,
    strict: bool = False,
) -> _lowlevel.Filter:
    """Compile a filter against the event formats of one file; check_filters() is to follow.

    Args:
        reader: the file.
        text: ``[EVENTS:]EXPRESSION``.
        event_ids: the events it is for, where the text does not say; None for all.
        symbols: those to compare addresses with; None for the file's own.
        strict: refuse what trace-cmd takes otherwise than it reads: ``&&`` and ``||`` side by side
            without parentheses, and numbers compared with their digits as text, ``'0x12'``.

    Raises:
        FilterError: (a ValueError) it is not a filter, or names events that the file does not have.
    """
    try:
        return reader.own(
            _lowlevel.Filter(reader.file, reader.metadata, text, event_ids, symbols, strict=strict)
        )
    except errors.TraceError:
        raise
    except ValueError as error:
        kind = NoEventError if isinstance(error, _lowlevel.NotFoundError) else FilterError
        reason = str(error).removeprefix(f"{reader.path}: ")
        raise kind(reason, path=reader.path) from None


def check_filters(filters: Sequence[_lowlevel.Filter]) -> None:
    """Check what is compared by a filter, compiled for one file or several.

    An event of one of them is enough that a comparison can be made.

    Raises:
        FilterError: a comparison can be made in no event: it would select nothing.
    """
    checked = [(compiled, compiled.comparisons()) for compiled in filters]
    for index in range(max((len(comparisons) for _, comparisons in checked), default=0)):
        # A file without events has no comparisons.
        seen = [(compiled, *comparisons[index]) for compiled, comparisons in checked if comparisons]
        if any(fits for _, fits, _ in seen):
            continue
        for compiled, _, fault in seen:
            if fault is not None:
                raise FilterError(fault, path=compiled.path)
