"""The exceptions: what each is, what it carries, what it says."""

from __future__ import annotations

import copy
import errno
import inspect
import os
import pickle
import socket
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd import TraceError, errors

from ..conftest import Trace, Write, unprivileged
from ..writer import TraceId

BUILT_IN: dict[type[TraceError], type[Exception]] = {
    tracecmd.NotATraceError: ValueError,
    tracecmd.TruncatedError: EOFError,
    tracecmd.CorruptError: ValueError,
    tracecmd.UnsupportedError: ValueError,
    tracecmd.LimitError: OverflowError,
    tracecmd.ChangedError: ValueError,
    tracecmd.ClosedError: ValueError,
    tracecmd.UnknownGuestError: KeyError,
    tracecmd.UnknownOptionError: KeyError,
    tracecmd.MissingEventError: KeyError,
    tracecmd.SessionError: ValueError,
    tracecmd.TraceOSError: OSError,
    tracecmd.TraceFileNotFoundError: FileNotFoundError,
    tracecmd.TracePermissionError: PermissionError,
    tracecmd.TraceIsADirectoryError: IsADirectoryError,
}
OF_SYSTEM = [kind for kind in BUILT_IN if issubclass(kind, OSError)]


def exceptions() -> list[type[TraceError]]:
    found = vars(errors).values()
    return [e for e in found if inspect.isclass(e) and issubclass(e, TraceError)]


def make(kind: type[TraceError], reason: str = "option X: bad", **where: Any) -> TraceError:
    if issubclass(kind, tracecmd.TraceOSError):
        return kind(errno.EIO, reason, **where)
    return kind(reason, **where)


def test_all_are_listed_and_public() -> None:
    assert set(exceptions()) == {TraceError, *BUILT_IN}
    assert set(errors.__all__) == {kind.__name__ for kind in exceptions()}
    for kind in exceptions():
        assert getattr(tracecmd, kind.__name__) is kind
        assert kind.__name__ in tracecmd.__all__
        assert kind.__doc__


@pytest.mark.parametrize(("kind", "built_in"), BUILT_IN.items())
def test_each_is_a_built_in(kind: type[TraceError], built_in: type[Exception]) -> None:
    assert issubclass(kind, built_in)
    assert issubclass(kind, TraceError)


@pytest.mark.parametrize("kind", exceptions())
def test_message(kind: type[TraceError]) -> None:
    assert str(make(kind)) == "option X: bad"
    assert str(make(kind, path="a.dat")) == "a.dat: option X: bad"
    assert str(make(kind, path="a.dat", offset=0)) == "a.dat: option X: bad (at 0x0)"
    assert str(make(kind, offset=255)) == "option X: bad (at 0xff)"
    assert "option X: bad" in repr(make(kind))


@pytest.mark.parametrize("kind", exceptions())
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(kind: type[TraceError], protocol: int) -> None:
    """Exceptions come back whole from worker processes."""
    error = make(kind, path="a.dat", offset=17)
    for again in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error)):
        assert type(again) is kind
        assert str(again) == str(error)
        assert (again.reason, again.path, again.offset) == ("option X: bad", "a.dat", 17)
        if isinstance(again, OSError):
            assert (again.errno, again.filename) == (errno.EIO, "a.dat")
            assert again.strerror == os.strerror(errno.EIO)


def test_raised_errors_pickle(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        tracecmd.open(tmp_path / "none.dat")
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is tracecmd.TraceFileNotFoundError
    assert str(again) == str(caught.value)


# --- the operating system's ---------------------------------------------------------------------


def check_os_error(path: Path, kind: type[TraceError], number: int) -> None:
    with pytest.raises(kind) as caught:
        tracecmd.open(path)
    error = caught.value
    assert isinstance(error, OSError)
    assert type(error) is kind
    assert error.errno == number
    assert error.filename == str(path)
    assert error.strerror == os.strerror(number)
    assert str(error).startswith(f"{path}: ")
    assert os.strerror(number) in str(error)
    assert "\n" not in str(error)


def test_missing_file(tmp_path: Path) -> None:
    check_os_error(tmp_path / "none.dat", tracecmd.TraceFileNotFoundError, errno.ENOENT)
    check_os_error(Path(""), tracecmd.TraceIsADirectoryError, errno.EISDIR)  # "."


def test_folder(tmp_path: Path) -> None:
    check_os_error(tmp_path, tracecmd.TraceIsADirectoryError, errno.EISDIR)


def test_component_is_no_folder(write: Write) -> None:
    check_os_error(write(b"x") / "y", tracecmd.TraceOSError, errno.ENOTDIR)


def test_name_too_long(tmp_path: Path) -> None:
    check_os_error(tmp_path / ("x" * 5000), tracecmd.TraceOSError, errno.ENAMETOOLONG)


def test_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")
    check_os_error(tmp_path / "a", tracecmd.TraceOSError, errno.ELOOP)


def test_no_permission(write: Write) -> None:
    path = write(Trace())
    path.chmod(0)
    with unprivileged():
        check_os_error(path, tracecmd.TracePermissionError, errno.EACCES)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_permission_errors_by_number(number: int) -> None:
    error = errors.os_error(number, "open: no", "a.dat")
    assert type(error) is tracecmd.TracePermissionError
    assert error.errno == number


def test_what_cannot_be_mapped(tmp_path: Path) -> None:
    """Pipes, devices and sockets are refused at once; nothing waits for a writer."""
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        try:
            unix.bind(str(tmp_path / "s"))
        except OSError:  # the folder's name is too long for a socket
            (tmp_path / "s").symlink_to("/dev/null")
        for path in (tmp_path / "pipe", Path("/dev/null"), tmp_path / "s"):
            with pytest.raises(TraceError) as caught:
                tracecmd.open(path)
            assert caught.value.path == str(path)


@pytest.mark.parametrize("descriptor", [-1, 987654])
def test_descriptor_that_is_not_open(descriptor: int) -> None:
    with pytest.raises(tracecmd.TraceOSError) as caught:
        tracecmd.open(descriptor)
    assert caught.value.errno == errno.EBADF
    assert caught.value.path == f"<fd {descriptor}>"


def test_descriptor_for_writing_only(write: Write) -> None:
    descriptor = os.open(write(Trace()), os.O_WRONLY)
    try:
        with pytest.raises(tracecmd.TracePermissionError):
            tracecmd.open(descriptor)
    finally:
        os.close(descriptor)


# --- the file's ----------------------------------------------------------------------------------


def opening(path: Path) -> TraceError:
    with pytest.raises(TraceError) as caught:
        tracecmd.open(path)
    error = caught.value
    assert error.path == str(path)
    assert error.offset is not None
    assert str(error) == f"{path}: {error.reason} (at {error.offset:#x})"
    assert ": " in error.reason  # STRUCTURE: what is wrong
    return error


@pytest.mark.parametrize("content", [b"x", b"\x7fELF" + bytes(99), b"PERFILE2" + bytes(99)])
def test_not_a_trace(write: Write, content: bytes) -> None:
    error = opening(write(content))
    assert type(error) is tracecmd.NotATraceError
    assert isinstance(error, ValueError)
    assert error.offset == 0


def test_empty_file(write: Write) -> None:
    assert isinstance(opening(write(b"")), (tracecmd.NotATraceError, tracecmd.TruncatedError))


def test_truncated(write: Write) -> None:
    file = Trace(options=[TraceId(5)]).write()
    for end in (12, 15, 30, file.mark("option TRACEID/trace ID").offset + 3):
        error = opening(write(file.cut(end)))
        assert type(error) is tracecmd.TruncatedError
        assert isinstance(error, EOFError)


def test_corrupt(write: Write) -> None:
    file = Trace(options=[TraceId(5)]).write()
    changed = file.change("page size", 0)
    assert type(opening(write(changed))) is tracecmd.CorruptError


def test_unsupported(write: Write) -> None:
    file = Trace().write()
    mark = file.mark("version")
    error = opening(write(file.replace(mark.offset, b"9")))
    assert type(error) is tracecmd.UnsupportedError
    assert "9" in error.reason
    squeezed = Trace(compression="zstd").write()
    error = opening(write(squeezed.replace(squeezed.mark("compression").offset, b"lzma")))
    assert type(error) is tracecmd.UnsupportedError
    assert "lzma" in error.reason


def test_names_in_messages_stay_as_given(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(b"nothing", "a file.dat")
    monkeypatch.chdir(path.parent)
    with pytest.raises(tracecmd.NotATraceError, match=r"^a file\.dat: "):
        tracecmd.open("a file.dat")
