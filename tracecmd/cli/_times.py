"""Times on the command line."""

from __future__ import annotations

from .. import _times

__all__ = ["UsageError", "nanoseconds"]


class UsageError(Exception):
    """What is asked for does not fit together."""


def nanoseconds(text: str | None) -> int | None:
    """Read a time: as in Python, but a number without a unit is one of seconds."""
    if text is None:
        return None
    try:
        return _times.of_text(text, unit="s")
    except ValueError as error:
        raise UsageError(f"{text}: {error}") from None
