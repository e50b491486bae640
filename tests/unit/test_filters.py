"""Filters that compare what cannot be compared: an error that says what is expected, and where."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tracecmd

from .. import writer
from ..conftest import Trace, Write
from ..writer import Buffer, EventFormat, Field, Machine

# Fields of one name and several types.
MIXED = EventFormat(
    "test",
    "mixed",
    901,
    (
        Field("char n[8]", 8),
        Field("char letter", 1),
        Field("const char * where", "long"),
        Field("unsigned long args[2]", 16, align=8),
        Field("__data_loc u32[] list", 4),
        Field("__data_loc char[] text", 4),
        Field("struct pair pair", 16, align=8),
    ),
    '"n=%s", REC->n',
)
DO_ONE = 0xFFFFFFFF81000100


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    switch = writer.SCHED_SWITCH.values
    events = [
        (1000, switch(pid=1, prev_pid=1, prev_state=0, next_pid=17, next_comm="a")),
        (2000, switch(pid=17, prev_pid=17, prev_state=0x53, next_pid=1, next_comm="S")),
        (3000, writer.TICK.values(pid=1, n=7)),
        (4000, MIXED.values(pid=1, n="7", letter=ord("S"), where=DO_ONE, text="x")),
        (5000, MIXED.values(pid=1, n="S", letter=1, where=5, text="S")),
    ]
    pages = writer.fill_pages(events, Machine(False, 8))
    trace = Trace(events=(*writer.EVENTS, MIXED), buffers=[Buffer(cpus={0: pages})])
    path: Path = tmp_path_factory.mktemp("filters") / "trace.dat"
    path.write_bytes(trace.write().data)
    return path


def shown(path: Path, where: str) -> list[int]:
    """Times of the records that the command lets through, in us."""
    done = report(path, where)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    lines = done.stdout.splitlines()[1:]
    return [round(float(line.split("] ")[1].split()[1].rstrip(":")) * 1e6) for line in lines]


def report(path: Path, where: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tracecmd", "report", "-F", where, "-i", path]
    return subprocess.run(command, capture_output=True, text=True, check=False)


NOTHING_TO_COMPARE = {  # what is wrong, in both languages
    "sched_switch: prev_state == TASK_RUNNING": (
        "no event with 'prev_state' has a field 'TASK_RUNNING'; a number, a string in quotes or a "
        "field is expected on the right (character 29)"
    ),
    "prev_state == n": "no event with 'prev_state' has a field 'n'",
    "bogus == BOGUS": "no event with 'bogus' has a field 'BOGUS'",
    "3 == BOGUS": "no event with '3' has a field 'BOGUS'",
    "!(CPU == BOGUS) && prev_pid > 0": "no event with 'CPU' has a field 'BOGUS'",
    "sched_switch: prev_state == 'S'": (
        "'prev_state' is a number; a number is expected, not 'S' (character 29)"
    ),
    "'S' != prev_state": "''S'' is a number; a number is expected, not prev_state",
    'sched_switch: prev_pid == "bash"': "'prev_pid' is a number; a number is expected",
    "prev_pid =~ '^0x'": "'prev_pid' is a number; a number is expected, not '^0x' (character 13)",
    "prev_pid !~ '1'": "'prev_pid' is a number; a number is expected, not '1' (character 13)",
    'prev_pid ~ "1*"': "'prev_pid' is a number; a number is expected, not \"1*\" (character 12)",
    'prev_state != "S"': "'prev_state' is a number; a number is expected, not \"S\" (character 15)",
    "CPU == '1'": "'CPU' is a number; a number is expected, not '1'",
    "next_pid == next_comm": "'next_pid' is a number; a number is expected, not next_comm",
    "sched_switch: prev_comm == 3": (
        "'prev_comm' is text; a string in quotes is expected, not '3' (character 28)"
    ),
    "prev_comm & 1": "'prev_comm' is text; a string in quotes is expected, not '1'",
    "prev_comm == next_comm": "'prev_comm' is text; a string in quotes is expected",
    "mixed: text == 0": "'text' is text; a string in quotes is expected",
    "args == 3": "'args' and '3' cannot be compared, one is an array",
    "3 < list": "'3' and 'list' cannot be compared, one is an array",
    "pair != 0": "'pair' and '0' cannot be compared, one is an array",
    "pair == 'some text'": "'pair' and ''some text'' cannot be compared, one is an array",
    "COMM == 3": "a string stands on the right, in quotes",
    "CPU == 'one'": "only a field can be compared with a string",
}


@pytest.mark.parametrize("where", NOTHING_TO_COMPARE)
def test_nothing_to_compare(path: Path, where: str) -> None:
    with tracecmd.open(path) as trace:
        with pytest.raises(tracecmd.FilterError) as caught:
            trace.table(where=where)
        told = f"{path}: filter: {NOTHING_TO_COMPARE[where]}"
        assert told in str(caught.value)
        with pytest.raises(tracecmd.FilterError) as caught:
            trace.report(filters=[where if ":" in where else f".*:{where}"])
        assert told.partition(" (character")[0] in str(caught.value)


def test_nothing_to_compare_on_the_command_line(path: Path) -> None:
    done = report(path, "sched_switch: prev_state == TASK_RUNNING")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"tracecmd: {path}: filter: no event with 'prev_state' has a field ")
    done = report(path, "prev_state == 1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(": filter: EVENTS: is expected, in front of prev_state == 1\n")


CAN_COMPARE: dict[str, list[int]] = {  # the records, by their times in us
    # One event that has the fields, and of the right type, is enough.
    "n == 7": [3],
    'n == "7"': [4],
    "n == 'S'": [5],
    "!(n == 7)": [1, 2, 4, 5],
    "prev_pid == 1 || n == 7": [1, 3],
    "prev_pid == next_pid || n == 7": [3],
    # A single character is text to a text, and a number to a byte.
    "next_comm == 'a'": [1],
    "next_comm != 'a'": [2],
    "COMM == 'x'": [],
    "letter == 'S'": [4],
    "'S' == letter": [4],
    "letter == 0x53": [4],
    "text =~ 's'": [5],
    # Addresses are compared with names of functions, too.
    "where == 'do_one'": [4],
    "where == 5": [5],
    # Common fields are numbers everywhere.
    "common_pid == 17 && CPU == 0": [2],
}


@pytest.mark.parametrize("where", CAN_COMPARE)
def test_can_compare(path: Path, where: str) -> None:
    pytest.importorskip("pyarrow")
    expected = CAN_COMPARE[where]
    with tracecmd.open(path) as trace:
        found = trace.table(columns=["ts"], where=where, ts="uint64").to_arrow()["ts"].to_pylist()
    assert found == [1000 * time for time in expected]
    assert shown(path, f".*:{where}") == expected


MIXED_OPERATORS = {  # and what trace-cmd takes it for
    "prev_pid == 1 || prev_pid == 17 && next_pid == 1": ([2], "&&", 33),
    "prev_pid == 1 && next_pid == 17 || next_pid == 1": ([1, 2], "||", 33),
    "n == 7 || (prev_pid == 1 || next_pid == 1 && prev_pid == 17)": ([2, 3], "&&", 43),
}


@pytest.mark.parametrize("where", MIXED_OPERATORS)
def test_mixed_operators(path: Path, where: str) -> None:
    """C has && before ||, trace-cmd goes from left to right: in Python one has to say."""
    expected, operator, place = MIXED_OPERATORS[where]
    told = f"&& and || are mixed: parentheses have to say which goes first, at '{operator}' "
    with tracecmd.open(path) as trace:
        with pytest.raises(tracecmd.FilterError) as caught:
            trace.table(where=where)
        assert f"filter: {told}(character {place})" in str(caught.value)
    assert shown(path, f".*:{where}") == expected


def test_operators_apart(path: Path) -> None:
    pytest.importorskip("pyarrow")
    with tracecmd.open(path) as trace:
        for where, expected in {
            "prev_pid == 1 || (prev_pid == 17 && next_pid == 1)": [1000, 2000],
            "(prev_pid == 1 || prev_pid == 17) && next_pid == 1": [2000],
            "n == 7 || prev_pid == 1 || prev_pid == 17": [1000, 2000, 3000],
            "!(prev_pid == 1 && next_pid == 17) && (CPU == 0 && n == 7)": [3000],
        }.items():
            table = trace.table(columns=["ts"], where=where, ts="uint64")
            assert table.to_arrow()["ts"].to_pylist() == expected, where


def test_digits_as_text(path: Path) -> None:
    """Trace-cmd compares a text with the hexadecimal digits of a number; where= does not."""
    for where, expected in {
        "sched_switch:prev_pid == '0x11'": [2],
        "sched_switch:prev_pid != '0x11'": [1],
    }.items():
        assert shown(path, where) == expected
        with (
            tracecmd.open(path) as trace,
            pytest.raises(tracecmd.FilterError, match="'prev_pid' is a number"),
        ):
            trace.table(where=where)


def test_unknown_on_the_left(path: Path) -> None:
    """False in trace-cmd, which says nothing; the command tells of it, Python's where= refuses."""
    with tracecmd.open(path) as trace:
        with pytest.raises(tracecmd.UnknownFieldError, match="did you mean 'prev_pid'"):
            trace.table(where="prev_pidd == 3")
        assert len(b"".join(trace.report(filters=[".*:prev_pidd == 3"])).splitlines()) == 1
    done = report(path, ".*:prev_pidd == 3 || n == 7")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2
    warning = f"tracecmd: warning: {path}: filter: none of its events has a field prev_pidd\n"
    assert done.stderr == warning
    quiet = [sys.executable, "-m", "tracecmd", "report", "-q", "--pid", "17", "-i", path]
    assert subprocess.run(quiet, capture_output=True, check=True).stderr == b""


def test_files_of_a_session(write: Write, tmp_path: Path) -> None:
    """One peer that has the field is enough, as one event is."""
    guest = EventFormat("test", "tick", 900, (Field("u32 m", 4),), '"m=%u", REC->m')
    host_pages = writer.fill_pages([(1000, writer.TICK.values(pid=1, n=7))], Machine(False, 8))
    guest_pages = writer.fill_pages([(2000, guest.values(pid=1, m=7))], Machine(False, 8))
    folder = tmp_path / "session"
    folder.mkdir()
    host = Trace(
        options=[writer.TraceId(1), writer.Guest("g", 2, {0: 17})],
        buffers=[Buffer(cpus={0: host_pages})],
    )
    peer = Trace(
        events=(guest,),
        options=[writer.TraceId(2)],
        buffers=[Buffer(cpus={0: guest_pages})],
    )
    (folder / "trace.dat").write_bytes(host.write().data)
    (folder / "trace-g.dat").write_bytes(peer.write().data)
    pytest.importorskip("pyarrow")
    with tracecmd.open_session(folder) as session:
        for where, count in {
            "n == 7": 1,
            "m == 7": 1,
            "n == 7 || m == m": 2,
            "n == n && !(m == 1)": 1,
        }.items():
            found = session.table("tick", columns=["peer"], where=where).to_arrow()
            assert found.num_rows == count, where
        for where in ("n == m", "m == 'x'", "n == 7 || n == m"):
            with pytest.raises(tracecmd.FilterError):
                session.table("tick", columns=["peer"], where=where)
