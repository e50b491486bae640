"""Options of ``tracecmd report`` against recorded texts of the reference, and the installed one.

Of each case tests/data/options/NAME.txt is what Debian 13's trace-cmd 3.3.1 printed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import NamedTuple

import pytest

import tracecmd

from . import corpus

OPTIONS = corpus.DATA / "options"


class Case(NamedTuple):
    """What is asked; "{data}" stands for the folder of the recordings."""

    recording: str
    options: str
    in_old: bool = True
    """Trace-cmd 3.1.6 prints the same, the layout of lines aside."""


CASES = {
    "kallsyms": Case("i386-v6.dat", "--kallsyms {data}/options/more-symbols -F hrtimer.*"),
    "kallsyms-filter": Case(
        "i386-v6.dat",
        "--kallsyms {data}/options/more-symbols -F hrtimer.*:function=='a_name_like_the_timers'",
    ),
}


def words(case: Case) -> list[str]:
    return [word.format(data=corpus.DATA) for word in case.options.split()]


def ours(case: Case) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tracecmd", "report", "-q", *words(case), "-i",
         str(corpus.DATA / case.recording)],
        capture_output=True, check=False,
    )  # fmt: skip


def theirs(name: str) -> bytes:
    text = corpus.read_text(OPTIONS / f"{name}.txt")
    assert text is not None
    return text.encode(errors="surrogateescape")


@pytest.mark.parametrize("name", CASES)
def test_recorded(name: str) -> None:
    done = ours(CASES[name])
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == theirs(name)


FLAGS = re.compile(rb"^(.{16,}?-\d+ +\[\d{3,}\]) \S{5,} (?= *\d+\.\d+: )", re.MULTILINE)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.in_old])
def test_installed(name: str) -> None:
    """The installed trace-cmd prints that, too; versions before 3.3 leave the flags out."""
    if shutil.which("trace-cmd") is None:
        pytest.skip("trace-cmd is not installed")
    case = CASES[name]
    path = str(corpus.DATA / case.recording)
    installed = subprocess.run(
        ["trace-cmd", "report", *words(case), "-i", path], capture_output=True, check=False
    ).stdout
    assert installed in (theirs(name), FLAGS.sub(rb"\1 ", theirs(name)))


def test_kallsyms() -> None:
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
    done = ours(Case("i386-v6.dat", f"--kallsyms {os.devnull}x"))
    assert done.returncode == 1
    said = f"--kallsyms {os.devnull}x: No such file or directory"
    assert done.stderr.decode() == f"tracecmd: {said}\n"
