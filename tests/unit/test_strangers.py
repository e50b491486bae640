"""Files that have nothing to do with each other, read together: strangers="include", offsets."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import tracecmd
from tracecmd import Event
from tracecmd.session import SessionRecording

DATA = Path(__file__).parent.parent / "data"
SESSION = DATA / "sessions" / "kvm-small"
FIRST, SECOND = DATA / "i386-v6.dat", DATA / "s390x-tc331-v6.dat"
STRANGERS = [FIRST, SECOND]


def key(event: Event) -> tuple[object, ...]:
    return event.ts, event.cpu, event.buffer, event.raw, str(event)


def test_merged() -> None:
    """All records of both, in order of time, the first file's first where that is the same."""
    with tracecmd.open(FIRST) as first, tracecmd.open(SECOND) as second:
        offset = (first.start or 0) - (second.start or 0)
        rows = [(*key(e), "i386-v6") for e in first]
        rows += [(e.ts + offset, *key(e)[1:], "s390x-tc331-v6") for e in second]
    rows.sort(key=lambda row: row[0])  # type: ignore[arg-type, return-value]
    with tracecmd.open_session(
        *STRANGERS, strangers="include", offsets={SECOND: offset}
    ) as session:
        assert (session.host, dict(session.guests), session.strangers) == (None, {}, ())
        assert list(session.others) == ["i386-v6", "s390x-tc331-v6"]
        assert [(peer.name, peer.role) for peer in session.peers] == [
            ("i386-v6", "other"),
            ("s390x-tc331-v6", "other"),
        ]
        found = [(*key(event), event.peer) for event in session]
        assert found == rows
        assert session.start == rows[0][0]
        assert session.duration == rows[-1][0] - rows[0][0]  # type: ignore[operator]
        assert len([*session.iter(peers="i386-v6")]) == len([r for r in rows if r[-1] == "i386-v6"])
        counted = session.stat()
        assert sum(stat.records for stat in counted.values()) == len(rows)
        table = session.table("sched_switch", columns=["ts", "peer", "next_pid"])
        switches = len([*session.iter("sched_switch")])
        assert sum(len(batch) for batch in table.batches()) == switches > 0
        claim = f"s390x-tc331-v6.dat: by the caller's word {offset:+d} ns are added to its times"
        assert (session.vcpus, session.missing, session.notes) == ((), (), (claim,))
        assert [*session.timeline()] == [*session.join()] == []
        assert "others=['i386-v6', 's390x-tc331-v6']" in repr(session)
    assert session.others["i386-v6"].closed


def test_beside_a_session() -> None:
    """Who is who stays as it is; the others come along."""
    with tracecmd.open_session(SESSION) as alone:
        counted = {name: stat.records for name, stat in alone.stat().items()}
        vcpus, notes = alone.vcpus, alone.notes
    with tracecmd.open_session(FIRST, SESSION, strangers="include") as session:
        assert [peer.name for peer in session.peers] == ["host", "Guest1", "Guest2", "i386-v6"]
        assert (session.vcpus, session.notes) == (vcpus, notes)
        with tracecmd.open(FIRST) as first:
            counted["i386-v6"] = first.stat().records
        assert {name: stat.records for name, stat in session.stat().items()} == counted
        assert session.clock("i386-v6").protocol is None
    with pytest.raises(tracecmd.SessionError, match="does not belong to the session"):
        tracecmd.open_session(FIRST, SESSION)
    with pytest.raises(tracecmd.SessionError, match="no file of a session"):
        tracecmd.open_session(*STRANGERS, strangers="skip")
    with tracecmd.open_session(FIRST, SESSION, strangers="skip") as session:
        assert session.strangers == (str(FIRST),)
        assert not session.others


def test_offsets_of_a_session() -> None:
    """Files of a folder are named with it; a name is a text, bytes or a path."""
    guest = SESSION / "trace-Guest1.dat"
    with tracecmd.open_session(SESSION) as plain:
        before = [event.ts for event in plain.iter(peers="Guest1")]
        host = [event.ts for event in plain.iter(peers="host", end=205_000_000_000)]
    for name in (guest, str(guest), bytes(guest)):
        with tracecmd.open_session(SESSION, offsets={name: -1500}) as session:
            assert [e.ts + 1500 for e in session.iter(peers="Guest1")] == before
            assert [e.ts for e in session.iter(peers="host", end=205_000_000_000)] == host


def test_names(tmp_path: Path) -> None:
    """Files of one name, and of a name that is taken."""
    copies = []
    for folder in "abc":
        (tmp_path / folder).mkdir()
        copies.append(tmp_path / folder / "trace-host.dat")
    for path, original in zip(
        copies, [FIRST, SECOND, DATA / "s390x-tc331-inst-none.dat"], strict=True
    ):
        path.write_bytes(original.read_bytes())
    with tracecmd.open_session(*copies, strangers="include") as session:
        assert list(session.others) == ["host-2", "host-3", "host-4"]
        assert [trace.path for trace in session.others.values()] == list(map(str, copies))
    with pytest.raises(tracecmd.SessionError, match="has the same trace ID"):
        tracecmd.open_session(SESSION / "trace.dat", SESSION / "trace.dat", strangers="include")


def test_wrong_ones() -> None:
    with pytest.raises(ValueError, match=r"""strangers='x'; it is "error", "skip" or "include\""""):
        tracecmd.open_session(*STRANGERS, strangers="x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"offsets: 'nothing.dat' is none of the files"):
        tracecmd.open_session(SESSION, offsets={"nothing.dat": 5})
    with pytest.raises(TypeError, match=r"offsets\['a'\]='b'; it is a whole number"):
        tracecmd.open_session(SESSION, offsets={"a": "b"})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match=r"offsets\['a'\]="):
        tracecmd.open_session(SESSION, offsets={"a": 1 << 63})


def test_recording_is_a_value() -> None:
    with tracecmd.open_session(*STRANGERS, strangers="include", offsets={FIRST: 7}) as session:
        again = pickle.loads(pickle.dumps(session._recording))
        assert isinstance(again, SessionRecording)
        with again.open() as other:
            assert other.start == session.start
