"""The extension module, exceptions, texts, and objects that are closed once.

The only module that imports ``tracecmd._core``.
"""

from __future__ import annotations

import enum
import threading
from types import TracebackType
from typing import Any

from .. import errors
from .._core import ffi, lib

__all__ = [
    "GO_ON",
    "GoOn",
    "Handle",
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
_NO_OFFSET = 2**64 - 1


class GoOn(enum.Enum):
    """What reads give in place of a result that took some megabytes and is not done: ask again.

    Meanwhile progress can be told, and Python heeds signals.
    """

    GO_ON = lib.TRC_GO_ON


GO_ON = GoOn.GO_ON


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


class Handle:
    """A C object that is closed once, and never while a call on it is running.

    ``with handle as pointer:`` surrounds each call. :meth:`close` does not wait for calls in
    other threads: the last of them to end closes the object. Objects whose C side points into
    others (parents) keep those alive: a file is unmapped when the last walk through it is gone.
    """

    def __init__(self, pointer: Any, close: Any, path: str, *parents: Handle) -> None:
        self.path = path
        self._pointer = pointer
        self._close = close
        self._lock = threading.Lock()
        self._users = 0
        self._closed = False
        self._parents: tuple[Handle, ...] = ()  # those that were entered
        try:
            for parent in parents:
                parent.__enter__()
                self._parents += (parent,)
        except errors.ClosedError:
            self.close()
            raise

    def __del__(self) -> None:
        if hasattr(self, "_parents"):
            self.close()

    @property
    def closed(self) -> bool:
        """Whether it was closed, or what it belongs to."""
        return self._closed or any(parent.closed for parent in self._parents)

    def require_open(self) -> None:
        """Raise ClosedError if close() was called."""
        if self.closed:
            raise errors.ClosedError("the trace is closed", path=self.path)

    def __enter__(self) -> Any:
        with self._lock:
            self.require_open()
            self._users += 1
        return self._pointer

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._users -= 1
            unwanted = self._closed and not self._users
        if unwanted:
            self._destroy()

    def close(self) -> None:
        """Close now, or as soon as no call is running; a second close is fine."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            idle = not self._users
        if idle:
            self._destroy()

    def _destroy(self) -> None:
        self._close(self._pointer)
        for parent in self._parents:
            parent.__exit__(None, None, None)
