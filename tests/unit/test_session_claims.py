"""What the caller says of a session, and its files do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd.session import VCpu

from .scenes import Scene


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = Scene({"G": [], "H": [103]}, synchronised=False)
    for ts, pid in ((1000, 101), (2000, 102)):
        made.host.switch(ts, 0, 0, pid)
        made.host.entry(ts + 100, 0, pid)
        made.host.exit(ts + 500, 0, pid)
    made.host.tick(9000, 0)
    made.guests["G"].switch(700_000, 0, 0, 7, comms=("", "task"))
    made.guests["G"].tick(709_000, 1, 8)
    made.guests["H"].tick(1000, 0)
    made.open(tmp_path).close()
    return tmp_path


def test_threads_of_vcpus(folder: Path) -> None:
    claim = {"G": {1: 102, 0: 101}}
    with tracecmd.open_session(folder) as session:
        assert session.vcpus == (VCpu("H", 0, 103),)
    with tracecmd.open_session(folder, vcpus=claim) as session:
        assert session.vcpus == (VCpu("G", 0, 101), VCpu("G", 1, 102), VCpu("H", 0, 103))
        assert session.vcpu(102) == ("G", 1, 102)
        said = [note for note in session.notes if "by the caller's word" in note]
        assert said == [
            "guest 'G': by the caller's word host thread 102 runs its vCPU 1",
            "guest 'G': by the caller's word host thread 101 runs its vCPU 0",
        ]
        assert any("is not recorded" in note for note in session.notes)  # and stays so
        inside = [row[1:6] for row in session.timeline(guests="G") if row.state.endswith("guest")]
        assert inside == [(0, 101, 0, 1100, 1500), (1, 102, 0, 2100, 2500)]
        assert {row.guest_comm for row in session.timeline()} == {None}
        again = session._recording.open()
        assert again.vcpus == session.vcpus  # type: ignore[attr-defined]
        again.close()
    offsets = {folder / "trace-G.dat": -699_000}
    with tracecmd.open_session(folder, vcpus=claim, offsets=offsets) as session:
        tasks = {row.guest_comm for row in session.timeline(guests="G") if row.vcpu == 0}
        assert tasks == {"task"}
        assert [row.ts for row in session.iter(peers="G")] == [1000, 10_000]


@pytest.mark.parametrize(
    ("claim", "error", "says"),
    [
        ({"K": {0: 1}}, tracecmd.UnknownGuestError, "no guest 'K'"),
        ({"G": {2: 101}}, ValueError, r"\[2\]: that guest has 2 CPUs"),
        ({"G": {0: 0}}, ValueError, r"vcpus\['G'\]\[0\]"),
        ({"G": {-1: 5}}, ValueError, "a vCPU"),
        ({"G": {0: 103}}, ValueError, "thread 103 runs vCPU 0 of 'H'"),
        ({"G": {0: 5, 1: 5}}, ValueError, "thread 5 runs vCPU 0 of 'G'"),
        ({"H": {0: 104}}, ValueError, "the host's file says 103"),
        ({"G": [101]}, TypeError, "a thread by vCPU"),
        ({"G": {0: "101"}}, TypeError, r"vcpus\['G'\]\[0\]"),
    ],
)
def test_claims_that_cannot_be(
    folder: Path, claim: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        tracecmd.open_session(folder, vcpus=claim)


def test_without_a_host(folder: Path) -> None:
    with pytest.raises(tracecmd.SessionError, match="no file of the host"):
        tracecmd.open_session(
            "tests/data/i386-v6.dat", "tests/data/i386-lost.dat",
            strangers="include", vcpus={"G": {0: 1}},
        )  # fmt: skip
