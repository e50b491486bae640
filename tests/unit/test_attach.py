"""Attaching a guest's file to its host's: what both are given, and that nothing else changes.

The payloads are those that trace-cmd attach 3.4 writes into the same files.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import tracecmd
from tracecmd import Shift
from tracecmd.options import OptionId

from .. import writer
from ..conftest import Trace, Write
from ..raw_records import raw_records
from ..recordings import reference
from ..writer import Buffer, Guest, RawOption, Sample, TimeShift, TraceId, Tsc2Nsec
from .conftest import Result, spawn
from .scenes import FORMATS, GUEST_ID, HOST_ID, KVM_ENTRY, Machine

CLOCK = Tsc2Nsec(0x314DCF83, 31, 0)
FIRST, SECOND, THIRD, NONE = 147, 148, 184, 150  # threads; the last runs no vCPU


class Files(NamedTuple):
    host: Path
    guest: Path


def entry(made: Machine, ts: int, cpu: int, pid: int, vcpu: int) -> None:
    made.add(ts, cpu, KVM_ENTRY.values(pid=pid, vcpu_id=vcpu))


def host_of(**options: Any) -> Trace:
    """Two threads of one guest, and one of another that comes later."""
    made = Machine()
    made.tick(1000, 0, NONE)
    entry(made, 2000, 0, FIRST, 0)
    entry(made, 2500, 1, SECOND, 1)
    entry(made, 3000, 0, THIRD, 0)
    for ts in range(4000, 5000, 10):
        entry(made, ts, 0, FIRST, 0)
        entry(made, ts + 5, 1, SECOND, 1)
    kinds: dict[str, Any] = {"options": [TraceId(HOST_ID), CLOCK], "clock": "tsc2nsec", **options}
    pages = made.pages(writer.Machine(kinds.get("big_endian", False)))
    return Trace(events=FORMATS, buffers=[Buffer(cpus=pages)], **kinds)


def guest_of(**options: Any) -> Trace:
    made = Machine()
    for ts in range(100, 900, 10):
        made.tick(ts, ts // 10 % 2, 7)
    kinds: dict[str, Any] = {"options": [TraceId(GUEST_ID)], "clock": "x86-tsc", **options}
    pages = made.pages(writer.Machine(kinds.get("big_endian", False)))
    return Trace(buffers=[Buffer(cpus=pages)], **kinds)


@pytest.fixture
def files(write: Write) -> Files:
    return Files(write(host_of(), "host.dat"), write(guest_of(), "guest.dat"))


def payloads(path: Path, number: int) -> list[str]:
    with tracecmd.open(path, strict=True) as trace:
        return [option.data.hex() for option in trace.options.find_all(number)]


BOTH = "0000200000000000000200000000000000930000000100000094000000"


def sample(offset: int, scaling: int = 1, time: int = 0) -> bytes:
    return struct.pack("<Iqqq", 1, time, offset, scaling)


def shift(samples: bytes, fractions: Sequence[int]) -> str:
    head = struct.pack("<QII", HOST_ID, 0, len(fractions))
    return (head + samples + struct.pack(f"<{len(fractions)}q", *fractions)).hex()


Given = tuple[list[int], int, list[Shift | int], str, str]
ORACLE: dict[str, Given] = {  # arguments of trace-cmd attach, and what it writes
    "-c 2 -s 1000 147 148": ([FIRST, SECOND], 2, [1000], BOTH, shift(2 * sample(1000), [0, 0])),
    "-c 2 -s 1000 184 148 150 147": (
        [THIRD, SECOND, NONE, FIRST], 2, [1000], BOTH, shift(2 * sample(1000), [0, 0])
    ),
    "-c 4 -s 1000,5,7,99 147 148": (
        [FIRST, SECOND], 4, [Shift(1000, 5, 7, 99)], BOTH,
        shift(4 * sample(1000, 5, 99), [7, 7, 7, 7]),
    ),
    "-c 2 -s 0x10,0x20,010 147 148": (
        [FIRST, SECOND], 2, [Shift(16, 32, 8)], BOTH, shift(2 * sample(16, 32), [8, 8])
    ),
    "-c 2 -s 1 150": ([NONE], 2, [1], "00002000000000000000000000", shift(2 * sample(1), [0, 0])),
}  # fmt: skip
TSC = "83cf4d311f0000000000000000000000"


@pytest.mark.parametrize("name", ORACLE)
def test_as_trace_cmd(files: Files, name: str) -> None:
    pids, cpus, shifts, guest, shift = ORACLE[name]
    tracecmd.attach(*files, pids, cpus=cpus, shifts=shifts)
    assert payloads(files.host, OptionId.GUEST) == [guest]
    assert payloads(files.guest, OptionId.TIME_SHIFT) == [shift]
    assert payloads(files.guest, OptionId.TSC2NSEC) == [TSC]


@pytest.mark.parametrize("name", ORACLE)
def test_the_oracle_is_up_to_date(files: Files, name: str) -> None:
    version = reference.tool_version()
    if version is None or version < (3, 4):
        pytest.skip("needs trace-cmd 3.4")
    words = name.split()
    options, pids = words[:4], words[4:]
    done = reference.trace_cmd("attach", *options, *files, *pids)
    assert done is not None
    assert done.returncode == 0, done.stderr
    assert payloads(files.host, OptionId.GUEST) == [ORACLE[name][3]]
    assert payloads(files.guest, OptionId.TIME_SHIFT) == [ORACLE[name][4]]
    assert payloads(files.guest, OptionId.TSC2NSEC) == [TSC]


def test_it_is_a_session(files: Files) -> None:
    """Times are on one clock, vCPUs known, and all else is as it was."""
    before = [raw_records(tracecmd.open(path, raw_ts=True)) for path in files]
    os.chmod(files.guest, 0o640)
    attached = tracecmd.attach(*files, [SECOND, FIRST, THIRD], shifts=[Shift(5000, 4, 1)])
    assert attached == ({0: FIRST, 1: SECOND}, False)
    assert files.guest.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in files.host.parent.iterdir()) == ["guest.dat", "host.dat"]
    assert [raw_records(tracecmd.open(path, raw_ts=True)) for path in files] == before
    with tracecmd.open_session(*files) as session:
        assert [(vcpu.vcpu, vcpu.host_pid) for vcpu in session.vcpus] == [(0, FIRST), (1, SECOND)]
        (name,) = session.guests
        first = session.guests[name].start
        with tracecmd.open(files.host) as host:
            clock = host.tsc2nsec
        assert clock is not None
        # One sample: only its offset counts, as in libtracecmd.
        assert first == (100 + 5000) * clock.mult >> clock.shift
        assert session.notes == ()


def test_each_cpu_has_its_shift(files: Files) -> None:
    """The last one is that of all further CPUs: trace-cmd-attach(1) says so."""
    tracecmd.attach(*files, [FIRST], cpus=4, shifts=[10, Shift(20, 2, 3, 4)])
    with tracecmd.open(files.guest) as guest:
        shifted = guest.time_shift
    assert shifted is not None
    assert shifted.peer_trace_id == HOST_ID
    assert shifted.cpus == (((0, 10, 1, 0),), *3 * (((4, 20, 2, 3),),))


def test_a_thread_alone_keeps_its_vcpu(files: Files) -> None:
    """VCPU 1 is not taken for vCPU 0 because nobody knows that one's thread."""
    assert tracecmd.attach(*files, [SECOND], shifts=[0]).vcpus == {1: SECOND}
    with tracecmd.open(files.host) as host:
        assert [each[1:] for each in host.guests] == [(GUEST_ID, 2, (-1, SECOND))]


def test_no_vcpus_beyond_the_guest_s(files: Files) -> None:
    assert tracecmd.attach(*files, [FIRST, SECOND], cpus=1, shifts=[0]).vcpus == {0: FIRST}


def test_without_shifts_the_guest_stays(files: Files) -> None:
    before = files.guest.read_bytes()
    tracecmd.attach(*files, [FIRST])
    assert files.guest.read_bytes() == before


def test_a_guest_that_is_known(write: Write) -> None:
    """The host's file stays as it is, as with trace-cmd; the guest's gets its shift anew."""
    known = [TraceId(HOST_ID), CLOCK, Guest("G", GUEST_ID, {0: 1})]
    old = [TraceId(GUEST_ID), TimeShift(HOST_ID, [[Sample(1, 2)]]), RawOption(77, b"?"), CLOCK]
    files = Files(write(host_of(options=known), "host.dat"), write(guest_of(options=old), "g.dat"))
    before = files.host.read_bytes()
    assert tracecmd.attach(*files, [FIRST], cpus=1, shifts=[33]) == ({0: FIRST}, True)
    assert files.host.read_bytes() == before
    assert payloads(files.guest, OptionId.TIME_SHIFT) == [shift(sample(33), [0])]
    assert payloads(files.guest, 77) == [b"?".hex()]


def test_a_host_in_cycles(write: Write) -> None:
    """Without TSC2NSEC there, the guest's is dropped: both clocks count cycles then."""
    old = [TraceId(GUEST_ID), CLOCK]
    host, guest = write(host_of(options=[TraceId(HOST_ID)]), "h"), write(guest_of(options=old), "g")
    tracecmd.attach(host, guest, [FIRST], shifts=[1])
    assert payloads(guest, OptionId.TSC2NSEC) == []


@pytest.mark.parametrize("version", [6, 7])
@pytest.mark.parametrize("big_endian", [False, True])
def test_versions_and_byte_orders(write: Write, version: int, big_endian: bool) -> None:
    kinds: dict[str, Any] = {"version": version, "big_endian": big_endian}
    files = Files(write(host_of(**kinds), "host.dat"), write(guest_of(**kinds), "guest.dat"))
    tracecmd.attach(*files, [FIRST, SECOND], shifts=[5])
    with tracecmd.open_session(*files) as session:
        assert [(vcpu.vcpu, vcpu.host_pid) for vcpu in session.vcpus] == [(0, FIRST), (1, SECOND)]
        assert session.host is not None
        assert session.host.version == version
        (guest,) = session.guests.values()
        assert guest.tsc2nsec == (CLOCK.mult, CLOCK.shift, CLOCK.offset)


def test_links_stay_links(files: Files) -> None:
    link = files.host.with_name("link.dat")
    link.symlink_to(files.host.name)
    tracecmd.attach(link, files.guest, [FIRST], shifts=[5])
    assert link.is_symlink()
    assert payloads(files.host, OptionId.GUEST)


# What cannot be attached ------------------------------------------------------------------------


def unchanged(files: Files, **given: Any) -> Exception:
    """The error of arguments that do not work; nothing changes by them."""
    arguments: dict[str, Any] = {"pids": [FIRST], "shifts": [1], **given}
    before = [path.read_bytes() for path in files]
    names = sorted(files.host.parent.iterdir())
    with pytest.raises((ValueError, TypeError, tracecmd.TraceError, OSError)) as caught:
        tracecmd.attach(files.host, files.guest, **arguments)
    assert [path.read_bytes() for path in files] == before
    assert sorted(files.host.parent.iterdir()) == names
    return caught.value


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pids": []}, "pids: none"),
        ({"pids": [1 << 40]}, "pids: none"),
        ({"pids": ["x"]}, "pids='x'"),
        ({"cpus": 0}, "cpus=0"),
        ({"cpus": 1 << 20}, "cpus=1048576"),
        ({"shifts": []}, "shifts: there are none"),
        ({"shifts": [1 << 63]}, "offset=9223372036854775808"),
        ({"shifts": [Shift(0, -1)]}, "scaling=-1"),
        ({"shifts": [Shift(0, 1, 64)]}, "fraction=64"),
        ({"shifts": [Shift(0, 1, 0, -1)]}, "time=-1"),
        ({"shifts": ["x"]}, "'x'"),
    ],
)
def test_arguments(files: Files, given: dict[str, Any], message: str) -> None:
    assert message in str(unchanged(files, **given))


def test_what_does_not_fit(write: Write, files: Files) -> None:
    same = Files(files.host, files.host)
    assert "is the file that is read" in str(unchanged(same))
    no_id = Files(files.host, write(guest_of(options=[]), "no-id.dat"))
    assert "TRACEID" in str(unchanged(no_id))
    no_kvm = Files(write(guest_of(), "no-kvm.dat"), files.guest)
    assert isinstance(unchanged(no_kvm), tracecmd.SessionError)
    gone = Files(files.host, files.guest)
    gone.guest.write_bytes(gone.guest.read_bytes()[:100])
    assert isinstance(unchanged(gone), tracecmd.TraceError)


@pytest.mark.parametrize("calls", [1, 2])
def test_giving_up_changes_nothing(files: Files, calls: int) -> None:
    """Not even the host's file if it is the guest's that cannot be written."""
    left = [calls]

    def give_up(done: int, total: int) -> None:
        left[0] -= done == total
        if not left[0]:
            raise OSError(28, "No space left on device")

    unchanged(files, progress=give_up)


def test_any_damage_is_an_error_or_none(write: Write, tmp_path: Path) -> None:
    """Whatever is cut off, both files change or none does."""
    whole = {"host": host_of().write().data, "guest": guest_of().write().data}
    for name, data in whole.items():
        for end in range(0, len(data), 997):
            files = Files(tmp_path / "host.dat", tmp_path / "guest.dat")
            files.host.write_bytes(whole["host"])
            files.guest.write_bytes(whole["guest"])
            (files.host if name == "host" else files.guest).write_bytes(data[:end])
            before = [path.read_bytes() for path in files]
            try:
                tracecmd.attach(*files, [FIRST, SECOND], shifts=[7])
            except (tracecmd.TraceError, ValueError):
                assert [path.read_bytes() for path in files] == before
            else:
                assert payloads(files.guest, OptionId.TIME_SHIFT)
            assert len(list(tmp_path.iterdir())) == 2


# The command ------------------------------------------------------------------------------------


def test_command(run: Any, files: Files) -> None:
    found = run("attach", "-c", "2", "-s", "-1000,1", *files, "147-150", "184")
    assert found == Result(0, "vCPU 0 -> host PID 147\nvCPU 1 -> host PID 148\n", "")
    again = run("attach", *files, "147")
    assert again[:2] == (0, "vCPU 0 -> host PID 147\n")
    assert "names this guest already" in again.err
    assert "no time shift was given (-s)" in again.err
    with tracecmd.open(files.guest) as guest:
        assert guest.time_shift is not None
        assert guest.time_shift.cpus[0][0].offset == -1000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-s", "x", "H", "G", "1"], "argument -s: 'x' is not a number"),
        (["-s", "1,2,3,4,5", "H", "G", "1"], "is not OFFSET"),
        (["-c", "0", "H", "G", "1"], "argument -c"),
        (["H", "G", "x"], "PID x: not a number"),
        (["H", "G", "9-1"], "PID 9-1"),
        (["H", "G"], "PID"),
        (["-s", "1,-2", "H", "G", "1"], "scaling=-2"),
        (["H", "H", "1"], "is the file that is read"),
    ],
)
def test_wrong_usage(run: Any, files: Files, words: list[str], message: str) -> None:
    names = {"H": str(files.host), "G": str(files.guest)}
    found = run("attach", *[names.get(word, word) for word in words])
    assert found[:2] == (2, "")
    assert message in found.err
    assert found.err.count("\n") == 1


def test_bad_files(files: Files) -> None:
    done = spawn("attach", files.guest, files.host, "147")
    assert done.returncode == 1
    assert b"kvm_entry" in done.stderr
