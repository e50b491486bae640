"""The command: what it prints, what it returns, and that no file brings a traceback."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd.cli._times import nanoseconds

from ..conftest import Trace, Write
from ..recordings import corpus
from ..writer import (
    TICK,
    Buffer,
    CpuStat,
    Date,
    Event,
    Guest,
    Hook,
    Machine,
    Offset,
    Page,
    RawOption,
    Sample,
    TextBuffer,
    TimeShift,
    TraceId,
    Tsc2Nsec,
    Uname,
    Version,
)
from .conftest import KVM_SMALL, SESSION, TRACE_DAT, Result, spawn

# --- session -----------------------------------------------------------------------------------


def test_session(run: Any) -> None:
    expected = Result(0, SESSION.format(folder=KVM_SMALL), "")
    assert run("session", KVM_SMALL) == expected
    files = sorted(KVM_SMALL.glob("*.dat"))
    assert run("session", *files) == run("session", *reversed(files)) == expected


def test_session_json(run: Any) -> None:
    code, out, err = run("session", "--json", KVM_SMALL)
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [(p["role"], p["name"]) for p in found["peers"]] == [
        ("host", "host"),
        ("guest", "Guest1"),
        ("guest", "Guest2"),
    ]
    assert found["peers"][0]["trace_id"] == "0xfcfc5be6c56b1b53"
    assert found["peers"][1]["synchronised_with"] == found["peers"][0]["trace_id"]
    assert found["peers"][1]["vcpus"] == [
        {"vcpu": 0, "host_pid": 187},
        {"vcpu": 1, "host_pid": 189},
    ]
    assert found["vcpus"][-1] == {"guest": "Guest2", "vcpu": 0, "host_pid": 320}
    assert found["missing"] == found["strangers"] == found["notes"] == []


@pytest.mark.parametrize("folder", corpus.SESSIONS, ids=lambda folder: folder.name)
def test_every_session(run: Any, folder: Path) -> None:
    code, out, err = run("session", folder)
    assert (code, err) == (0, "")
    with tracecmd.open_session(folder) as session:
        for peer in session.peers:
            assert f"{peer.trace.path}\n" in out
            assert f"trace ID {peer.trace.trace_id:#x}," in out
        for vcpu in session.vcpus:
            assert f"  vCPU {vcpu.vcpu} -> host PID {vcpu.host_pid}\n" in out
        assert [line for line in out.splitlines() if line.startswith("note: ")] == [
            f"note: {note}" for note in session.notes
        ]
        found = json.loads(run("session", "--json", folder).out)
        assert found["notes"] == list(session.notes)
        assert [tuple(vcpu.values()) for vcpu in found["vcpus"]] == list(session.vcpus)


def test_strangers(run: Any) -> None:
    stranger = corpus.DATA / "i386-v6.dat"
    code, out, err = run("session", KVM_SMALL, stranger)
    assert (code, out) == (1, "")
    assert err.startswith(f"tracecmd: {stranger}: ")
    assert err.count("\n") == 1
    code, out, err = run("session", "--skip-strangers", stranger, KVM_SMALL)
    assert (code, out) == (0, SESSION.format(folder=KVM_SMALL))
    assert err == f"tracecmd: warning: {stranger}: left out, of another session\n"


def test_session_without_trace_ids(run: Any, write: Write) -> None:
    path = write(Trace(clock=""))
    code, out, err = run("session", path)
    assert (code, err) == (0, "")
    assert "trace ID none, clock not recorded, CPUs: 1" in out
    assert json.loads(run("session", "--json", path).out)["peers"][0]["trace_id"] is None


def test_missing_guest_is_told(run: Any) -> None:
    out = run("session", KVM_SMALL / "trace.dat", KVM_SMALL / "trace-Guest1.dat").out
    assert "note: guest 'Guest2': its file is not here\n" in out


# --- info --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", corpus.ALL, ids=corpus.name_of)
def test_info_of_every_recording(run: Any, path: Path) -> None:
    text = run("info", "--options", path)
    machine = run("info", "--options", "--json", path)
    assert text.code == machine.code == 0
    assert text.err == machine.err
    warnings = text.err.splitlines()
    for pattern, line in zip(corpus.PROBLEMS.get(path.name, []), warnings, strict=True):
        assert line.startswith("tracecmd: warning: ")
        assert re.search(pattern, line)
    (found,) = json.loads(machine.out)
    with tracecmd.open(path) as trace:
        assert found["path"] == str(path)
        assert found["version"] == trace.version
        assert found["size"] == path.stat().st_size
        assert found["trace_id"] == (f"{trace.trace_id:#x}" if trace.trace_id else None)
        assert [guest["cpu_pid"] for guest in found["guests"]] == [
            list(guest.cpu_pid) for guest in trace.guests
        ]
        assert [option["id"] for option in found["options"]] == [o.id for o in trace.options]
        assert [buffer["name"] for buffer in found["buffers"]] == [b.name for b in trace.buffers]
        assert f"version {trace.version}, {trace.byteorder}-endian" in text.out
        assert f"  trace ID:     {found['trace_id'] or 'none'}\n" in text.out
        assert text.out.startswith(f"{path}\n")
        for buffer in trace.buffers:
            for cpu, offset, size in buffer.cpus:
                assert f"      CPU {cpu}: {size} bytes at {offset}\n" in text.out


def test_info_of_a_written_file(run: Any, write: Write) -> None:
    path = write(
        Trace(
            compression="zlib",
            options=[
                TraceId(0x77),
                Uname("Linux box 6.12"),
                Version("3.3.1 id"),
                Guest("Guest1", 0x99, {0: 5, 1: -1}),
                Guest("Guest2", 0x98),
                Tsc2Nsec(5, 6, 7),
                TimeShift(0x12, [[Sample(1, 2)], [Sample(1, 2), Sample(3, 4)]]),
                Date(3),
                Offset(-10),
                CpuStat("CPU: 0\nentries: 1\n"),
                Hook("a,b/c,d"),
                RawOption(999, bytes(range(70))),
                RawOption(998, b"\x01\x02"),
            ],
            buffers=[
                Buffer(cpus={0: [Page(1, [Event(0, TICK.values())])]}),
                Buffer("empty"),
                TextBuffer("# tracer: x\n", name="words"),
            ],
        )
    )
    code, out, err = run("info", "--options", path)
    assert (code, err) == (0, "")
    for line in (
        "  format:       version 7, little-endian, 8-byte long, 4096-byte pages, "
        "compression zlib 1.2.13",
        "  machine:      Linux box 6.12",
        "  recorder:     trace-cmd 3.3.1 id",
        "  cpus:         1",
        "  clock:        local",
        "  trace ID:     0x77",
        "  tsc2nsec:     mult 5, shift 6",
        "  date offset:  3000 ns",
        "  time offset:  -10 ns",
        "  time shift:   against 0x12, samples per CPU: 1, 2, interpolated",
        "    Guest1  0x99  host threads: 5, -1",
        "    Guest2  0x98  host threads: not recorded",
        "    (top), clock local, 4096-byte pages:",
        "    empty, clock local, 4096-byte pages:",
        "      no data",
        "          Guest1, trace ID 0x99",
        "          vCPU 0: host PID 5",
        "          mult 5, shift 6, offset 7",
        "          a,b/c,d",
        "          01 02",
        "    kallsyms                   " + f"{len(Trace().kallsyms)} bytes",
    ):
        assert f"\n{line}\n" in out, line
    assert "3e 3f ...\n" in out  # 64 bytes of 70
    assert "    words, clock local: text of a latency tracer, " in out
    assert "  options:" not in run("info", path).out


def test_info_of_several(run: Any, write: Write) -> None:
    """A bad file does not keep the others from being described."""
    good, bad = write(Trace(options=[TraceId(1)]), "good.dat"), write(b"nothing", "bad.dat")
    missing = good.parent / "missing.dat"
    code, out, err = run("info", good, bad, missing, good)
    assert code == 1
    assert out.count(f"{good}\n") == 2
    assert [line.split(": ")[1] for line in err.splitlines()] == [str(bad), str(missing)]
    code, out, err = run("info", "--json", bad, good)
    assert code == 1
    assert [entry["path"] for entry in json.loads(out)] == [str(good)]


def test_problems_are_warnings(run: Any, write: Write) -> None:
    file = Trace(options=[TraceId(1), Guest("Guest1", 9, {0: 7})]).write()
    path = write(file.change("option GUEST/vCPU", 7))
    for command in ("info", "session"):
        code, out, err = run(command, path)
        assert code == 0
        assert str(path) in out
        assert err.startswith(f"tracecmd: warning: {path}: option GUEST")
        assert err.count("\n") == 1
    assert len(json.loads(run("info", "--json", path).out)[0]["problems"]) == 1


# --- values that options cannot have -------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "says"), [
    (["report", "--ts2secs", "-1"], "report: argument --ts2secs: '-1' is not a number from 0 to"),
    (["report", "--ts2secs", str(1 << 64)], "report: argument --ts2secs:"),
    (["report", "--ts2secs", "1_0"], "report: argument --ts2secs:"),
    (["report", "--ts-offset", str(1 << 63)], "report: argument --ts-offset:"),
    (["report", "--ts-offset", "1.5"], "report: argument --ts-offset:"),
    (["report", "--threads", "0"], "report: argument --threads: '0' is not a number from 1 to"),
    (["report", "--threads", "9" * 5000], "report: argument --threads:"),
    (["report", "--cpu", "0-x"], "report: argument --cpu: '0-x' is not a list of CPUs"),
    (["report", "--cpu", "\u00b2"], "report: argument --cpu:"),
    (["report", "--event", "["], "report: argument --event: '['"),
    (["report", "--event", "a:("], "report: argument --event: 'a:('"),
    (["stat", "--threads", "-1"], "stat: argument --threads:"),
    (["export", "--threads", "0", "-o", "x.csv"], "export: argument --threads:"),
    (["export", "-o", "x.csv", "--start", "soon"], "soon: not a time"),
    (["export", "-o", "x.csv", "--end", "\u00b2"], "\u00b2: not a time"),
    (["export", "-o", "x.csv", "--start", "1.0123456789"], "1.0123456789: not a time"),
    (["session", "--start", "-"], "-: not a time"),
], ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "")  # fmt: skip
def test_values_that_cannot_be(run: Any, arguments: list[str], says: str) -> None:
    code, out, err = run(*arguments, TRACE_DAT)
    assert (code, out) == (2, "")
    assert err.startswith(f"tracecmd: {says}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(("text", "ns"), [
    ("20000000000", 20 * 10**18), ("-0.5", -(10**9) // 2), ("-1.25", -1_250_000_000),
    ("+3", 3 * 10**9),
    (".5", 5 * 10**8), ("5.", 5 * 10**9), ("7ns", 7), ("-7ns", -7), (f"{10**30}ns", 10**30),
])  # fmt: skip
def test_times(text: str, ns: int) -> None:
    assert nanoseconds(text) == ns


def test_times_beyond_all_time(run: Any, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    for start, end, lines in (("20000000000", "30000000000", 1), ("-5", "-1", 1)):
        out = tmp_path / "out.csv"
        how = ["-q", "-o", out, "-e", "sched_switch", f"--start={start}", f"--end={end}"]
        code, printed, err = run("export", TRACE_DAT, *how)
        assert (code, printed) == (0, "")
        assert "has no records from" in err
        assert len(out.read_text().splitlines()) == lines


def test_very_many_cpus(run: Any) -> None:
    few = run("report", "-q", "--cpu", "0-1", TRACE_DAT)
    assert few.code == 0
    assert run("report", "-q", "--cpu", f"0-{10**15}", TRACE_DAT) == few


def test_aligned_time_stamps_of_late_traces(run: Any, write: Write) -> None:
    late = (1 << 63) + 5000
    tick = TICK.values(n=1).encode(Machine(False, 8))
    pages = [Page(late + n, [Event(0, tick)]) for n in (0, 7000)]
    path = write(Trace(buffers=[Buffer(cpus={0: pages})]))
    code, out, err = run("report", "--align-ts", "-t", path)
    assert (code, err) == (0, "")
    assert re.findall(r"\d\.\d{9}:", out) == ["0.000000000:", "0.000007000:"]


# --- names that are meant to annoy --------------------------------------------------------------

ODD = "\x1b[31mred\nline\r\x07\u202e"


def clean(text: str) -> bool:
    return all(character.isprintable() for character in text.replace("\n", ""))


def test_odd_names_in_files(run: Any, write: Write) -> None:
    options = [TraceId(5), Uname(ODD), Version(ODD), Guest(ODD, 6, {0: 1}), CpuStat(ODD)]
    path = write(
        Trace(options=options, buffers=[Buffer(ODD, cpus={0: [Page(1)]})], clock=ODD), "trace.dat"
    )
    guest = write(
        Trace(options=[TraceId(6), TimeShift(5, [[Sample(0, 1)]]), Uname(ODD)]), "guest.dat"
    )
    for arguments in (["info", "--options", path], ["session", path], ["session", path, guest]):
        code, out, err = run(*arguments)
        assert (code, err) == (0, "")
        assert clean(out)
        assert r"\x1b[31mred\nline\r\x07" in out
        machine = run(*arguments, "--json")
        assert machine.code == 0
        json.loads(machine.out)
        assert json.dumps(ODD)[1:-1] in machine.out


def test_odd_file_names(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "\x1b[31m\n.dat"
    path.write_bytes(b"nothing")
    code, _, err = run("info", path)
    assert code == 1
    assert clean(err)
    assert err.count("\n") == 1
    path.write_bytes(Trace().write().data)
    for command in ("info", "session"):
        code, out, err = run(command, path)
        assert (code, err) == (0, "")
        assert clean(out)
        assert out.splitlines()[0].endswith(r"\x1b[31m\n.dat")


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are UTF-8 there")
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_names_that_are_not_utf8(tmp_path: Path, encoding: str) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\xc3\xbc.dat"
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    result = spawn("info", path, env=environment)
    assert result.returncode == 1
    assert result.stderr.count(b"\n") == 1
    assert b"Traceback" not in result.stderr
    with open(path, "wb") as file:
        file.write(Trace(saved_cmdlines=b"1 \xff\n", options=[Uname("\u00fc")]).write().data)
    for arguments in (["info", "--options"], ["info", "--json"], ["session"]):
        result = spawn(*arguments, path, env=environment)
        assert result.returncode == 0, result.stderr
        assert result.stderr == b""
        assert b"\\udcff" in result.stdout
