"""The exceptions: each is a :class:`TraceError` and also the built-in a Python user expects.

``except tracecmd.TraceError`` catches everything that a bad, missing or unfit file can cause;
``except FileNotFoundError`` or ``except ValueError`` work as they do with any other file. A call
with a wrong argument is a plain ``TypeError`` or ``ValueError``.
"""

from __future__ import annotations

import errno
import os

__all__ = [
    "ChangedError",
    "ClosedError",
    "CorruptError",
    "LimitError",
    "MissingEventError",
    "NotATraceError",
    "SessionError",
    "TraceError",
    "TraceFileNotFoundError",
    "TraceIsADirectoryError",
    "TraceOSError",
    "TracePermissionError",
    "TruncatedError",
    "UnknownGuestError",
    "UnknownOptionError",
    "UnsupportedError",
]


class TraceError(Exception):
    """Base of all errors about trace files.

    Attributes:
        path: the file's name as it was given, or None.
        offset: place in the file, in bytes, of what is wrong; None where there is no such place.
        reason: what is wrong, beginning with the structure's name in the words of
            trace-cmd.dat(5), without path and offset.
    """

    def __init__(self, reason: str, *, path: str | None = None, offset: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path
        self.offset = offset

    def __str__(self) -> str:
        text = self.reason if self.path is None else f"{self.path}: {self.reason}"
        return text if self.offset is None else f"{text} (at {self.offset:#x})"


class NotATraceError(TraceError, ValueError):
    """The file does not begin like a trace.dat file."""


class TruncatedError(TraceError, EOFError):
    """Bytes that should be there lie after the end of the file."""


class CorruptError(TraceError, ValueError):
    """The file's bytes contradict the format, or each other."""


class UnsupportedError(TraceError, ValueError):
    """A version, compression or layout that this package does not know."""


class LimitError(TraceError, OverflowError):
    """Something in the file is larger than this package is willing to handle."""


class ClosedError(TraceError, ValueError):
    """The trace was closed; so are all objects got from it."""


class ChangedError(TraceError, ValueError):
    """A file is not the one that it was when the trace or session was pickled."""


class UnknownGuestError(TraceError, KeyError):
    """No guest with this trace ID or name was traced together with this host."""

    __str__ = TraceError.__str__  # KeyError's would quote the text


class MissingEventError(TraceError, KeyError):
    """An answer needs an event that was not recorded; the message says how to record it."""

    __str__ = TraceError.__str__


class UnknownOptionError(TraceError, KeyError):
    """The file has no such option."""

    __str__ = TraceError.__str__


class SessionError(TraceError, ValueError):
    """The files do not make one session; ``path`` names the one that does not fit."""


class TraceOSError(TraceError, OSError):
    """The operating system refused; ``errno``, ``strerror`` and ``filename`` as in OSError."""

    def __init__(
        self, number: int, reason: str, *, path: str | None = None, offset: int | None = None
    ) -> None:
        super().__init__(reason, path=path, offset=offset)
        self.errno = number
        self.strerror = os.strerror(number)
        self.filename = path

    def __reduce__(self) -> tuple[object, ...]:
        return _restore_os_error, (type(self), self.errno, self.reason, self.path, self.offset)


class TraceFileNotFoundError(TraceOSError, FileNotFoundError):
    """There is no such file."""


class TracePermissionError(TraceOSError, PermissionError):
    """The file may not be read."""


class TraceIsADirectoryError(TraceOSError, IsADirectoryError):
    """A folder was given where a file was expected."""


def _restore_os_error(
    kind: type[TraceOSError], number: int, reason: str, path: str | None, offset: int | None
) -> TraceOSError:
    return kind(number, reason, path=path, offset=offset)


def os_error(number: int, reason: str, path: str | None) -> TraceOSError:
    """Make the subclass that fits an errno, as ``OSError(errno, ...)`` itself does."""
    kinds: dict[int, type[TraceOSError]] = {
        errno.ENOENT: TraceFileNotFoundError,
        errno.EACCES: TracePermissionError,
        errno.EPERM: TracePermissionError,
        errno.EISDIR: TraceIsADirectoryError,
    }
    return kinds.get(number, TraceOSError)(number, reason, path=path)
