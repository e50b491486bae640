"""``tracecmd report`` with the options of trace-cmd-report(1), against the installed trace-cmd."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import tracecmd

from . import corpus, reference

LINE = re.compile(rb"-(\d+) +\[(\d+)\].*? (\d+\.\d{6}): (\S+): ")
KVM_SMALL = corpus.DATA / "sessions" / "kvm-small"


def ours(*arguments: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "tracecmd", "report", "-q", *arguments],
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("path", sorted(corpus.DATA.glob("*.dat")), ids=corpus.name_of)
@pytest.mark.parametrize("kind", ["report", "reportN", "reportR"])
def test_recorded_texts(path: Path, kind: str) -> None:
    """The command on one thread and on two prints the same, and what the reference printed.

    tests/recordings/test_report.py lists and checks what differs from the reference; those
    recordings are compared with themselves here.
    """
    options = {"report": [], "reportN": ["-N"], "reportR": ["-R", "-t"]}[kind]
    text = ours(*options, "-i", str(path))
    assert ours(*options, "--threads", "2", "-i", str(path)) == text
    expected = corpus.oracle(path, kind)
    if expected is None:
        pytest.skip("no such text beside this recording")
    if path.name not in DIFFERENT.get(kind, ()) and path.name not in DIFFERENT["all"]:
        assert text.decode(errors="surrogateescape") == expected


DIFFERENT = {  # docs/report-differences.md
    "all": ("s390x-tc331-broken-marker.dat", "v6-cut.dat", "v7n-cut.dat"),
    "reportR": (
        "s390x-k72-kprobe.dat", "s390x-tc331-kprobe-none.dat", "v7-kprobes.dat", "v7-stack.dat",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        ("-F", "sched_switch:next_pid==0"),
        ("-F", "sched_switch:next_pid==0", "-F", "sched_wakeup"),
        ("-v", "-F", "sched_switch:next_pid==0"),
        ("-F", "sched:common_pid > 100 && next_comm == 'work.sh'"),
        ("--cpu", "1"),
        ("--events",),
        ("--event", "sched:sched_switch"),
        ("--event", "sched"),
        ("-E",),
        ("--first-event",),
        ("--last-event",),
        ("--stat",),
        ("--cpus",),
        ("-e",),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("name", ["i386-v6.dat", "s390x-tc331-v6.dat"])
def test_options(name: str, options: tuple[str, ...]) -> None:
    """What does not depend on the line's layout is the same in trace-cmd 3.1, too."""
    path = str(corpus.DATA / name)
    done = reference.trace_cmd("report", *options, "-i", path)
    if done is None:
        pytest.skip("trace-cmd is not installed")
    theirs = done.stdout
    text = ours(*options, "-i", path)
    if not reference.prints_flags() and options[0] in ("-F", "-v", "--cpu"):
        # Older versions lay lines out otherwise: the same ones have to be there.
        assert LINE.findall(text) == LINE.findall(theirs) != []
        return
    assert text == theirs


def test_session() -> None:
    files = [KVM_SMALL / name for name in ("trace.dat", "trace-Guest1.dat", "trace-Guest2.dat")]
    arguments = [word for file in files for word in ("-i", str(file))]
    assert ours(*arguments).decode() == corpus.read_text(KVM_SMALL / "session.report.txt")
    assert ours("-R", "-t", *arguments).decode() == corpus.read_text(
        KVM_SMALL / "session.reportR.txt"
    )


def test_events_alone() -> None:
    """str(event) is the text behind the event's name; filters and bounds pick lines."""
    path = corpus.DATA / "i386-v6.dat"
    with tracecmd.open(path) as trace:
        lines = b"".join(trace.report()).decode().splitlines()[1:]
        events = list(trace)
        assert len(lines) == len(events)
        for line, event in zip(lines, events, strict=True):
            assert line.split(f": {event.name}: ", 1)[1].lstrip() == str(event).lstrip()
        middle = events[len(events) // 2].ts
        late = b"".join(trace.report(start=middle)).decode().splitlines()[1:]
        assert late == [x for x, e in zip(lines, events, strict=True) if e.ts >= middle]
        some = b"".join(trace.report(filters=["sched_switch:next_pid==0"])).decode()
        assert len(some.splitlines()) == 1 + sum(
            e.name == "sched_switch" and e["next_pid"] == 0 for e in events
        )
        with pytest.raises(tracecmd.FilterError):
            trace.report(filters=["sched_switch:next_pid=="])
        switch = next(e for e in events if e.name == "sched_switch")
        assert "==>" in switch.text()
        assert switch.text(kernel=True).startswith("prev_comm=")


@pytest.mark.parametrize(("window", "text"), [(1, 1 << 25), (1 << 15, 20_000)])
@pytest.mark.parametrize("path", corpus.SHORT[::3], ids=corpus.name_of)
def test_stretches(path: Path, window: int, text: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of the time written side by side join up, those with too much text as well."""
    monkeypatch.setattr("tracecmd.report.text.WINDOW_BYTES", window)
    monkeypatch.setattr("tracecmd.report.text.STRETCH_TEXT", text)
    with tracecmd.open(path) as trace:
        try:
            whole = b"".join(trace.report())
        except tracecmd.TraceError as error:
            with pytest.raises(type(error)):
                b"".join(trace.report(threads=2))
            return
        assert b"".join(trace.report(threads=2)) == whole
        assert b"".join(trace.report(threads=3)) == whole


def test_stretches_of_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracecmd.report.text.WINDOW_BYTES", 1 << 14)
    with tracecmd.open_session(KVM_SMALL) as session:
        assert b"".join(session.report(threads=3)) == b"".join(session.report())


def test_closed_pipe() -> None:
    path = corpus.DATA / "i386-v6.dat"
    done = subprocess.run(
        f"{sys.executable} -m tracecmd report -i {path} | head -1",
        shell=True, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (b"cpus=2\n", b"")


@pytest.mark.parametrize(
    "arguments",
    [["-F", "nosuch:pid==1"], ["-F", "sched_switch:=="]],
    ids=" ".join,
)
def test_wrong_arguments(arguments: list[str]) -> None:
    path = corpus.DATA / "i386-v6.dat"
    done = subprocess.run(
        [sys.executable, "-m", "tracecmd", "report", *arguments, "-i", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("tracecmd: ")
    assert "Traceback" not in done.stderr
