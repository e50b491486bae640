"""What the commands that write trace.dat files share."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from ..events import UnknownEventError, UnknownFieldError
from ..filter import FilterError
from ..writing import parse_compression
from ._common import add_threads
from ._times import UsageError

__all__ = [
    "USAGE_ERRORS",
    "add_format",
    "add_work",
    "names_of",
    "numbers_of",
    "require_format",
]

USAGE_ERRORS = (FilterError, UnknownEventError, UnknownFieldError, UsageError)
"""What is asked for does not fit, or is not there; all else that is wrong is the file's."""

COMPRESSIONS = "none, zlib or zstd, with a level as zstd:9, or any, the best there is"


def add_format(parser: argparse.ArgumentParser, *, default: str) -> None:
    """Add the options that say how the new file is laid out."""
    parser.add_argument(
        "--file-version",
        type=int,
        choices=(6, 7),
        help=f"version of the new file's format ({default})",
    )
    parser.add_argument(
        "--compression",
        type=_compression,
        metavar="NAME",
        help=f"{COMPRESSIONS} ({default}); version 6 has none",
    )


def _compression(text: str) -> str:
    text = "zstd" if text == "any" else text
    try:
        parse_compression(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not {COMPRESSIONS}") from None
    return text


def require_format(version: int | None, compression: str | None) -> None:
    """Raise UsageError for a compression that the version does not have."""
    if version == 6 and compression not in (None, "none"):
        raise UsageError(f"--compression {compression}: version 6 has no compression")


def add_work(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how to go about it."""
    parser.add_argument(
        "--strict", action="store_true", help="refuse a file that anything is wrong with"
    )
    add_threads(parser, "compress on N threads")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar")


def names_of(values: Iterable[str] | None) -> list[str] | None:
    """Names of an option that is given several times, or several with commas."""
    if values is None:
        return None
    return [name for value in values for name in value.split(",") if name]


def numbers_of(option: str, values: Iterable[str] | None) -> list[int] | None:
    """Numbers likewise, and ranges such as ``2-5``.

    Raises:
        UsageError: one is none, or a range has more than 65536.
    """
    if values is None:
        return None
    numbers: list[int] = []
    for text in names_of(values) or ():
        first, dash, last = text.partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)) or len(text) > 21:
            raise UsageError(f"{option} {text}: not a number or a range of them")
        low, high = int(first), int(last or first)
        if not 0 <= high - low < 1 << 16:
            raise UsageError(f"{option} {text}: not a number or a range of them")
        numbers.extend(range(low, high + 1))
    return numbers
