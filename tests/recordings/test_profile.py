"""Profiles against recorded texts of the reference, trace-cmd 3.4, and what it cannot tell.

Of each case tests/data/profiles/NAME.txt.xz is what it printed. The order that it leaves to chance
is made the same for both: docs/report-differences.md, "Profiles".
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import tracecmd

from .. import writer
from . import corpus, made, made_profile


class Case(NamedTuple):
    """What is asked of a file in tests/data, or of one that is made."""

    recording: str
    options: str = ""


HOOKS = "-G -H send,key,to/test:receive,found,p -H irq_handler_exit,irq/raw_syscalls:sys_enter,id,G"
CASES = {
    "lost": Case("i386-lost.dat"),
    "by-cpu": Case("arm64-16k-subbuf64.dat", "-G"),
    "by-comm": Case("s390x-tc331-v6.dat", "--by-comm"),
    "functions": Case("k72-fgraph.dat"),
    "filtered": Case("k72-power.dat", "-F sched,power -v -F sched_switch:next_pid==0 --cpu 0"),
    "made": Case("made"),
    "made-by-comm": Case("made", "--by-comm"),
    "made-hooks": Case("made", HOOKS),
    "made-recorded-hook": Case("made-hook", "-H tick,n/receive,found"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files are that are made."""
    path: Path = tmp_path_factory.mktemp("made")
    (path / "made").write_bytes(made_profile.profiled())
    (path / "made-hook").write_bytes(made_profile.profiled("test:send,key/test:receive,found,g"))
    return path


def path_of(case: Case, folder: Path) -> Path:
    return (folder if case.recording.startswith("made") else corpus.DATA) / case.recording


def ours(*words: str | Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "tracecmd", "report", "-q", "--profile", *words]
    return subprocess.run(command, capture_output=True, check=False)


# --- the same but for chance -------------------------------------------------------------------

Lines = list[bytes]
EVENT = re.compile(rb"  Event: (func|[^:]*):.* \(-?\d+\)(?: Total: (-?\d+) .*)?$")


def tables(text: bytes) -> Iterator[tuple[bytes, list[Lines]]]:
    """The line above each table, and its events, each with the lines of its stacks."""
    head, events = b"", []
    for line in text.split(b"\n"):
        if line.startswith((b"task: ", b"group: ", b"Global ", b"instance: ")):
            yield head, events
            head, events = line, []
        elif EVENT.match(line):
            events.append([line])
        elif line:
            (events[-1] if events else events.append([]) or events[-1]).append(line)
    yield head, events


def settled(text: bytes) -> list[tuple[bytes, list[Lines]]]:
    """With events of a table that are alike in order, and groups."""
    done = []
    for head, events in tables(text):
        runs: list[list[Lines]] = []
        for event in events:
            match = EVENT.match(event[0])
            like = EVENT.match(runs[-1][0][0]) if runs else None
            if match and like and match.groups() == like.groups():
                runs[-1].append(event)
            else:
                runs.append([event])
        done.append((head, [event for run in runs for event in sorted(run)]))
    groups = sorted(table for table in done if table[0].startswith(b"group: "))
    first = next((i for i, table in enumerate(done) if table[0].startswith(b"group: ")), 0)
    return done[:first] + groups + done[first + len(groups) :]


def without_hooks(theirs: bytes) -> bytes:
    return re.sub(rb"^start .* end .*\n", b"", theirs, flags=re.MULTILINE)


@pytest.mark.parametrize("name", CASES)
def test_recorded(name: str, folder: Path) -> None:
    case = CASES[name]
    done = ours("-i", path_of(case, folder), *case.options.split())
    assert (done.returncode, done.stderr) == (0, b"")
    theirs = corpus.read_bytes(corpus.DATA / "profiles" / f"{name}.txt")
    assert theirs is not None
    theirs = without_hooks(theirs)
    assert len(done.stdout) == len(theirs)
    assert settled(done.stdout) == settled(theirs)
    if name == "functions":  # nothing is left to chance there
        assert done.stdout == theirs


REPORTED_OTHERWISE = {"s390x-tc331-broken-marker", "v6-cut", "v7n-cut", "v7-kprobes"}
"""Recordings of which the reference does not read all: docs/report-differences.md."""


@pytest.mark.skipif("TRACECMD_PROFILE_PEER" not in os.environ, reason="takes long")
@pytest.mark.parametrize("options", [[], ["-G"], ["--by-comm"]], ids=["", "-G", "--by-comm"])
def test_all(options: list[str]) -> None:
    """All recordings that there are; the variable has the command of trace-cmd 3.4."""
    peer = shlex.split(os.environ["TRACECMD_PROFILE_PEER"])
    compared = 0
    for path in corpus.SINGLE:
        command = [*peer, "report", "--profile", *options, "-i", path]
        theirs = subprocess.run(command, capture_output=True, check=False)
        with tracecmd.open(path) as trace:
            wakes = "sched:sched_switch" not in trace.events or "sched:sched_wakeup" in trace.events
            other = path.stem in REPORTED_OTHERWISE
            if theirs.returncode or not wakes or other:
                continue
        done = ours("-i", path, *options)
        assert settled(done.stdout) == settled(without_hooks(theirs.stdout)), path.name
        compared += 1
    assert compared > 10


# --- what the reference cannot tell ------------------------------------------------------------


def test_without_wakeups() -> None:
    """Times off the CPU go from switch to switch where wake-ups are not known."""
    sums: dict[tuple[int, str], list[int]] = {}
    open_: dict[int, list[tuple[int, int]]] = {}
    letters = "SDTtXZxKWP"
    with tracecmd.open(corpus.DATA / "k72-markers.dat") as trace:
        assert "sched:sched_wakeup" not in trace.events
        for event in trace.iter("sched_switch"):
            state = event["prev_state"] & 1023
            open_.setdefault(event["prev_pid"], []).append((event.ts, state))
            if open_.get(event["next_pid"]):
                since, state = open_[event["next_pid"]].pop()
                name = "".join(c for i, c in enumerate(letters) if state >> i & 1) or "R"
                sums.setdefault((event["next_pid"], name), []).append(event.ts - since)
        text = b"".join(trace.profile(filters="sched_switch")).decode()
    found = re.findall(r"task: .*-(\d+)$|sched_switch:(\w+) \((\d+)\) Total: (\d+) ", text, re.M)
    pid, told = 0, {}
    for task, name, count, total in found:
        pid = int(task) if task else pid
        if name:
            told[pid, name] = int(count), int(total)
    assert told == {key: (len(times), sum(times)) for key, times in sums.items()}
    assert len(told) > 10


def test_several_files(folder: Path) -> None:
    """The last file's tables come first, and the tasks of each are its own."""
    first, second = folder / "made", corpus.DATA / "k72-sched.dat"
    alone = [ours("-i", path).stdout.split(b"\n", 1)[1] for path in (first, second)]
    both = ours("-i", first, "-i", second).stdout
    assert both == b"         made: cpus=2\nk72-sched.dat: cpus=2\n" + alone[1] + alone[0]
    files = sorted((corpus.DATA / "sessions" / "kvm-small").glob("*.dat"))
    with tracecmd.open_session(*files) as session:
        assert len(session.peers) == 3
        text = b"".join(session.profile(hooks="softirq_raise,vec/softirq_exit,vec"))
        assert text.count(b"\ntask: swapper/0-0\n") == len(session.peers)
        assert b"Event: softirq_raise:0x7 (" in text
        with pytest.raises(ValueError, match="there is no event nosuch"):
            session.profile(hooks="nosuch,a/softirq_exit,vec")


def test_instances(tmp_path: Path) -> None:
    """Each instance has tables of its own below its name."""
    machine = writer.Machine(False, 8)
    records = [(1000, writer.TICK.values(pid=17, n=1)), (9000, writer.TICK.values(pid=1, n=2))]
    cpus = {0: writer.fill_pages(records, machine)}
    buffers = [writer.Buffer(cpus=cpus), writer.Buffer("b", cpus), writer.Buffer("a", cpus)]
    path = tmp_path / "instances.dat"
    path.write_bytes(writer.Trace(buffers=buffers).write().data)
    tasks = b"\ntask: init-1\n  Event: tick:0x2 (1)\n\ntask: worker/0:1-17\n  Event: tick:0x1 (1)\n"
    head = b"cpus=1\n"
    expected = head + tasks + b"\ninstance: b\n" + tasks + b"\ninstance: a\n" + tasks
    assert ours(path).stdout == expected


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("long_size", [4, 8])
def test_stacks_of_all_machines(big_endian: bool, long_size: int, tmp_path: Path) -> None:
    """Addresses are told as they were recorded, the last of them before one of all ones."""
    machine = writer.Machine(big_endian, long_size)
    stack = b"".join(machine.pack(long_size, 0x81000110 + n * 0x80) for n in range(2))
    records = [
        (1000, writer.TICK.values(pid=17, n=1)),
        (1001, made_profile.STACK.values(pid=17, caller=stack + b"\xff" * long_size)),
    ]
    path = tmp_path / "stack.dat"
    trace = writer.Trace(
        big_endian=big_endian, long_size=long_size,
        kallsyms="81000100 T do_one\n81000180 t do_two\n",
        ftrace_events=(*writer.FTRACE_EVENTS, made_profile.STACK),
        buffers=[writer.Buffer(cpus={0: writer.fill_pages(records, machine)})],
    )  # fmt: skip
    path.write_bytes(trace.write().data)
    lines = [line.strip() for line in ours(path).stdout.splitlines()]
    assert lines[3:] == [
        b"Event: tick:0x1 (1)", b"|", b"+ do_one (0x81000110)", b"100% (1)",
        b"0x81000190", b"", b"",
    ]  # fmt: skip


# --- what cannot be ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ("send", "is not a hook: [SYSTEM:]EVENT,FIELD[,PID]/"),
        ("send,key/receive", "is not a hook"),
        ("nosuch,key/receive,found", "hook: there is no event nosuch"),
        ("send,key/nosuch:receive,found", "hook: there is no event receive"),
        ("send,nosuch/receive,found", "hook: event send has no field nosuch"),
        ("send,key,nosuch/receive,found", "hook: event send has no field nosuch"),
        ("send,key/receive,key", "hook: event receive has no field key"),
    ],
)
def test_hooks(hook: str, said: str, folder: Path) -> None:
    done = ours("-H", hook, folder / "made")
    assert (done.returncode, done.stdout) == (1, b"")
    assert said in done.stderr.decode()


def test_hook_objects(folder: Path) -> None:
    """A file's own hooks can be asked of another file."""
    with tracecmd.open(folder / "made-hook") as trace, tracecmd.open(folder / "made") as plain:
        own = b"".join(trace.profile())
        assert b"".join(plain.profile(hooks=trace.hooks)) == own
        assert b"".join(plain.profile()) != own
        with pytest.raises(TypeError, match="it is a text or a Hook"):
            plain.profile(hooks=[1])  # type: ignore[list-item]


def test_memory(folder: Path) -> None:
    """What is open at once is bounded."""
    budget = tracecmd.Budget(memory=1 << 16)
    said = "take more than the budget of 65536 bytes"
    with (
        tracecmd.open(folder / "made", budget=budget) as trace,
        pytest.raises(tracecmd.LimitError, match=said),
    ):
        list(trace.profile())


def test_deep_stacks(tmp_path: Path) -> None:
    """Stacks that part at each of hundreds of levels, and one that does not fit its record."""
    records = []
    for depth in range(1, 401):
        caller = b"".join(number.to_bytes(8, "little") for number in range(100, 100 + depth))
        caller += (1000).to_bytes(8, "little") * 2 + bytes(4)
        tick = writer.TICK.values(pid=17, n=1)
        stack = made_profile.STACK.values(pid=17, size=depth + 2, caller=caller)
        records += [(depth * 1000, tick), (depth * 1000 + 1, stack)]
    records.append((500_000, made_profile.STACK.values(pid=17, size=9, caller=b"")))
    formats = (*writer.FTRACE_EVENTS, made_profile.STACK)
    path = tmp_path / "deep.dat"
    path.write_bytes(made.one_cpu(records, formats))
    text = ours(path).stdout
    lines = text.split(b"\n")
    assert sum(b"%" in line for line in lines) == 1 + 399 * 2
    assert sum(b" 0x3e8" in line for line in lines) == 2 * 400
    assert max(map(len, lines)) < 600
    assert len(text) < 5 << 20
