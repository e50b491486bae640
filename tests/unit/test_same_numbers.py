"""One analysis in six ways: a loop, pandas, Polars, SQL, Dask, and the package's own.

CPU time of each task, and how long tasks waited from wake-up to running.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tracecmd

pytest.importorskip("duckdb")
pandas = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

DATA = Path(__file__).parent.parent / "data"
RECORDINGS = ["sessions/kvm-small/trace.dat", "k72-power.dat", "s390x-tc331-v6.dat"]
Answer = tuple[dict[int, int], list[int]]
"""CPU time by PID, and all waits, rising; in ns."""


def wakes(trace: tracecmd.Trace) -> list[str]:
    """The events that wake tasks."""
    found = trace.stat().events
    first = next(n for n in ("sched_waking", "sched_wakeup") if f"sched:{n}" in found)
    return [first] + ["sched_wakeup_new"] * ("sched:sched_wakeup_new" in found)


def by_loop(trace: tracecmd.Trace) -> Answer:
    begins = {cpu: event.ts for cpu in range(trace.cpus) if (event := trace.at(0, cpus=cpu))}
    end = trace.end
    assert end is not None
    runs: dict[int, tuple[int, int]] = {}
    ran: dict[int, int] = {}
    known: set[int] = set()
    asleep: set[int] = set()
    woken: dict[int, int] = {}
    waits: list[int] = []
    for event in trace.iter(["sched_switch", *wakes(trace)]):
        if event.name != "sched_switch":
            pid = event["pid"]
            if pid in asleep or (pid not in known and len(runs) == len(begins)):
                woken[pid] = event.ts
            known.add(pid)
            asleep.discard(pid)
            continue
        before, after = event["prev_pid"], event["next_pid"]
        _, began = runs.get(event.cpu, (before, begins[event.cpu]))
        ran[before] = ran.get(before, 0) + event.ts - began
        runs[event.cpu] = after, event.ts
        if after in woken:
            waits.append(event.ts - woken.pop(after))
        woken.pop(before, None)  # it ran since the beginning
        known |= {before, after}
        asleep -= {before, after}
        if event["prev_state"]:
            asleep.add(before)
    for pid, began in runs.values():
        ran[pid] = ran.get(pid, 0) + end - began
    del ran[0]
    return {pid: took for pid, took in ran.items() if took}, sorted(waits)


def by_package(trace: tracecmd.Trace) -> Answer:
    tasks = trace.sched.tasks().to_numpy()
    ran = zip(tasks["pid"].tolist(), tasks["running"].tolist(), strict=True)
    waits = trace.sched.latency().to_numpy()["latency"]
    return {pid: took for pid, took in ran if took}, sorted(waits.tolist())


def by_pandas(trace: tracecmd.Trace) -> Answer:
    def read(events: str | list[str] | None, *columns: str) -> Any:
        names = ["ts", "cpu", *columns]
        return trace.table(events, columns=names, ts="uint64").to_pandas().astype("int64")

    return by_frames(trace, read)


def by_dask(trace: tracecmd.Trace) -> Answer:
    """Read by partitions; what goes over all of them at once is pandas' work."""
    dask_frames = importlib.import_module("tracecmd.dask")

    def read(events: str | list[str] | None, *columns: str) -> Any:
        names = ["ts", "cpu", *columns]
        frame = dask_frames.read(trace, events, columns=names, size=1 << 16)
        return frame.compute(scheduler="sync").reset_index().astype("int64")

    return by_frames(trace, read)


def by_frames(trace: tracecmd.Trace, read: Callable[..., Any]) -> Answer:
    records = read(None)
    switches = read("sched_switch", "prev_pid", "prev_state", "next_pid")
    begins = records.groupby("cpu")["ts"].min()
    before = switches.groupby("cpu")["ts"].shift()
    took = switches["ts"] - before.fillna(switches["cpu"].map(begins)).astype("int64")
    last = switches.groupby("cpu").last()
    ran = pandas.concat(
        [pandas.Series(took.values, switches["prev_pid"].values),
         pandas.Series((records["ts"].max() - last["ts"]).values, last["next_pid"].values)]
    ).groupby(level=0).sum()  # fmt: skip
    known = switches.groupby("cpu")["ts"].min().reindex(begins.index).max()

    woken = read(wakes(trace), "pid").assign(kind=0, state=0)
    out = switches.rename(columns={"prev_pid": "pid", "prev_state": "state"}).assign(kind=1)
    into = switches.rename(columns={"next_pid": "pid"}).assign(kind=2, state=0)
    steps = pandas.concat([each[["ts", "pid", "kind", "state"]] for each in (woken, out, into)])
    steps = steps[steps["pid"] != 0].sort_values(["ts", "kind"], kind="stable")
    past = steps.groupby("pid").shift()
    asleep = (past["kind"] == 1) & (past["state"] != 0)
    unknown = past["kind"].isna() & (steps["ts"] >= known)
    steps = steps[(steps["kind"] != 0) | asleep | unknown]
    after = steps.groupby("pid").shift(-1)
    waits = (after["ts"] - steps["ts"])[(steps["kind"] == 0) & (after["kind"] == 2)]
    return ran.drop(0)[lambda each: each != 0].to_dict(), sorted(waits.astype("int64"))


def by_polars(trace: tracecmd.Trace) -> Answer:
    col = pl.col

    def read(events: str | list[str] | None, **columns: str) -> Any:
        frame = tracecmd.scan(trace, events, ts="uint64")
        chosen = [col(name).cast(pl.Int64).alias(alias) for alias, name in columns.items()]
        return frame.select(col("ts").cast(pl.Int64), "cpu", *chosen)

    records = read(None)
    end = records.select(col("ts").max()).collect().item()
    switches = read("sched_switch", before="prev_pid", state="prev_state", after="next_pid")
    begins = records.group_by("cpu").agg(begin=col("ts").min())
    since = col("ts").shift().over("cpu").fill_null(col("begin"))
    pieces = switches.join(begins, on="cpu", maintain_order="left").select(
        pid="before", took=col("ts") - since
    )
    last = switches.group_by("cpu").agg(pid=col("after").last(), took=end - col("ts").last())
    ran = (
        pl.concat([pieces, last.select("pid", "took")])
        .group_by("pid")
        .agg(col("took").sum())
        .filter(col("pid") != 0, col("took") != 0)
        .collect()
    )
    known = switches.group_by("cpu").agg(col("ts").min()).select(col("ts").max()).collect().item()

    steps = pl.concat(
        [
            read(wakes(trace), pid="pid").select("ts", "pid", kind=0, state=pl.lit(0, pl.Int64)),
            switches.select("ts", pid="before", kind=1, state="state"),
            switches.select("ts", pid="after", kind=2, state=pl.lit(0, pl.Int64)),
        ]
    ).filter(col("pid") != 0)
    steps = steps.sort("ts", "kind", maintain_order=True)
    past, state = col("kind").shift().over("pid"), col("state").shift().over("pid")
    real = ((past == 1) & (state != 0)) | (past.is_null() & (col("ts") >= known))
    steps = steps.filter((col("kind") != 0) | real).with_columns(
        next=col("kind").shift(-1).over("pid"), wait=col("ts").shift(-1).over("pid") - col("ts")
    )
    waits = steps.filter(col("kind") == 0, col("next") == 2).select("wait").collect()
    return dict(ran.select("pid", "took").iter_rows()), sorted(waits["wait"].to_list())


SWITCHES = "(SELECT epoch_ns(ts) AS t, cpu, prev_pid, prev_state, next_pid FROM sched_switch)"
RAN = f"""
    WITH begins AS (SELECT cpu, epoch_ns(min(ts)) AS t FROM records GROUP BY cpu),
    pieces AS (
        SELECT prev_pid AS pid, s.t - coalesce(lag(s.t) OVER (PARTITION BY cpu ORDER BY s.t),
                                               begins.t) AS took
        FROM {SWITCHES} AS s JOIN begins USING (cpu)
        UNION ALL
        SELECT arg_max(next_pid, t), (SELECT epoch_ns(max(ts)) FROM records) - max(t)
        FROM {SWITCHES} GROUP BY cpu
    )
    SELECT pid, sum(took)::BIGINT AS took FROM pieces WHERE pid <> 0 GROUP BY pid HAVING took > 0
"""
WAITS = """
    WITH steps AS (
        SELECT epoch_ns(ts) AS t, pid, 0 AS kind, 0 AS state FROM {wakes}
        UNION ALL SELECT t, prev_pid, 1, prev_state FROM {switches}
        UNION ALL SELECT t, next_pid, 2, 0 FROM {switches}
    ),
    known AS (SELECT max(t) AS t FROM (SELECT min(t) AS t FROM {switches} GROUP BY cpu)),
    after_what AS (
        SELECT t, pid, kind, lag(kind) OVER w AS past, lag(state) OVER w AS past_state
        FROM steps WHERE pid <> 0 WINDOW w AS (PARTITION BY pid ORDER BY t, kind)
    ),
    real_ones AS (
        SELECT t, pid, kind, lead(kind) OVER w AS next, lead(t) OVER w - t AS wait
        FROM after_what WHERE kind <> 0 OR (past = 1 AND past_state <> 0)
            OR (past IS NULL AND t >= (SELECT t FROM known))
        WINDOW w AS (PARTITION BY pid ORDER BY t, kind)
    )
    SELECT wait FROM real_ones WHERE kind = 0 AND next = 2 ORDER BY wait
"""


def by_sql(trace: tracecmd.Trace) -> Answer:
    woken = " UNION ALL ".join(f"SELECT ts, pid FROM {name}" for name in wakes(trace))
    text = WAITS.format(wakes=f"({woken})", switches=SWITCHES)
    connection = trace.duckdb(events="sched:*")
    ran = dict(connection.sql(RAN).fetchall())
    return ran, [wait for (wait,) in tracecmd.sql(text, trace).fetchall()]


WAYS: list[Callable[[tracecmd.Trace], Answer]] = [by_package, by_pandas, by_polars, by_sql]
if importlib.util.find_spec("dask"):
    WAYS.append(by_dask)


@pytest.mark.parametrize("name", RECORDINGS)
def test_ways(name: str) -> None:
    with tracecmd.open(DATA / name) as trace:
        ran, waits = by_loop(trace)
        assert len(ran) > 5
        assert len(waits) > 20
        for way in WAYS:
            assert way(trace) == (ran, waits), way.__name__


def test_percentiles() -> None:
    """Of the nearest rank, as DuckDB and Polars have them."""
    with tracecmd.open(DATA / RECORDINGS[0]) as trace:
        waits = by_loop(trace)[1]
        expected = [waits[-(-len(waits) * percent // 100) - 1] for percent in (50, 90, 99)]
        text = "SELECT unnest(quantile_disc(latency, [0.5, 0.9, 0.99])) FROM latency"
        assert [value for (value,) in tracecmd.sql(text, trace).fetchall()] == expected
        latency = pl.col("latency")
        frame = tracecmd.scan_answer(trace, "latency").select(
            latency.quantile(share, "equiprobable").cast(pl.Int64).alias(str(share))
            for share in (0.5, 0.9, 0.99)
        )
        assert list(frame.collect().row(0)) == expected
