"""Texts of files for those who take only UTF-8, and what is said of names that nothing has."""

from __future__ import annotations

import difflib
import heapq
import itertools
from collections.abc import Iterable

__all__ = ["near_names", "one_line", "unknown_field", "unknown_name", "valid_utf8"]


def valid_utf8(text: str) -> str:
    """A text of a file with U+FFFD for what is not UTF-8 in it."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def one_line(text: str) -> str:
    """A text of a file as it fits a line: no line breaks or other control characters."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


OLD_NAMES = ("pid", "comm", "flags", "preempt_count")
"""Names of fields of many events. The record's own have ``common_`` before them."""


_NAMES_LOOKED_AT = 10_000
_NAMES_COMPARED = 100
_LONGEST_NAME = 100


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """Up to three of the names that name may have been meant to be, the nearest first.

    difflib takes ten microseconds a name, and more for long ones, of which a file may have a
    million: it is asked only about those of similar length that share most letters.
    """
    if len(name) > _LONGEST_NAME:
        return []
    letters = set(name)
    similar = (
        other
        for other in itertools.islice(known, _NAMES_LOOKED_AT)
        if abs(len(other) - len(name)) <= len(name) // 2 + 1
    )
    likely = heapq.nlargest(_NAMES_COMPARED, similar, key=lambda o: len(letters.intersection(o)))
    return difflib.get_close_matches(name, likely, n=3)


def unknown_name(what: str, name: str, known: Iterable[str]) -> str:
    """Say that nothing has a name, and which names are near it."""
    near = near_names(name, known)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"no {what} is named {name!r}{hint}"


def unknown_field(what: str, name: str, known: Iterable[str]) -> str:
    """The same of a field; names that were once the record's own have others now."""
    if name in OLD_NAMES:
        return f"no {what} is named {name!r}; the record's own is 'common_{name}'"
    return unknown_name(what, name, known)
