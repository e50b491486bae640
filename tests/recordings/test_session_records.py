"""Records of whole sessions on one clock, against ``report -R -t`` of all files together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tracecmd

from . import corpus

# "   FILE:   COMM-PID [CPU]-0xFLAGS SECONDS.NANOSECONDS: NAME: ...". Cycles stand without the
# point, and without a blank before them from 12 digits on: then the flags are in front.
LINE = re.compile(
    r"^ *(trace.*?\.dat): .*?-(\d+) +\[(\d+)\]"
    r"-0x(?:[0-9a-f]+ +(\d+)\.(\d{9})|([0-9a-f ]+)): (\S+): "
)

Row = tuple[str, int, int, int | str, str]


def reported(folder: Path) -> list[Row]:
    """File, PID, CPU, time and name of each line of the recorded report.

    The time is in ns, or a text that ends in cycles.
    """
    text = corpus.read_text(folder / "session.reportR.txt")
    if text is None or "# exit" in text[-20:]:
        pytest.skip("the reference made no report of this session")
    rows: list[Row] = []
    for line in text.splitlines()[len(list(folder.glob("*.dat"))) :]:
        match = LINE.match(line)
        assert match, line
        file, pid, cpu, seconds, fraction, cycles, name = match.groups()
        ts = cycles if cycles else int(seconds) * 10**9 + int(fraction)
        rows.append((file, int(pid), int(cpu), ts, name))
    return rows


@pytest.mark.parametrize("folder", corpus.SESSIONS, ids=lambda folder: folder.name)
def test_merged_records(folder: Path) -> None:
    """Every record of every peer: the same time to the nanosecond, the same order."""
    expected = reported(folder)
    with tracecmd.open_session(folder) as session:
        file_of = {peer.name: Path(peer.trace.path).name for peer in session.peers}
        got = [(file_of[e.peer], e.pid, e.cpu, e.ts, e.name) for e in session]
    assert len(got) == len(expected)
    for ours, theirs in zip(got, expected, strict=True):
        ts = theirs[3]
        if isinstance(ts, str):
            assert ts.endswith(str(ours[3]))
            ts = ours[3]
        assert ours == (*theirs[:3], ts, theirs[4])


@pytest.mark.parametrize("folder", corpus.SESSIONS, ids=lambda folder: folder.name)
def test_filters_and_threads(folder: Path) -> None:
    """A part of the merge is that part of the whole, on any number of threads."""

    def rows(*args: object, **kwargs: object) -> list[tuple[str, int, int, int]]:
        return [(e.peer, e.cpu, e.ts, e.id) for e in session.iter(*args, **kwargs)]  # type: ignore[arg-type]

    with tracecmd.open_session(folder) as session:
        whole = rows()
        middle = whole[len(whole) // 2][2]
        assert rows(threads=3) == whole
        assert rows(reverse=True) == whole[::-1]
        assert rows(end=middle) + rows(start=middle) == whole
        switches = [(e.peer, e.cpu, e.ts, e.id) for e in session if e.name == "sched_switch"]
        assert rows("sched_switch") == switches
        for peer in session.peers:
            assert rows(peers=[peer.name]) == [row for row in whole if row[0] == peer.name]
        assert sum(stat.records for stat in session.stat(threads=2).values()) == len(whole)


def test_batches_and_report() -> None:
    pytest.importorskip("pyarrow")
    folder = corpus.DATA / "sessions" / "kvm-small"
    with tracecmd.open_session(folder) as session:
        rows = [
            (row["peer"], row["cpu"], row["ts"])
            for batch in session.batches(columns=["ts", "cpu", "peer"], ts="uint64", batch_rows=999)
            for row in batch.to_arrow().to_pylist()
        ]
        assert rows == [(e.peer, e.cpu, e.ts) for e in session]
        text = b"".join(session.report()).decode()
        assert text == corpus.read_text(folder / "session.report.txt")
        assert b"".join(session.report(threads=2)).decode() == text


def test_raw_clocks_and_unknown_peers() -> None:
    folder = corpus.DATA / "sessions" / "kvm-small"
    with tracecmd.open_session(folder) as session, tracecmd.open_session(
        folder, sync=False
    ) as raw:  # fmt: skip
        clock = session.clock("Guest1")
        assert (clock.protocol, clock.samples, clock.unit, clock.tsc2nsec) == (
            "kvm", (2, 2), "cycles", True,
        )  # fmt: skip
        assert session.clock("host").protocol is None
        assert raw.clock("Guest1").protocol is None
        shift = session.guests["Guest1"].time_shift
        assert shift is not None
        tsc = session.guests["Guest1"].tsc2nsec
        assert tsc is not None
        synced = [e.ts for e in session.iter(peers=["Guest1"], cpus=[0])]
        alone = [e.ts for e in raw.iter(peers=["Guest1"], cpus=[0])]
        offset = (shift.cpus[0][0].offset * tsc.mult) >> tsc.shift
        assert all(abs(a + offset - b) <= 1 for a, b in zip(alone, synced, strict=True))
        with pytest.raises(KeyError, match="no peer 'Guest9'"):
            session.iter(peers=["Guest9"])
        with pytest.raises(KeyError, match="did you mean 'sched_switch'"):
            session.iter("sched_swich")
    with pytest.raises(tracecmd.ClosedError):
        session.iter()
