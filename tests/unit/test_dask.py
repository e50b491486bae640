"""Dask reads recordings by partitions, on workers that may be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tracecmd

pytest.importorskip("dask.dataframe")
pandas = pytest.importorskip("pandas")

SESSION = Path(__file__).parent.parent / "data" / "sessions" / "kvm-small"
HOST = SESSION / "trace.dat"
ROOT = Path(tracecmd.__file__).parent.parent


def test_a_frame_with_known_divisions() -> None:
    import tracecmd.dask

    frame = tracecmd.dask.read(HOST, "sched_switch", size=1 << 18)
    assert frame.known_divisions
    assert frame.npartitions > 4
    with tracecmd.open(HOST) as trace:
        rows = trace.table("sched_switch").to_arrow().to_pylist()
    read = frame.compute(scheduler="sync")
    names = ["cpu", "next_comm", "prev_state"]
    assert read.index.tolist() == [row["ts"] for row in rows]
    assert read[names].to_dict("records") == [{name: row[name] for name in names} for row in rows]
    assert read.dtypes.equals(frame.dtypes)
    first, middle = frame.divisions[0], frame.divisions[3]
    part = frame.loc[first:middle].compute(scheduler="sync")
    assert part.index.tolist() == [row["ts"] for row in rows if row["ts"] <= middle]
    assert frame.divisions[-1] == rows[-1]["ts"]
    states = frame["next_comm"].value_counts().compute(scheduler="sync")
    assert states.sum() == len(rows)
    many = tracecmd.dask.read(SESSION, "sched_switch", columns=["cpu", "common_pid"], size=1 << 18)
    assert many.known_divisions
    assert many["file"].nunique().compute(scheduler="sync") == 3


KILLED = """
import os, signal, sys
import dask
from distributed import Client, LocalCluster
import tracecmd.dask

def once(frame, marker):
    # The first worker that comes to the third partition is ended with all that it has.
    if len(frame) and frame.index[0] == third:
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return frame
        os.kill(os.getpid(), signal.SIGKILL)
    return frame

third = None
if __name__ == "__main__":
    path, marker = sys.argv[1:]
    df = tracecmd.dask.read(path, "sched_switch", size=1 << 18)
    third = df.partitions[3].compute(scheduler="sync").index[0]
    def watched(frame, marker, first=third):
        globals()["third"] = first
        return once(frame, marker)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
                      host="127.0.0.1") as cluster, Client(cluster):
        read = df.map_partitions(watched, marker, meta=df._meta).compute()
    with tracecmd.open(path) as trace:
        rows = trace.table("sched_switch").to_arrow()
    assert os.path.exists(marker)
    assert read.index.tolist() == rows["ts"].to_pylist()
    assert read["next_pid"].tolist() == rows["next_pid"].to_pylist()
    print("whole", len(read))
"""


def test_a_worker_is_killed(tmp_path: Path) -> None:
    """Nothing is lost, and nothing doubled: what it had is read anew."""
    pytest.importorskip("distributed")
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    result = subprocess.run(
        [sys.executable, script, HOST, tmp_path / "killed"], check=False, capture_output=True,
        text=True, timeout=120, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (0, "whole 14760\n"), result.stderr
