"""The extension module, exceptions and texts.

The only module that imports ``tracecmd._core``.
"""

from __future__ import annotations

from typing import Any

from .. import errors
from .._core import ffi, lib

__all__ = ["check", "decode", "decode_string", "exception", "ffi", "lib"]

ENCODING_ERRORS = "surrogateescape"  # texts of the file survive a round trip, whatever they hold

_CODES: dict[int, type[errors.TraceError]] = {
    lib.TRC_NOT_TRACE: errors.NotATraceError,
    lib.TRC_TRUNCATED: errors.TruncatedError,
    lib.TRC_CORRUPT: errors.CorruptError,
    lib.TRC_UNSUPPORTED: errors.UnsupportedError,
    lib.TRC_LIMIT: errors.LimitError,
}
_NO_OFFSET = 2**64 - 1


def exception(err: Any, path: str) -> Exception:
    """Make the one exception that a struct trc_error stands for."""
    reason = ffi.string(err.message).decode(errors="backslashreplace")
    offset = None if err.offset == _NO_OFFSET else int(err.offset)
    if err.code == lib.TRC_SYSTEM:
        return errors.os_error(err.sys_errno, reason, path)
    if err.code == lib.TRC_NO_MEMORY:
        return MemoryError(f"{path}: {reason}")
    kind = _CODES.get(err.code)
    if kind is None:
        return ValueError(f"{path}: {reason}")
    return kind(reason, path=path, offset=offset)


def decode(pointer: Any, size: int) -> str:
    return bytes(ffi.buffer(pointer, size)).decode(errors=ENCODING_ERRORS)


def decode_string(pointer: Any) -> str:
    text: bytes = ffi.string(pointer)
    return text.decode(errors=ENCODING_ERRORS)


def check(code: int, err: Any, path: str) -> None:
    """Raise what a result code stands for."""
    if code:
        raise exception(err, path)
