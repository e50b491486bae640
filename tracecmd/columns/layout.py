"""What the columns of a table are to be: which, and of what types."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from .. import _arguments
from .._lowlevel import Times

__all__ = ["Layout", "Times", "check_times"]


def _check_choice(name: str, value: str, first: str, second: str) -> None:
    if value not in (first, second):
        raise ValueError(f"{name}={value!r}; it is {first!r} or {second!r}")


def check_times(ts: Times) -> None:
    """Raise ValueError for what columns of times cannot be."""
    if ts not in get_args(Times):
        raise ValueError(f"ts={ts!r}; it is one of {', '.join(map(repr, get_args(Times)))}")


@dataclass(frozen=True, slots=True, init=False)
class Layout:
    """Which columns, and of what types: plain values, as a selection has them.

    Attributes:
        columns: their names; None for the usual ones.
        ts: type of the column ``ts``, all in ns: ``"timestamp"``, ``"duration"``, ``"uint64"``, or
            ``"wall"``, which is a timestamp of UTC.
        invalid_utf8: whether to ``"replace"`` what is not UTF-8, or give texts as ``"binary"``.
        dictionary: whether texts of fixed length are dictionaries.
        symbols: whether columns of addresses have ones with the names of their symbols beside them.

    Raises:
        TypeError, ValueError: one of them cannot be what it is; the message names it.
    """

    columns: tuple[str, ...] | None
    ts: Times
    invalid_utf8: Literal["replace", "binary"]
    dictionary: bool
    symbols: bool

    def __init__(
        self,
        columns: Iterable[str] | None = None,
        *,
        ts: Times = "timestamp",
        invalid_utf8: Literal["replace", "binary"] = "replace",
        dictionary: bool = True,
        symbols: bool = False,
        wall: bool = False,
    ) -> None:
        if wall and ts not in ("timestamp", "wall"):
            raise ValueError(f"ts={ts!r}, wall=True; wall time is a timestamp")
        ts = "wall" if wall else ts
        check_times(ts)
        _check_choice("invalid_utf8", invalid_utf8, "replace", "binary")
        if isinstance(columns, str):
            raise TypeError("columns is a list of names, not a name")
        object.__setattr__(self, "columns", _arguments.names("columns", columns))
        object.__setattr__(self, "ts", ts)
        object.__setattr__(self, "invalid_utf8", invalid_utf8)
        object.__setattr__(self, "dictionary", dictionary)
        object.__setattr__(self, "symbols", bool(symbols))
