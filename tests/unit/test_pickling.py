"""Traces and sessions are pickled by their files' names and options; another file is refused."""

from __future__ import annotations

import copy
import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import tracecmd
from tracecmd.errors import ChangedError

DATA = Path(__file__).parent.parent / "data"
SESSION = DATA / "sessions/kvm-small"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SESSION, tmp_path / "session"))


def test_a_trace_with_its_options(folder: Path) -> None:
    path = folder / "trace.dat"
    budget = tracecmd.Budget(memory=1 << 26)
    with tracecmd.open(path, ts_offset=1_000_000, mmap=False, budget=budget) as trace:
        again = pickle.loads(pickle.dumps(trace))
        assert again is not trace
        assert again._recording == replace(trace._recording, path=str(path))
        with again:
            assert [e.ts for e in again.iter("kvm_exit")] == [e.ts for e in trace.iter("kvm_exit")]
        assert again.closed
        assert not trace.closed
        with copy.copy(trace) as other:
            assert other.start == trace.start


def test_parts(folder: Path) -> None:
    with tracecmd.open(folder / "trace.dat") as trace:
        part = trace["205s":"206s"]  # type: ignore[misc]
        with pickle.loads(pickle.dumps(part)) as again:
            assert repr(again) == repr(part)
            assert again.stat() == part.stat()
    with (
        tracecmd.open_session(folder) as session,
        pickle.loads(pickle.dumps(session["205s":])) as rest,  # type: ignore[misc]
    ):
        assert rest.stat() == session["205s":].stat()  # type: ignore[misc]


def test_a_session(folder: Path) -> None:
    files = [folder / "trace.dat", str(folder / "trace-Guest1.dat")]
    offsets = {files[1]: 7}
    with (
        tracecmd.open_session(*files, offsets=offsets) as session,
        pickle.loads(pickle.dumps(session)) as again,
    ):
        assert repr(again) == repr(session)
        assert again.vcpus == session.vcpus
        assert again.stat() == session.stat()


def test_another_process_in_another_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with tracecmd.open("trace.dat") as trace, tracecmd.open_session(".") as session:
        given = pickle.dumps([trace, session, trace.stat()])
        wanted = f"{trace.start} {len(session.peers)} {trace.stat().records}"
    (folder / "pickled").write_bytes(given)
    text = (
        "import pickle, sys; t, s, n = pickle.load(open(sys.argv[1], 'rb'));"
        "print(t.start, len(s.peers), n.records)"
    )
    run = subprocess.run(
        [sys.executable, "-c", text, folder / "pickled"],
        cwd="/", env={**os.environ, "PYTHONPATH": str(Path(tracecmd.__file__).parents[1])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (run.stdout.strip(), run.stderr) == (wanted, "")


@pytest.mark.parametrize("what", ["size", "time"])
def test_a_changed_file_is_refused(folder: Path, what: str) -> None:
    guest = folder / "trace-Guest1.dat"
    with tracecmd.open(guest) as trace, tracecmd.open_session(folder) as session:
        pickled = [pickle.dumps(trace), pickle.dumps(session)]
        times = guest.stat()
        if what == "size":
            with guest.open("ab") as file:
                file.write(b"\0")
            os.utime(guest, ns=(times.st_atime_ns, times.st_mtime_ns))
        else:
            os.utime(guest, ns=(times.st_atime_ns, times.st_mtime_ns + 1000))
        pickled += [pickle.dumps(trace), pickle.dumps(session)]  # as it was when it was opened
        for each in pickled:
            with pytest.raises(ChangedError, match="is not what it was when this was pickled"):
                pickle.loads(each)
        (folder / "trace-Guest1.dat").unlink()
        with pytest.raises(FileNotFoundError):
            pickle.loads(pickled[0])


def test_what_cannot_be_pickled(folder: Path) -> None:
    path = folder / "trace.dat"
    number = os.open(path, os.O_RDONLY)
    try:
        with (
            tracecmd.open(number) as trace,
            pytest.raises(TypeError, match="cannot be pickled; open the trace by its name"),
        ):
            pickle.dumps(trace)
    finally:
        os.close(number)
    trace = tracecmd.open(path)
    trace.close()
    with pytest.raises(tracecmd.ClosedError):
        pickle.dumps(trace)
