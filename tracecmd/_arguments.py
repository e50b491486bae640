"""What callers may ask for: arguments are looked at once, and an error names its argument."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from ._times import nanoseconds

__all__ = [
    "TIME_LIMIT",
    "Window",
    "common_window",
    "function",
    "is_pid",
    "names",
    "number",
    "numbers",
    "pids",
    "whole",
    "window",
]

F = TypeVar("F", bound=Callable[..., Any])

TIME_LIMIT = 1 << 64  # of time stamps in ns

Window = tuple[int, "int | None"]  # in ns, start <= ts < end; an end of None is no bound


def whole(name: str, value: object) -> int:
    """A whole number.

    Raises:
        TypeError: it is not one.
    """
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name}={value!r}; it is a whole number") from None


def number(name: str, value: object, least: int, most: int) -> int:
    """A whole number between two others.

    Raises:
        TypeError: it is not one.
        ValueError: it is too small or too large.
    """
    given = whole(name, value)
    if not least <= given <= most:
        raise ValueError(f"{name}={given}; it is a number from {least} to {most}")
    return given


def function(name: str, value: F) -> F:
    """What can be called.

    Raises:
        TypeError: it cannot.
    """
    if not callable(value):
        raise TypeError(f"{name}={value!r}; it is a function")
    return value


def window(start: object, end: object) -> Window:
    """Times in ns, None for no bound; what is beyond all time stamps bounds nothing, or all.

    Raises:
        TypeError, ValueError: one is not a time; :func:`~tracecmd._times.nanoseconds` says why.
    """
    first = 0 if start is None else max(nanoseconds("start", start), 0)
    last = None if end is None else max(nanoseconds("end", end), 0)
    if first >= TIME_LIMIT:
        return 0, 0
    return first, None if last is None or last >= TIME_LIMIT else last


def common_window(one: Window, other: Window) -> Window:
    """What lies in both windows."""
    ends = [end for _, end in (one, other) if end is not None]
    return max(one[0], other[0]), min(ends, default=None)


def numbers(name: str, value: object) -> frozenset[int] | None:
    """A whole number or several; None for all.

    Raises:
        TypeError: it is something else.
    """
    if value is None:
        return None
    if not isinstance(value, Iterable) or isinstance(value, str | bytes):
        return frozenset([whole(name, value)])
    return frozenset(whole(name, each) for each in value)


def is_pid(number: int) -> bool:
    """Whether a record can have it: tasks are numbered in 32 bits."""
    return -(1 << 31) <= number < 1 << 31


def pids(value: object) -> tuple[int, ...] | None:
    """Numbers of tasks, rising; None for all. Those that no record can have select none."""
    wanted = numbers("pids", value)
    return None if wanted is None else tuple(sorted(filter(is_pid, wanted)))


def names(name: str, value: object) -> tuple[str, ...] | None:
    """A name or several, in their order; None for all.

    Raises:
        TypeError: it is something else.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return (value,)
    texts: list[str] = []
    for each in value if isinstance(value, Iterable) else [value]:
        if not isinstance(each, str):
            raise TypeError(f"{name}={value!r}; it is a name, or several")
        texts.append(each)
    return tuple(texts)
