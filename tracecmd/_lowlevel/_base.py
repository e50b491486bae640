"""The extension module, exceptions and texts.

The only module that imports ``tracecmd._core``.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import errors
from .._core import ffi, lib

__all__ = [
    "GO_ON",
    "GoOn",
    "NotFoundError",
    "SourceProblem",
    "check",
    "decode",
    "decode_string",
    "exception",
    "ffi",
    "lib",
]

ENCODING_ERRORS = "surrogateescape"  # texts of the file survive a round trip, whatever they hold

_CODES: dict[int, type[errors.TraceError]] = {
    lib.TRC_NOT_TRACE: errors.NotATraceError,
    lib.TRC_TRUNCATED: errors.TruncatedError,
    lib.TRC_CORRUPT: errors.CorruptError,
    lib.TRC_UNSUPPORTED: errors.UnsupportedError,
    lib.TRC_LIMIT: errors.LimitError,
}
NO_OFFSET = 2**64 - 1


class GoOn(enum.Enum):
    """What reads give in place of a result that took some megabytes and is not done: ask again.

    Meanwhile progress can be reported, and Python heeds signals.
    """

    GO_ON = lib.TRC_GO_ON


GO_ON = GoOn.GO_ON


class NotFoundError(ValueError):
    """TRC_NOT_FOUND, where that is a fault of what was asked for."""


class SourceProblem(NamedTuple):
    """What is wrong in one of several files: that of a source, by its place among all."""

    source: int
    problem: Exception


def exception(err: Any, path: str, sources: Sequence[str] = ()) -> Exception:
    """Make the one exception that a struct trc_error stands for.

    path is the file's; where it may be one of several, sources are the paths of all.
    """
    if err.source < len(sources):
        path = sources[err.source]
    reason = ffi.string(err.message).decode(errors="backslashreplace")
    offset = None if err.offset == NO_OFFSET else int(err.offset)
    if err.code == lib.TRC_SYSTEM:
        return errors.os_error(err.sys_errno, reason, path)
    if err.code == lib.TRC_NO_MEMORY:
        return MemoryError(f"{path}: {reason}")
    if err.code == lib.TRC_NOT_FOUND:
        return NotFoundError(f"{path}: {reason}")
    kind = _CODES.get(err.code)
    if kind is None:
        return ValueError(f"{path}: {reason}")
    return kind(reason, path=path, offset=offset)


def decode(pointer: Any, size: int) -> str:
    return bytes(ffi.buffer(pointer, size)).decode(errors=ENCODING_ERRORS)


def decode_string(pointer: Any) -> str:
    text: bytes = ffi.string(pointer)
    return text.decode(errors=ENCODING_ERRORS)


def check(code: int, err: Any, path: str, sources: Sequence[str] = ()) -> None:
    """Raise what a result code stands for; path and sources as for :func:`exception`."""
    if code:
        raise exception(err, path, sources)
