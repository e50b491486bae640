"""Who is who in a session: the rules, on files made for each."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd import SessionError, VCpu
from tracecmd.opening import TraceRecording

from ..conftest import Trace, Write, unprivileged
from ..writer import Guest, Option, Sample, TimeShift, TraceId

HOST, ONE, TWO, OTHER = 0xA0, 0xB1, 0xB2, 0xC3


def host(trace_id: int = HOST, *guests: Guest) -> Trace:
    return Trace(options=[TraceId(trace_id), *guests])


def guest(trace_id: int, peer: int = 0) -> Trace:
    """With a peer: its clock was compared with that host's."""
    options: list[Option] = [TraceId(trace_id)]
    if peer:
        options.append(TimeShift(peer, [[Sample(0, 5), Sample(1 << 40, 6)]]))
    return Trace(options=options)


ONE_OF_HOST = Guest("one", ONE, {0: 100, 1: 101})
TWO_OF_HOST = Guest("two", TWO, {0: 200})


@pytest.fixture
def files(write: Write) -> dict[str, Path]:
    """A plain session."""
    return {
        "host": write(host(HOST, ONE_OF_HOST, TWO_OF_HOST), "trace.dat"),
        "one": write(guest(ONE, HOST), "trace-one.dat"),
        "two": write(guest(TWO, HOST), "trace-two.dat"),
    }


def refused(*sources: Any, **how: Any) -> SessionError:
    with pytest.raises(SessionError) as caught:
        tracecmd.open_session(*sources, **how)
    return caught.value


def orders(paths: Iterable[Path]) -> Iterable[tuple[Path, ...]]:
    return itertools.permutations(paths)


# --- a plain session ---------------------------------------------------------------------------


def test_plain_session(files: dict[str, Path]) -> None:
    for order in orders(files.values()):
        with tracecmd.open_session(*order, strict=True) as session:
            assert session.host is not None
            assert session.host.path == str(files["host"])
            assert [(name, t.path) for name, t in session.guests.items()] == [
                ("one", str(files["one"])),
                ("two", str(files["two"])),
            ]
            assert [(peer.name, peer.role) for peer in session.peers] == [
                ("host", "host"),
                ("one", "guest"),
                ("two", "guest"),
            ]
            assert session.vcpus == (
                VCpu("one", 0, 100),
                VCpu("one", 1, 101),
                VCpu("two", 0, 200),
            )
            assert session.vcpu(101) == ("one", 1, 101)
            assert session.vcpu(host_pid=200).guest == "two"
            assert session.host_pid("one", 1) == 101
            assert session.missing == session.strangers == session.notes == ()
            assert repr(session) == f"<Session host {str(files['host'])!r}, guests=['one', 'two']>"


def test_kinds_of_source(files: dict[str, Path]) -> None:
    folder = files["host"].parent
    descriptor = os.open(files["two"], os.O_RDONLY)
    try:
        sources: list[tuple[Any, ...]] = [
            (folder,),
            (str(folder),),
            (os.fsencode(folder),),
            (str(files["host"]), os.fsencode(files["one"]), files["two"]),
            (files["host"], files["one"], descriptor),
        ]
        for source in sources:
            with tracecmd.open_session(*source) as session:
                assert list(session.guests) == ["one", "two"]
                assert session.notes == ()
        os.fstat(descriptor)
    finally:
        os.close(descriptor)


def test_unlisted_vcpus_are_not_mapped(write: Write) -> None:
    """0: not recorded, -1: unknown. Neither is a thread."""
    paths = [
        write(host(HOST, Guest("one", ONE, {0: 0, 1: -1, 2: 7})), "h.dat"),
        write(guest(ONE, HOST), "trace-one.dat"),
    ]
    with tracecmd.open_session(*paths) as session:
        assert session.vcpus == (VCpu("one", 2, 7),)
        for pid in (0, -1, 8):
            with pytest.raises(KeyError, match=f"host PID {pid} "):
                session.vcpu(pid)
        with pytest.raises(KeyError, match="vCPU 1 of guest 'one'"):
            session.host_pid("one", 1)


def test_after_close(files: dict[str, Path]) -> None:
    session = tracecmd.open_session(*files.values())
    traces = [peer.trace for peer in session.peers]
    with session as same:
        assert same is session
        assert not session.closed
    session.close()
    assert session.closed
    assert all(trace.closed for trace in traces)
    assert repr(session).endswith("guests=['one', 'two'] closed>")
    for use in (
        lambda: session.vcpus,
        lambda: session.vcpu(100),
        lambda: session.host_pid("one", 0),
        lambda: session.guests["one"].trace_id,
        session.__enter__,
    ):
        with pytest.raises(tracecmd.ClosedError):
            use()


def test_guests_cannot_be_changed(files: dict[str, Path]) -> None:
    with tracecmd.open_session(*files.values()) as session, pytest.raises(TypeError):
        session.guests["one"] = session.guests["two"]  # type: ignore[index]


# --- strangers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stranger",
    [guest(OTHER), guest(OTHER, 0xDD), guest(0), guest(0, HOST), Trace()],
    ids=["no-peer", "of-another-host", "trace-id-0", "trace-id-0-with-peer", "no-trace-id"],
)
def test_strangers(write: Write, files: dict[str, Path], stranger: Trace) -> None:
    path = write(stranger, "stranger.dat")
    for order in orders([path, *files.values()]):
        error = refused(*order)
        assert error.path == str(path)
        assert "does not belong to the session of" in error.reason
        assert str(files["host"]) in error.reason
        with tracecmd.open_session(*order, strangers="skip") as session:
            assert session.strangers == (str(path),)
            assert list(session.guests) == ["one", "two"]


def test_host_whose_guests_are_all_strangers(write: Write) -> None:
    lonely = write(host(HOST, ONE_OF_HOST), "trace.dat")
    other = write(guest(OTHER), "other.dat")
    assert refused(lonely, other).path == str(other)
    with tracecmd.open_session(other, lonely, strangers="skip") as session:
        assert session.host is not None
        assert session.host.path == str(lonely)
        assert session.missing == ("one",)
        assert session.strangers == (str(other),)


def test_strangers_are_closed_and_errors_close_all(
    write: Write, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tracecmd.Trace] = []
    real = TraceRecording.open

    def spy(recording: TraceRecording) -> tracecmd.Trace:
        opened.append(real(recording))
        return opened[-1]

    monkeypatch.setattr(TraceRecording, "open", spy)
    stranger = write(guest(OTHER), "stranger.dat")
    bad = write(b"no trace", "bad.dat")
    with tracecmd.open_session(*files.values(), stranger, strangers="skip"):
        assert [trace.closed for trace in opened] == [False, False, False, True]
    opened.clear()
    refused(*files.values(), stranger)
    with pytest.raises(tracecmd.NotATraceError):
        tracecmd.open_session(*files.values(), bad)
    assert len(opened) == 7
    assert all(trace.closed for trace in opened)


def test_wrong_arguments(files: dict[str, Path]) -> None:
    with pytest.raises(TypeError, match="at least one"):
        tracecmd.open_session()
    with pytest.raises(ValueError, match="strangers='drop'"):
        tracecmd.open_session(files["host"], strangers="drop")  # type: ignore[arg-type]


# --- two of something --------------------------------------------------------------------------


@pytest.mark.parametrize("strangers", ["error", "skip"])
def test_two_hosts(write: Write, files: dict[str, Path], strangers: str) -> None:
    more = [
        write(host(0xA1, Guest("x", OTHER, {0: 1})), "second.dat"),
        write(guest(OTHER, 0xA1), "trace-x.dat"),
    ]
    error = refused(*files.values(), *more, strangers=strangers)
    assert "both are hosts" in error.reason
    assert {str(files["host"]), str(more[0])} == {
        error.path,
        error.reason.removeprefix("this file and ").removesuffix(" both are hosts of guests"),
    }


def test_host_that_is_itself_a_guest(write: Write) -> None:
    """Nested virtualisation: the outermost host is the session's; its guest's guests are not."""
    outer = write(host(HOST, ONE_OF_HOST), "outer.dat")
    middle = write(
        Trace(
            options=[TraceId(ONE), TimeShift(HOST, [[Sample(0, 1)]]), Guest("in", OTHER, {0: 9})]
        ),
        "middle.dat",
    )
    inner = write(guest(OTHER, ONE), "inner.dat")
    for order in orders([outer, middle]):
        with tracecmd.open_session(*order) as session:
            assert session.host is not None
            assert session.host.path == str(outer)
            assert list(session.guests) == ["one"]
    for order in orders([outer, middle, inner]):
        assert refused(*order).path == str(inner)
    with tracecmd.open_session(inner, middle) as session:
        assert session.host is not None
        assert session.host.path == str(middle)


def test_twins(write: Write, files: dict[str, Path]) -> None:
    """The same recording twice, as a copy or by the same name."""
    copy = write(guest(ONE, HOST), "copy.dat")
    error = refused(*files.values(), copy)
    assert error.path == str(copy)
    assert error.reason == f"has the same trace ID 0xb1 as {files['one']}"
    for strangers in ("error", "skip"):
        assert "same trace ID" in refused(files["host"], files["host"], strangers=strangers).reason


def test_two_without_trace_id_are_no_twins(write: Write, files: dict[str, Path]) -> None:
    strangers = [write(Trace(), f"{i}.dat") for i in range(2)]
    with tracecmd.open_session(*strangers, *files.values(), strangers="skip") as session:
        assert session.strangers == tuple(map(str, strangers))


def test_two_guests_of_one_name(write: Write) -> None:
    paths = [
        write(host(HOST, Guest("vm", ONE, {0: 1}), Guest("vm", TWO, {0: 2})), "trace.dat"),
        write(guest(ONE, HOST), "trace-vm.dat"),
        write(guest(TWO, HOST), "trace-vm-1.dat"),
    ]
    for order in orders(paths):
        with tracecmd.open_session(*order) as session:
            assert {name: t.trace_id for name, t in session.guests.items()} == {
                "vm": ONE,
                "vm@b2": TWO,
            }
            assert session.vcpu(2) == VCpu("vm@b2", 0, 2)


def test_guest_named_like_the_name_made_up_for_another(write: Write) -> None:
    names = [("vm@b2", ONE), ("vm", OTHER), ("vm", TWO)]
    paths = [write(host(HOST, *(Guest(name, i, {0: i}) for name, i in names)), "trace.dat")]
    paths += [write(guest(i, HOST), f"{i}.dat") for _, i in names]
    with tracecmd.open_session(*paths) as session:
        assert {t.trace_id for t in session.guests.values()} == {ONE, OTHER, TWO}
        assert len(session.vcpus) == 3


def test_guest_listed_twice(write: Write) -> None:
    """The later option counts, as for tracecmd_get_guest_cpumap(3)."""
    options = (Guest("early", ONE, {0: 1}), Guest("late", ONE, {0: 2}))
    paths = [
        write(host(HOST, *options), "trace.dat"),
        write(guest(ONE, HOST), "trace-late.dat"),
    ]
    with tracecmd.open_session(*paths) as session:
        assert list(session.guests) == ["late"]
        assert session.vcpus == (VCpu("late", 0, 2),)


def test_one_thread_for_two_vcpus(write: Write) -> None:
    """The first in order is found; both are listed."""
    paths = [
        write(host(HOST, Guest("one", ONE, {0: 7, 1: 7})), "trace.dat"),
        write(guest(ONE, HOST), "trace-one.dat"),
    ]
    with tracecmd.open_session(*paths) as session:
        assert session.vcpu(7) == VCpu("one", 0, 7)
        assert len(session.vcpus) == 2


# --- something is missing ----------------------------------------------------------------------


def test_missing_guests(files: dict[str, Path]) -> None:
    with tracecmd.open_session(files["host"], files["two"]) as session:
        assert session.missing == ("one",)
        assert session.notes == ("guest 'one': its file is not here",)
        assert session.vcpus == (VCpu("two", 0, 200),)
    with tracecmd.open_session(files["host"]) as session:
        assert session.missing == ("one", "two")
        assert session.notes[0] == "no guest's file: a host alone"


@pytest.mark.parametrize("strangers", ["error", "skip"])
def test_one_file_is_a_session(write: Write, strangers: Any) -> None:
    path = write(Trace())
    with tracecmd.open_session(path, strangers=strangers) as session:
        assert session.host is not None
        assert not session.guests
        assert session.strangers == ()


def test_no_host(files: dict[str, Path]) -> None:
    for order in orders([files["one"], files["two"]]):
        with tracecmd.open_session(*order) as session:
            assert session.host is None
            assert list(session.guests) == ["one", "two"]
            assert session.vcpus == ()
            assert session.notes == ("no host's file: vCPUs cannot be mapped to host threads",)
            assert repr(session) == "<Session no host, guests=['one', 'two']>"


def test_no_host_and_guests_of_two(write: Write, files: dict[str, Path]) -> None:
    other = write(guest(OTHER, 0xDD), "a.dat")
    for order in orders([files["one"], files["two"], other]):
        assert refused(*order).path == str(other)
    with tracecmd.open_session(files["two"], other, strangers="skip") as session:
        assert list(session.guests) == ["a"]  # of equal groups the first by name


def test_unrelated_files(write: Write) -> None:
    paths = [write(guest(i), f"{i}.dat") for i in (ONE, TWO)]
    for strangers in ("error", "skip"):
        assert "no file of a session" in refused(*paths, strangers=strangers).reason


def test_guest_known_by_its_clock_only(write: Write) -> None:
    paths = [write(host(HOST), "trace.dat"), write(guest(ONE, HOST), "trace-one.dat")]
    for order in orders(paths):
        with tracecmd.open_session(*order) as session:
            assert session.host is not None
            assert session.host.path == str(paths[0])
            assert list(session.guests) == ["one"]
            assert session.notes == (
                "guest 'one': known by its clock only, the host does not list it",
            )


def test_listed_guest_with_another_clock(write: Write) -> None:
    paths = [write(host(HOST, ONE_OF_HOST), "trace.dat"), write(guest(ONE, 0xDD), "trace-one.dat")]
    with tracecmd.open_session(*paths) as session:
        assert session.notes == ("guest 'one': its clock was compared with another host's",)


# --- folders -----------------------------------------------------------------------------------


def test_folder_with_other_files(write: Write, files: dict[str, Path]) -> None:
    folder = files["host"].parent
    for name in ("README", "notes.dat", "empty.dat"):
        write(b"" if name == "empty.dat" else b"not a trace", name)
    (folder / "sub").mkdir()
    (folder / "sub" / "trace.dat").write_bytes(guest(OTHER).write().data)
    (folder / "gone.dat").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.dat")
    with tracecmd.open_session(folder) as session:
        assert list(session.guests) == ["one", "two"]
        assert session.strangers == ()


def test_folder_with_any_suffix(tmp_path: Path) -> None:
    (tmp_path / "host").write_bytes(host(HOST, ONE_OF_HOST).write().data)
    (tmp_path / "guest.trace").write_bytes(guest(ONE, HOST).write().data)
    with tracecmd.open_session(tmp_path) as session:
        assert list(session.guests) == ["one"]


def test_folder_with_an_unreadable_file(files: dict[str, Path]) -> None:
    """It is not passed over: it may well be a guest's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for path in files.values():
            shutil.copyfile(path, folder / path.name)
        (folder / files["two"].name).chmod(0)
        with unprivileged(), pytest.raises(tracecmd.TracePermissionError) as caught:
            tracecmd.open_session(folder)
        assert caught.value.filename == str(folder / files["two"].name)
        folder.chmod(0)
        with unprivileged(), pytest.raises(tracecmd.TracePermissionError) as caught:
            tracecmd.open_session(folder)
        assert caught.value.filename == str(folder)


@pytest.mark.parametrize("content", [[], ["README"]])
def test_folder_without_traces(tmp_path: Path, content: list[str]) -> None:
    for name in content:
        (tmp_path / name).write_text("text")
    error = refused(tmp_path)
    assert error.path == str(tmp_path)
    assert "no trace.dat file in this folder" in str(error)


def test_missing_file(files: dict[str, Path]) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        tracecmd.open_session(files["host"], files["host"].parent / "nowhere.dat")


def test_strict(write: Write) -> None:
    good = host(HOST, ONE_OF_HOST).write()
    path = write(good.change("option GUEST/vCPU[1]", 77))
    with tracecmd.open_session(path) as session:
        assert session.host is not None
        assert len(session.host.problems) == 1
    with pytest.raises(tracecmd.CorruptError):
        tracecmd.open_session(path, strict=True)


def test_peers_by_name(files: dict[str, Path]) -> None:
    with tracecmd.open_session(*files.values()) as session:
        assert len(session.peers) > 2
        for peer in session.peers:
            assert session.peer(peer.name) is peer.trace
        with pytest.raises(tracecmd.UnknownGuestError, match="no peer 'nobody'"):
            session.peer("nobody")
