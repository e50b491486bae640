"""What a query asks of single columns, and the selection that this narrows.

A query engine applies its whole filter to what comes out. So a condition may be left out here, and
one that is used may let through more than it says, but never less.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from .._reading import Selection
from ..filter import Filter

__all__ = ["OPERATORS", "Condition", "How", "Places", "narrow"]

How = Literal["==", "!=", "<", "<=", ">", ">=", "in"]

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

MOST_VALUES = 64  # of an "in" that becomes a filter of so many comparisons
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?", re.ASCII)
_TEXT = re.compile(r"[A-Za-z_][\w/:.@+-]*( [\w/:.@+-]+)*", re.ASCII)
_UNSIGNED, _SIGNED = ("C", "S", "I", "L"), ("c", "s", "i", "l")


class Condition(NamedTuple):
    """What a value of a column has to fulfil; null never does.

    Attributes:
        column: its name.
        how: how it is compared.
        values: with what: one value, or of ``"in"`` any number; integers, times in ns, or texts.
    """

    column: str
    how: How
    values: tuple[int | str, ...]

    def holds(self, value: int | str) -> bool:
        """Whether a value fulfils it."""
        if self.how == "in":
            return value in self.values
        try:
            return bool(OPERATORS[self.how](value, self.values[0]))
        except TypeError:  # a text and a number: the engine knows what it means by that
            return True


class Places(NamedTuple):
    """Which streams there are to choose from.

    Attributes:
        cpus, buffers, peers: their numbers and names.
        early: says whether all times are such that a signed number holds them.
    """

    cpus: frozenset[int]
    buffers: tuple[str, ...]
    peers: tuple[str, ...]
    early: Callable[[], bool]


def narrow(
    selection: Selection,
    conditions: Sequence[Condition],
    forms: Mapping[str, str],
    places: Places,
    *,
    losses: bool = False,
) -> Selection:
    """The part of a selection in which conditions can hold.

    Args:
        selection: what is selected.
        conditions: what all of its rows have to fulfil.
        forms: Arrow's format strings of its columns by name.
        places: the streams that it is of.
        losses: keep all records of a stream that what was lost before one is counted from.
    """
    filters: list[str] = []
    signed = forms.get("ts") != "L"
    selection = _in_time(
        selection,
        [condition for condition in conditions if condition.column == "ts"],
        places.early if signed else None,
        losses=losses,
    )
    for condition in conditions:
        name = condition.column
        if name == "ts":
            continue
        if name == "cpu":
            selection = selection.replace(cpus=_kept(selection.cpus, places.cpus, condition))
        elif name == "buffer":
            selection = selection.replace(
                buffers=_kept_names(selection.buffers, places.buffers, condition)
            )
        elif name == "peer":
            selection = selection.replace(
                peers=_kept_names(selection.peers, places.peers, condition)
            )
        elif losses:
            continue
        elif name == "common_pid" and condition.how in ("==", "in"):
            pids = frozenset(each for each in condition.values if isinstance(each, int))
            known = pids if selection.pids is None else pids.intersection(selection.pids)
            selection = selection.replace(pids=known)
        elif text := _filter_text(condition, forms.get(name, "")):
            filters.append(text)
    if not filters:
        return selection
    where = Filter(" && ".join(filters))
    before = selection.where
    if before is not None:
        where = (Filter(before) if isinstance(before, str) else before) & where
    return selection.replace(where=where)


def _in_time(
    selection: Selection,
    conditions: Sequence[Condition],
    early: Callable[[], bool] | None,
    *,
    losses: bool,
) -> Selection:
    """Narrow the window. A first row's losses are told from the beginning of its stream on.

    A column of times shows those that are too late for a signed number as negative ones, which are
    less than all others there. So an end alone is one only where there are none of them.
    """
    start, end = -_SIGNED_END, None
    for condition in conditions:
        first, last = _bounds(condition)
        start = start if first is None else max(start, first)
        end = last if end is None else end if last is None else min(end, last)
    if (start, end) == (-_SIGNED_END, None) or (start < 0 and early is not None and not early()):
        return selection
    return selection.between(
        None if losses else start, None if losses and selection.reverse else end
    )


_SIGNED_END = 1 << 63


def _bounds(condition: Condition) -> tuple[int | None, int | None]:
    """The times that it is about, ``first <= ts < end``; None for no bound."""
    values = [each for each in condition.values if isinstance(each, int)]
    if not values:
        return None, None
    first, last = min(values), max(values)
    if condition.how in ("==", "in"):
        return first, last + 1
    if condition.how in (">", ">="):
        return first + (condition.how == ">"), None
    if condition.how in ("<", "<="):
        return None, last + (condition.how == "<=")
    return None, None


def _kept(
    asked: frozenset[int] | None, known: frozenset[int], condition: Condition
) -> frozenset[int]:
    return frozenset(each for each in (known if asked is None else asked) if condition.holds(each))


def _kept_names(
    asked: tuple[str, ...] | None, known: tuple[str, ...], condition: Condition
) -> tuple[str, ...]:
    return tuple(each for each in (known if asked is None else asked) if condition.holds(each))


def _filter_text(condition: Condition, form: str) -> str | None:
    """The condition in the filters' language; None where that would not mean the same."""
    if not _NAME.fullmatch(condition.column) or condition.column.isupper():
        return None  # upper case: COMM, CPU
    how, values = condition.how, condition.values
    if how == "in":
        how = "=="
    if not 0 < len(values) <= MOST_VALUES:
        return None
    literals = []
    for value in values:
        literal = _literal(value, how, form)
        if literal is None:
            return None
        literals.append(literal)
    return "(" + " || ".join(f"{condition.column} {how} {text}" for text in literals) + ")"


def _literal(value: int | str, how: str, form: str) -> str | None:
    """A value as a filter compares it: numbers are unsigned there, of 64 bits."""
    if isinstance(value, str):
        plain = how == "==" and form == "u" and _TEXT.fullmatch(value)
        return f'"{value}"' if plain else None
    if isinstance(value, bool) or not 0 <= value < 1 << 63:
        return None
    if form in _UNSIGNED or (form in _SIGNED and how in ("==", "!=")):
        return str(value)
    return None
