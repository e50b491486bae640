"""Times on the command line."""

from __future__ import annotations

import argparse
from typing import Any

from .. import _times
from .._readable import Readable
from ._common import warn

__all__ = ["TIME", "UsageError", "add_window", "nanoseconds", "warn_outside", "window_of"]

TIME = "seconds, or with a unit: 20ms, 3us, 17ns"
"""What a time may be, for help texts."""


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


def add_window(parser: Any, what: str = "") -> None:
    """Add the options that say of which times; what: of what they are."""
    parser.add_argument("--start", metavar="TIME", help=f"first time{what}: {TIME}")
    parser.add_argument("--end", metavar="TIME", help="first time that is not wanted")


def window_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """What these options say.

    Raises:
        UsageError: one is not a time.
    """
    return {"start": nanoseconds(arguments.start), "end": nanoseconds(arguments.end)}


def warn_outside(recording: Readable, name: str, start: int | None, end: int | None) -> None:
    """Say so if no record of a file or session can lie in a window: there is nothing to show."""
    if start is None and end is None:
        return
    first, last = recording.start, recording.end
    if first is None or last is None:
        return
    begin, stop = start or 0, last + 1 if end is None else end
    if max(begin, first) < min(stop, last + 1):
        return
    asked = " ".join(
        f"{word} {_times.seconds(ns)}"
        for word, ns in (("from", start), ("to", end))
        if ns is not None
    )
    warn(
        f"{name}: has no records {asked}, but from {_times.seconds(first)} to "
        f"{_times.seconds(last)}"
    )
