"""trace-cmd's filters of a report: -F, and -F after -v."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .. import _lowlevel
from .._reading import Reader, Source
from ..filter import FilterError, check_filters, compile_filter

__all__ = ["Filters", "filtered", "make_filters"]


class Filters(NamedTuple):
    """Filters of one file.

    Attributes:
        wanted: one of these has to let a record through, if there are any.
        unwanted: none of these may.
    """

    wanted: tuple[_lowlevel.Filter, ...] = ()
    unwanted: tuple[_lowlevel.Filter, ...] = ()


def make_filters(
    reader: Reader,
    symbols: _lowlevel.Symbols | None,
    wanted: Sequence[str],
    unwanted: Sequence[str],
) -> Filters:
    """Compile trace-cmd's filters for one file.

    Raises:
        FilterError: (a ValueError) one is not a filter, or names events that the file does not
            have.
    """

    def compile_one(text: str) -> _lowlevel.Filter:
        # Events alone, without an expression, are let through whatever they hold.
        if ":" not in text and re.search(r"[\"'=<>!&|~]", text):
            raise FilterError(f"filter: EVENTS: is expected, in front of {text}", path=reader.path)
        whole = text if ":" in text else f"{text}:common_pid>=0"
        compiled = compile_filter(reader, whole, symbols=symbols)
        check_filters([compiled])
        return compiled

    return Filters(tuple(map(compile_one, wanted)), tuple(map(compile_one, unwanted)))


def filtered(sources: Sequence[Source], filters: Mapping[Reader, Filters]) -> list[Source]:
    """The same streams, each with the filters of its file."""
    return [
        source._replace(
            filters=filters[source.reader].wanted, filters_out=filters[source.reader].unwanted
        )
        for source in sources
    ]
