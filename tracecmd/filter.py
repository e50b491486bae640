"""trace-cmd's filter language: trace-cmd-report(1), -F."""

from __future__ import annotations

from . import _lowlevel, _records, errors

__all__ = ["FilterError", "compile_filter"]


class FilterError(errors.TraceError, ValueError):
    """A text is not a filter, or fits no event of the file."""


def compile_filter(
    reader: _records.Reader,
    text: str,
    event_ids: bytes | None = None,
    symbols: _lowlevel.Symbols | None = None,
) -> _lowlevel.Filter:
    """Compile a filter against the event formats of one file.

    Args:
        reader: the file.
        text: ``[EVENTS:]EXPRESSION``.
        event_ids: the events it is for, where the text does not say; None for all.
        symbols: those to compare addresses with; None for the file's own.

    Raises:
        FilterError: (a ValueError) it is not a filter, or names events that the file has not.
    """
    try:
        return reader.own(_lowlevel.Filter(reader.file, reader.metadata, text, event_ids, symbols))
    except errors.TraceError:
        raise
    except ValueError as error:
        reason = str(error).removeprefix(f"{reader.path}: ")
        raise FilterError(reason, path=reader.path) from None
