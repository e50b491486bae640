"""trace-cmd's filter language: trace-cmd-report(1), -F."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import _lowlevel, errors

if TYPE_CHECKING:
    from ._reading import Reader

__all__ = ["FilterError", "check_filters", "compile_filter"]


class FilterError(errors.TraceError, ValueError):
    """A text is not a filter, or fits no event of the file; it says what is expected, and where."""


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
        reason = str(error).removeprefix(f"{reader.path}: ")
        raise FilterError(reason, path=reader.path) from None


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
