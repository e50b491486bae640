"""Options of ``tracecmd report`` against recorded texts of the reference, and the installed one.

Of each case tests/data/options/NAME.txt is what Debian 13's trace-cmd 3.3.1 printed, of those of
newer kernels what 3.4 printed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import tracecmd

from .. import writer
from . import corpus, made, made_profile, reference

OPTIONS = corpus.DATA / "options"


class Case(NamedTuple):
    """What is asked: options, where "{data}" stands for the folder of the recordings."""

    recording: str
    """A file in tests/data, or the name of one that is made."""
    options: str
    in_old: bool = True
    """Trace-cmd 3.1.6 prints the same, the layout of lines aside."""


CASES = {
    "kallsyms": Case("i386-v6.dat", "--kallsyms {data}/options/more-symbols -F hrtimer.*"),
    "events-raw": Case(
        "i386-v6.dat", "-F sched_wakeup,sched_stat_runtime,softirq_raise -r SCHED_W.* -r irq"
    ),
    "events-plain": Case("i386-v6.dat", "-F sched_wakeup,timer -n sched_w -n .*up -n hrtimer_e"),
    "functions": Case("functions", "", in_old=False),
    "functions-raw": Case("functions", "-r ftrace", in_old=False),
    "functions-plain": Case("functions", "-n funcgraph_exit -n function", in_old=False),
    "functions-plugins": Case(
        "functions", "-O parent -O ftrace:offset -O tailprint=true -O fgraph:depth", in_old=False
    ),
    "functions-flat": Case("functions", "-O indent -O retval-skip", in_old=False),
    "functions-dec": Case("functions", "-O indent=false -O retval-dec", in_old=False),
    "functions-hex": Case("functions", "-O retval-hex -O parent=2", in_old=False),
    "functions-named-first": Case(
        "functions",
        "-O parent -O ftrace:parent=1 -O depth=1 -O depth=0 -O fgraph:offset=1",
        in_old=False,
    ),
    "filter-test": Case(
        "i386-v6.dat",
        "-T -F irq,sched,sched_switch:(next_pid==0x10||!bogus==1)&&!(vec>3||comm=~'w.*')"
        " -F sched_switch:prev_state&1&&CPU<=010||COMM!~'xy'"
        " -v -F sched_w.*,sched_switch",
        in_old=False,
    ),
    "filter-test-folds": Case(
        "i386-v6.dat",
        "--cpu 1 -T -F sched_switch:next_pid==0&&!(bogus==1) -F sched_wakeup:pid==1||bogus>2"
        " -F sched_waking:!(bogus==1||!pid==2) -F sched_stat_runtime:!(bogus==1)||pid==0",
        in_old=False,
    ),
    "functions-t": Case("functions", "-t", in_old=False),
    "functions-raw-ts": Case("functions", "--raw-ts --ts-diff", in_old=False),
    "list-f": Case("functions", "-f"),
    "list-P": Case("functions", "-P"),
    "list-version": Case("i386-v6.dat", "--version"),
    "no-irqs": Case("i386-v6.dat", "-I -F irq,timer,sched_wakeup"),
    "no-softirqs": Case("i386-v6.dat", "-S -v -F raw_syscalls,sched,irq"),
    "align-ts": Case("i386-v6.dat", "--align-ts --ts-diff -F sched_process_.*", in_old=False),
    "stacks": Case("stacks", ""),
    "stacks-event": Case("stacks", "-F tick", in_old=False),
    "stacks-refused": Case("stacks", "-F tick:n==1 -F sched_switch:next_pid==1", in_old=False),
    "stacks-filtered": Case("stacks", "-F kernel_stack:size>=3", in_old=False),
    "stacks-named": Case("stacks", "-F tick -F kernel_stack:size==2", in_old=False),
    "stacks-out": Case("stacks", "-F tick,sched -v -F kernel_stack:size==1", in_old=False),
    "stacks-out-event": Case("stacks", "-F tick,sched -v -F tick:n==2", in_old=False),
    "stacks-only-out": Case("stacks", "-v -F tick"),
    "comm": Case("i386-v6.dat", "--comm ls,dd --pid 1,257 -F timer", in_old=False),
    "comm-unknown": Case(
        "i386-v6.dat", "--cpu 1 --comm nosuch -v -F irq,timer,raw_syscalls,sched_switch"
    ),
    "blktrace": Case("blktrace", ""),
    "blktrace-raw": Case("blktrace", "-R -t", in_old=False),
    "blktrace-plain": Case("blktrace", "-N"),
    "newer-kernels": Case("newer-kernels", "", in_old=False),
    "newer-kernels-raw": Case("newer-kernels", "-R -t", in_old=False),
    "newer-kernels-plain": Case("newer-kernels", "-N", in_old=False),
    "wakeups": Case("i386-v6.dat", "-w -F sched_switch,sched_w.*", in_old=False),
    "wakeups-big-endian": Case(
        "s390x-tc331-v6.dat", "-w -l -F sched_switch,sched_wakeup", in_old=False
    ),
    "wakeups-made": Case("wakes", "-w", in_old=False),
    "wakeups-none": Case("k72-markers.dat", "-w", in_old=False),
    "kallsyms-filter": Case(
        "i386-v6.dat",
        "--kallsyms {data}/options/more-symbols -F hrtimer.*:function=='a_name_like_the_timers'",
    ),
}


MADE = {
    "functions": made.functions,
    "stacks": made.stacks,
    "blktrace": made.blktrace,
    "newer-kernels": made.newer_kernels,
    "wakes": made_profile.wakes,
}


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files are that are made."""
    path: Path = tmp_path_factory.mktemp("made")
    for name, make in MADE.items():
        (path / name).write_bytes(make())
    return path


def recording_of(case: Case, folder: Path) -> Path:
    return (folder if case.recording in MADE else corpus.DATA) / case.recording


def words(case: Case) -> list[str]:
    return [word.format(data=corpus.DATA) for word in case.options.split()]


def ours(case: Case, folder: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tracecmd", "report", "-q", "-i",
         str(recording_of(case, folder)), *words(case)],
        capture_output=True, check=False,
    )  # fmt: skip


def theirs(name: str) -> bytes:
    text = corpus.read_text(OPTIONS / f"{name}.txt")
    assert text is not None
    return text.encode(errors="surrogateescape")


@pytest.mark.parametrize("name", CASES)
def test_recorded(name: str, folder: Path) -> None:
    done = ours(CASES[name], folder)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == theirs(name)


FLAGS = re.compile(rb"^(.{16,}?-\d+ +\[\d{3,}\]) \S{5,} (?= *\d+\.\d+: )", re.MULTILINE)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.in_old])
def test_installed(name: str, folder: Path) -> None:
    """The installed trace-cmd prints that, too; versions before 3.3 leave the flags out."""
    case = CASES[name]
    installed = reference.trace_cmd("report", *words(case), "-i", recording_of(case, folder))
    if installed is None:
        pytest.skip("trace-cmd is not installed")
    expected = theirs(name)
    if not reference.prints_flags():
        expected = FLAGS.sub(rb"\1 ", expected)
    assert installed.stdout == expected


def test_wakeups(monkeypatch: pytest.MonkeyPatch) -> None:
    """On threads, in raw fields, and of one file only."""
    monkeypatch.setattr("tracecmd.report.text.WINDOW_BYTES", 1 << 14)
    added = re.compile(rb" Latency: \d+\.\d{3} usecs$", re.MULTILINE)
    with tracecmd.open(corpus.DATA / "i386-v6.dat") as trace:
        options = tracecmd.ReportOptions(wakeups=True)
        alone = b"".join(trace.report(options))
        assert b"".join(trace.report(options, threads=2)) == alone
        lines, _, sums = alone.partition(b"\n\nAverage wakeup latency: ")
        assert sums.count(b"Latency: ") == 2
        assert added.sub(b"", lines) + b"\n" == b"".join(trace.report())
        raw = b"".join(trace.report(options._replace(raw=True)))
        assert added.findall(raw) == added.findall(lines)
    done = ours(Case("i386-v6.dat", "-w {data}/k72-sched.dat"), corpus.DATA)
    assert done.returncode == 1
    assert b"wake-up latencies are those of a single file" in done.stderr


def test_wakeups_of_like_pids(tmp_path: Path) -> None:
    """One task's wake-up is not another's, whose pid has the same hash in the reference."""
    path = tmp_path / "wakes.dat"
    path.write_bytes(made_profile.wakes(woken=1564255, run=3635306))
    text = ours(Case(str(path), "-w"), tmp_path).stdout
    assert text.count(b" Latency: ") == 6
    assert not re.search(rb":3635306 .* Latency: ", text)


def test_kallsyms(folder: Path) -> None:
    """Symbols are added for this report only, and a file that is not there is told of."""
    added = OPTIONS / "more-symbols"
    with tracecmd.open(corpus.DATA / "i386-v6.dat") as trace:
        options = tracecmd.ReportOptions(kallsyms=added)
        with_it = b"".join(trace.report(options, filters=["hrtimer.*"]))
        assert with_it == theirs("kallsyms")
        assert b"".join(trace.report(options, filters=["hrtimer.*"], threads=2)) == with_it
        plain = b"".join(trace.report(filters=["hrtimer.*"]))
        assert b"a_name_like_the_timers" in with_it
        assert b"a_name_like_the_timers" not in plain
        with pytest.raises(FileNotFoundError):
            trace.report(tracecmd.ReportOptions(kallsyms=OPTIONS / "nosuch"))
    done = ours(Case("i386-v6.dat", f"--kallsyms {os.devnull}x"), folder)
    assert done.returncode == 1
    said = f"--kallsyms {os.devnull}x: No such file or directory"
    assert done.stderr.decode() == f"tracecmd: {said}\n"


def test_pattern_of_events() -> None:
    """One that is no regular expression is refused at once."""
    with tracecmd.open(corpus.DATA / "i386-v6.dat") as trace:
        for options in (
            tracecmd.ReportOptions(raw_events=["["]),
            tracecmd.ReportOptions(plain_events=["sched", "a\\(b"]),
        ):
            with pytest.raises(ValueError, match="is not a regular expression"):
                trace.report(options)
    done = ours(Case("i386-v6.dat", "-n ["), corpus.DATA)
    assert done.returncode == 1
    assert done.stderr.decode().endswith("report: '[' is not a regular expression\n")


def test_stretches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies of the report, one for each thread, write as it does."""
    monkeypatch.setattr("tracecmd.report.text.WINDOW_BYTES", 1 << 14)
    options = tracecmd.ReportOptions(
        plugin_options=["parent", "offset"], raw_events=["softirq.*"], plain_events=["timer"]
    )
    for name in ("functions", corpus.DATA / "i386-v6.dat"):
        with tracecmd.open(folder / name) as trace:
            alone = b"".join(trace.report(options))
            assert alone != b"".join(trace.report())
            assert b"".join(trace.report(options, threads=2)) == alone


FORMAT = made.FUNC_REPEATS.text(writer.Machine(False, 8))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("garbage\n", 22),
        (FORMAT.replace("name: func_repeats\n", ""), 22),
        (FORMAT.replace("ID: 18\n", ""), 22),
        (FORMAT.replace("u16 count", "u16[][3] count"), 0),
        (FORMAT.replace("print fmt", "prnt fmt"), 0),
        (FORMAT, 0),
    ],
    ids=["garbage", "no name", "no id", "declaration", "no print fmt", "good"],
)
def test_check_events(text: str, code: int, tmp_path: Path) -> None:
    """The exit code is the reference's, 22 without a name or an id alone; the rest is told of."""
    path = tmp_path / "checked.dat"
    path.write_bytes(made.print_fmts([text]))
    done = ours(Case(str(path), "--check-events"), tmp_path)
    assert (done.returncode, done.stdout) == (code, b"")
    installed = reference.trace_cmd("report", "--check-events", "-i", path)
    if installed is not None:
        if reference.drops_events() and "[][3]" in text:
            code = 22  # to it, that is no event
        assert (installed.returncode, installed.stdout) == (code, b"")


@pytest.mark.parametrize("options", [[], ["-N"]], ids=["", "-N"])
def test_checked_print_fmts(options: list[str], tmp_path: Path) -> None:
    """What is told of is what the reports show as failed, the reference's and ours."""
    path = tmp_path / "checked.dat"
    path.write_bytes(made.print_fmts())
    done = subprocess.run(
        [sys.executable, "-m", "tracecmd", "report", "--check-events", *options, "-i", path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    told = re.findall(r"print fmt of fmts:(\w+) cannot be parsed", done.stderr)
    assert len(told) + 1 == len(done.stderr.splitlines())
    count = len(made.PRINT_FMTS) + len(writer.FTRACE_EVENTS)
    assert done.stderr.endswith(f": {count - len(told)} of {count} print fmts are understood\n")
    commands: list[list[str | Path]] = [[sys.executable, "-m", "tracecmd"]]
    if shutil.which("trace-cmd") is not None:
        commands.append(["trace-cmd"])
    for command in commands:
        text = subprocess.run(
            [*command, "report", *options, "-i", path], capture_output=True, text=True, check=True
        ).stdout
        shown = re.findall(r": (\w+): +\[FAILED TO PARSE\]", text)
        assert sorted(shown) == sorted(told)
    assert ("plugin_function" in told) == bool(options)


@pytest.mark.parametrize(
    "option", ["-V", "-V3", "--verbose", "--verbose=debug", "--debug", "--boundary", "-p"],
)  # fmt: skip
def test_left_out(option: str) -> None:
    """Options of trace-cmd's that are not there are refused in one line."""
    done = ours(Case("i386-v6.dat", option), corpus.DATA)
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("tracecmd: report: trace-cmd's option -")


def test_stacks_on_threads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the filters have to know of before does not get lost between threads."""
    monkeypatch.setattr("tracecmd.report.text.WINDOW_BYTES", 1)
    for name in ("stacks", corpus.DATA / "i386-v6.dat"):
        with tracecmd.open(folder / name) as trace:
            alone = b"".join(trace.report(filters=["sched_switch:next_pid<200"]))
            assert (b"=> do_two" in alone) == (name == "stacks")
            threaded = trace.report(filters=["sched_switch:next_pid<200"], threads=3)
            assert b"".join(threaded) == alone


def test_stacks_between_pages_on_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack in the page after its event belongs to it still, whoever reads that page."""
    monkeypatch.setattr("tracecmd.report.text.WINDOW_BYTES", 1)
    made_of: list[tuple[int, writer.Values]] = []
    for n in range(400):
        made_of.append((2000 * n, writer.TICK.values(pid=17, n=n % 2)))
        caller = made.TWO.to_bytes(8, "little").ljust(64, b"\xff")
        stack = made.KERNEL_STACK.values(pid=17, size=1, caller=caller)
        made_of.append((2000 * n + 1000, stack))
    path = tmp_path / "trace.dat"
    path.write_bytes(made.one_cpu(made_of, (*writer.FTRACE_EVENTS, made.KERNEL_STACK)))
    with tracecmd.open(path) as trace:
        alone = b"".join(trace.report(filters=["tick:n==1"]))
        assert alone.count(b"tick:") == alone.count(b"=> do_two") == 200
        assert b"".join(trace.report(filters=["tick:n==1"], threads=3)) == alone
        # Without filters, each thread has all that it needs.
        both = b"".join(trace.report(threads=3))
        assert both == b"".join(trace.report())
        assert both.count(b"=> do_two") == 400
