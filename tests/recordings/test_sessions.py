"""Every recorded session: who is who, and which host thread ran which vCPU."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import tracecmd
from tracecmd import GuestCpuMap, Session, VCpu

from . import corpus


class Answer(NamedTuple):
    """What libtracecmd says to "guest_cpumap of GUEST in HOST"."""

    guest: str
    host: str
    cpumap: GuestCpuMap | None


def answers(folder: Path) -> list[Answer]:
    """All of session.txt's; none where the session has no host, so that nobody asked."""
    text = corpus.read_text(folder / "session.txt") or ""
    rows = re.findall(
        r"^guest_cpumap of (.+?\.dat) in (.+?\.dat): ret (-?\d+)"
        r"(?: name '(.*)' vcpus (\d+) host pids((?: -?\d+)*))?$",
        text,
        re.M,
    )
    assert len(rows) == text.count("guest_cpumap of ")
    return [
        Answer(
            guest,
            host,
            GuestCpuMap(name, int(count), tuple(map(int, pids.split()))) if ret == "0" else None,
        )
        for guest, host, ret, name, count, pids in rows
    ]


@pytest.fixture(params=corpus.SESSIONS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def session(folder: Path) -> Iterator[Session]:
    with tracecmd.open_session(folder) as opened:
        yield opened


def names(session: Session) -> tuple[object, ...]:
    """All that a session says, with files' names for files."""
    return (
        session.host and Path(session.host.path).name,
        [(name, Path(trace.path).name) for name, trace in session.guests.items()],
        session.vcpus,
        session.missing,
        session.strangers,
        session.notes,
    )


def test_host_and_guests(folder: Path, session: Session) -> None:
    files = {path.name for path in folder.glob("*.dat")}
    if "trace.dat" in files:
        assert session.host is not None
        assert Path(session.host.path).name == "trace.dat"
        assert not session.missing
    else:
        assert session.host is None
    assert {Path(trace.path).name for trace in session.guests.values()} == files - {"trace.dat"}
    assert {Path(peer.trace.path).name for peer in session.peers} == files
    assert [peer.role for peer in session.peers].count("host") == ("trace.dat" in files)
    assert not session.strangers


def test_guest_names(folder: Path, session: Session) -> None:
    """Guests are named as the host's file names them; without a host by their own."""
    given = {a.guest: a.cpumap.name for a in answers(folder) if a.cpumap}
    for name, trace in session.guests.items():
        file = Path(trace.path)
        assert name == given.get(file.name, file.stem.removeprefix("trace-"))


def test_guest_maps(folder: Path) -> None:
    """Every ordered pair of files, as libtracecmd answered it."""
    files = {path.name: path for path in folder.glob("*.dat")}
    asked = answers(folder)
    if "trace.dat" in files:
        assert {a[:2] for a in asked} == set(itertools.permutations(files, 2))
    for guest, host, cpumap in asked:
        with tracecmd.open(files[guest]) as theirs, tracecmd.open(files[host]) as trace:
            if cpumap is None:
                with pytest.raises(tracecmd.UnknownGuestError, match=": option GUEST: no guest"):
                    trace.guest_cpumap(theirs.trace_id)
            else:
                assert trace.guest_cpumap(theirs.trace_id) == cpumap
                assert (cpumap.name, theirs.trace_id, *cpumap[1:]) in trace.guests


def test_a_guest_is_not_its_own_host(folder: Path) -> None:
    for path in folder.glob("*.dat"):
        with tracecmd.open(path) as trace, pytest.raises(tracecmd.UnknownGuestError):
            trace.guest_cpumap(trace.trace_id)


def test_vcpus_both_ways(folder: Path, session: Session) -> None:
    expected = {
        VCpu(a.cpumap.name, vcpu, pid)
        for a in answers(folder)
        if a.cpumap
        for vcpu, pid in enumerate(a.cpumap.cpu_pid)
    }
    assert set(session.vcpus) == expected
    for vcpu in expected:
        assert session.vcpu(vcpu.host_pid) == vcpu
        assert session.vcpu(host_pid=vcpu.host_pid).guest in session.guests
        assert session.host_pid(vcpu.guest, vcpu.vcpu) == vcpu.host_pid
    for name in session.guests:
        with pytest.raises(KeyError, match="vCPU 99"):
            session.host_pid(name, 99)
    with pytest.raises(KeyError, match="runs no vCPU"):
        session.vcpu(host_pid=1)
    with pytest.raises(tracecmd.UnknownGuestError, match="no guest 'nobody'"):
        session.host_pid("nobody", 0)


def test_every_order_of_files(folder: Path, session: Session) -> None:
    for files in itertools.permutations(folder.glob("*.dat")):
        with tracecmd.open_session(*files) as other:
            assert names(other) == names(session)


def test_every_peer_has_a_partner(folder: Path, session: Session) -> None:
    """A time shift names the host; where there is none, the notes say so."""
    for name, trace in session.guests.items():
        note = f"guest {name!r}: no time synchronisation, its clock stands alone"
        if trace.time_shift is None:
            assert note in session.notes
        else:
            assert note not in session.notes
            assert session.host is None or trace.time_shift.peer_trace_id == session.host.trace_id


def test_notes(folder: Path, session: Session) -> None:
    """The odd sessions are told plainly, the plain ones say nothing."""
    odd: dict[str, set[str]] = {
        "guest-only": {"no host's file: vCPUs cannot be mapped to host threads"},
        "nosync": {
            f"guest {name!r}: {what}"
            for name in ("Guest1", "Guest2")
            for what in (
                "which host threads ran its vCPUs is not recorded",
                "no time synchronisation, its clock stands alone",
            )
        },
        "named": {
            "guest '3': its file is named 'trace-Renamed.dat'",
            "guest '4': its file is named 'trace-Second guest.dat'",
        },
    }
    assert set(session.notes) == odd.get(folder.name, set())
    assert len(session.notes) == len(set(session.notes))


def test_stranger(folder: Path, session: Session) -> None:
    """A file of a session that is not this one is refused by name, or left out."""
    stranger = corpus.DATA / "i386-v6.dat"
    files = sorted(folder.glob("*.dat"))
    for order in ([stranger, *files], [*files, stranger]):
        with pytest.raises(tracecmd.SessionError) as caught:
            tracecmd.open_session(*order)
        assert caught.value.path == str(stranger)
        assert "does not belong" in str(caught.value)
        with tracecmd.open_session(*order, strangers="skip") as without:
            assert without.strangers == (str(stranger),)
            assert names(without)[:4] == names(session)[:4]


@pytest.mark.parametrize("other", corpus.SESSIONS, ids=lambda folder: folder.name)
def test_guest_of_another_session(folder: Path, session: Session, other: Path) -> None:
    if other == folder:
        return
    guest = sorted(other.glob("trace-*.dat"))[0]
    files = sorted(folder.glob("*.dat"))
    with pytest.raises(tracecmd.SessionError) as caught:
        tracecmd.open_session(guest, *files)
    assert caught.value.path == str(guest)
    with tracecmd.open_session(guest, *files, strangers="skip") as without:
        assert without.strangers == (str(guest),)
        assert list(without.guests) == list(session.guests)


def test_two_sessions_in_one_folder(folder: Path, tmp_path: Path) -> None:
    """Two hosts make no session, whatever is to be done about strangers."""
    if not (folder / "trace.dat").exists():
        return
    shutil.copytree(folder, tmp_path / "both")
    for path in corpus.DATA.glob("sessions/kvm-small/*.dat"):
        shutil.copyfile(path, tmp_path / "both" / f"other-{path.name}")
    for strangers in ("error", "skip"):
        with pytest.raises(tracecmd.SessionError) as caught:
            tracecmd.open_session(tmp_path / "both", strangers=strangers)  # type: ignore[arg-type]
        assert caught.value.path is not None
    if folder.name == "kvm-small":
        assert "same trace ID" in str(caught.value)
    else:
        assert "both are hosts" in str(caught.value)


def test_missing_guest(folder: Path) -> None:
    host = folder / "trace.dat"
    if not host.exists():
        return
    given = {a.guest: a.cpumap.name for a in answers(folder) if a.cpumap}
    for file, name in given.items():
        with tracecmd.open_session(host, *(folder / f for f in given if f != file)) as session:
            assert session.missing == (name,)
            assert f"guest {name!r}: its file is not here" in session.notes
            assert all(vcpu.guest != name for vcpu in session.vcpus)
    with tracecmd.open_session(host) as alone:
        assert set(alone.missing) == set(given.values())
        assert not alone.guests
        assert not alone.vcpus


def test_closes_all(folder: Path) -> None:
    session = tracecmd.open_session(folder)
    traces = [peer.trace for peer in session.peers]
    session.close()
    session.close()
    assert all(trace.closed for trace in traces)
