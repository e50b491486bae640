"""Whose fault it is: damage in one file of a session is that file's, whoever reads it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd.cli import main
from tracecmd.export import perfetto
from tracecmd.session.vcpu_timeline import summarize

from ..recordings import corpus
from ..writer import Buffer, Event, Guest, Page, Sample, TextBuffer, TimeShift, Trace, TraceId

SESSION = corpus.DATA / "sessions" / "kvm-small"
FILES = {"host": "trace.dat", "Guest1": "trace-Guest1.dat", "Guest2": "trace-Guest2.dat"}

Route = Callable[[tracecmd.Session, Path], object]


def drain(pieces: Iterable[Any]) -> None:
    for _ in pieces:
        pass


COLUMNS = ("ts", "cpu", "event", "peer")
ROUTES: dict[str, Route] = {
    "iter": lambda session, out: drain(session.iter()),
    "iter, threads": lambda session, out: drain(session.iter(threads=2)),
    "iter, backwards": lambda session, out: drain(session.iter(reverse=True)),
    "iter, by CPU": lambda session, out: drain(session.iter(order="cpu")),
    "table": lambda session, out: drain(session.batches(columns=COLUMNS)),
    "table, threads": lambda session, out: drain(session.batches(columns=COLUMNS, threads=2)),
    "table, one event": lambda session, out: drain(session.batches("sched_switch")),
    "tables of the peers": lambda session, out: [
        drain(peer.trace.tables().batches()) for peer in session.peers
    ],
    "report": lambda session, out: drain(session.report()),
    "report, threads": lambda session, out: drain(session.report(threads=2)),
    "stat": lambda session, out: session.stat(),
    "join": lambda session, out: drain(session.join()),
    "timeline": lambda session, out: drain(session.timeline()),
    "summary": lambda session, out: summarize(session),
    "page": lambda session, out: session.plot().to_html(),
    "perfetto": lambda session, out: perfetto.write(session, out / "out.pftrace"),
}


@pytest.fixture(params=FILES)
def damaged(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """A copy of the session; in one file the first CPU has a block that does not unpack."""
    folder = tmp_path / "session"
    folder.mkdir()
    for name in FILES.values():
        shutil.copyfile(SESSION / name, folder / name)
    path = folder / FILES[request.param]
    with tracecmd.open(path) as trace:
        assert trace.compression == "zstd"
        offset = trace.buffers[0].cpus[0].offset
    data = bytearray(path.read_bytes())
    data[offset + 20 : offset + 40] = b"\xff" * 20
    path.write_bytes(data)
    return folder, request.param


def alone(path: Path) -> list[str]:
    """What the file has wrong when it is read alone."""
    with tracecmd.open(path) as trace:
        drain(trace.iter())
        found = [str(problem) for problem in trace.problems]
    assert len(found) == 1
    assert str(path) in found[0]
    with tracecmd.open(path, strict=True) as trace, pytest.raises(tracecmd.CorruptError) as caught:
        drain(trace.iter())
    assert str(caught.value) == found[0]
    return found


@pytest.mark.parametrize("route", ROUTES)
def test_damage_is_noted_where_it_is(damaged: tuple[Path, str], route: str, tmp_path: Path) -> None:
    folder, name = damaged
    expected = alone(folder / FILES[name])
    with tracecmd.open_session(folder) as session:
        ROUTES[route](session, tmp_path)
        for peer in session.peers:
            problems = peer.trace.problems
            assert [str(p) for p in problems] == (expected if peer.name == name else [])
            assert all(getattr(p, "path", None) == peer.trace.path for p in problems)


@pytest.mark.parametrize("route", ROUTES)
def test_strict_sessions_refuse_what_strict_traces_do(
    damaged: tuple[Path, str], route: str, tmp_path: Path
) -> None:
    folder, name = damaged
    expected = alone(folder / FILES[name])
    with (
        tracecmd.open_session(folder, strict=True) as session,
        pytest.raises(tracecmd.CorruptError) as caught,
    ):
        ROUTES[route](session, tmp_path)
    assert [str(caught.value)] == expected
    assert caught.value.path == str(folder / FILES[name])


@pytest.mark.parametrize("command", ["report", "report --threads", "export", "session"])
def test_commands_name_the_file(
    damaged: tuple[Path, str], command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, name = damaged
    (expected,) = alone(folder / FILES[name])
    paths = [str(folder / file) for file in FILES.values()]
    out = str(tmp_path / "out.pftrace")
    arguments = {
        "report": paths,
        "report --threads": ["--threads", "3", *paths],
        "export": [str(folder), "-q", "-o", out],
        "session": [str(folder), "--vcpus"],
    }
    assert main([command.split(maxsplit=1)[0], *arguments[command]]) == 0
    warnings = capsys.readouterr().err
    if command != "session":  # that warns before it reads
        assert warnings == f"tracecmd: warning: {expected}\n"


# Without a single record that is damaged ------------------------------------------------------


def small(number: int, pages: list[Page], **options: Any) -> Any:
    peers = [Guest("G", 2, {0: 5})] if number == 1 else [TimeShift(1, [[Sample(0, 0)]])]
    return Trace(options=[TraceId(number), *peers], buffers=[Buffer(cpus={0: pages})], **options)


PAGES = [Page(1000 + n, [Event(0, b"\0" * 12)]) for n in range(200)]


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Write a host and its guest."""

    def write(host: bytes, guest: bytes) -> tuple[Path, Path]:
        paths = tmp_path / "trace.dat", tmp_path / "trace-G.dat"
        for path, data in zip(paths, (host, guest), strict=True):
            path.write_bytes(data)
        return paths

    return write


def spoil(file: Any, pages: range) -> bytes:
    """The file with a commit that cannot be in some of its pages."""
    data = bytearray(file.data)
    with memoryview(data) as view:
        for page in pages:
            at = file.mark("CPU 0/page").offset + 4096 * page
            view[at + 8 : at + 12] = b"\xff\xff\xff\x07"
    return bytes(data)


def test_a_file_full_of_faults_does_not_hide_another(made: Any) -> None:
    host, guest = small(1, PAGES).write(), small(2, PAGES).write()
    paths = made(spoil(host, range(150)), spoil(guest, range(150, 153)))
    with tracecmd.open_session(*paths) as session:
        drain(session.iter())
        assert session.host is not None
        assert len(session.host.problems) == 64
        assert {getattr(p, "path", "") for p in session.host.problems} == {str(paths[0])}
        assert len(session.guests["G"].problems) == 3


@pytest.mark.parametrize("route", ["iter", "table", "report", "stat"])
def test_strict_is_about_the_outline_of_all_files(made: Any, route: str, tmp_path: Path) -> None:
    """Faults that need no reading of records: a line of the guest's kallsyms that is none."""
    paths = made(
        small(1, PAGES[:2]).write().data,
        small(2, PAGES[:2], kallsyms="ffffffff81000000 T _stext\nzzz\n").write().data,
    )
    with tracecmd.open(paths[1], strict=True) as trace, pytest.raises(tracecmd.CorruptError) as one:
        drain(trace.iter())
    with (
        tracecmd.open_session(*paths, strict=True) as session,
        pytest.raises(tracecmd.CorruptError) as caught,
    ):
        ROUTES[route](session, tmp_path)
    assert str(caught.value) == str(one.value)
    assert caught.value.path == str(paths[1])


@pytest.mark.parametrize("route", ["iter", "iter, threads", "table", "report", "stat"])
@pytest.mark.parametrize("victim", [0, 1])
def test_a_file_that_shrank_is_named(made: Any, route: str, victim: int, tmp_path: Path) -> None:
    paths = made(small(1, PAGES).write().data, small(2, PAGES).write().data)
    with tracecmd.open_session(*paths) as session:
        for peer in session.peers:
            _ = peer.trace.problems  # all but the records is read
        os.truncate(paths[victim], 4096 * 20)
        with pytest.raises(tracecmd.TruncatedError) as caught:
            ROUTES[route](session, tmp_path)
        assert caught.value.path == str(paths[victim])


def test_a_latency_text_that_is_damaged_is_its_files(made: Any, tmp_path: Path) -> None:
    guest = Trace(
        options=[TraceId(2), TimeShift(1, [[Sample(0, 0)]])],
        buffers=[TextBuffer("# tracer: x\n" * 100)],
        compression="zlib",
    ).write()
    at = guest.mark("section buffer latency /chunk/stored size").offset
    paths = made(small(1, PAGES[:1]).write().data, guest.replace(at + 12, b"\xff" * 8))
    with tracecmd.open_session(*paths) as session, pytest.raises(tracecmd.CorruptError) as caught:
        drain(session.report())
    assert caught.value.path == str(paths[1])
