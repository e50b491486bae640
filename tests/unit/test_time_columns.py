"""What columns of times are: timestamps of any clock, durations, numbers, or time of day."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from ..conftest import Trace, Write
from ..writer import TICK, Buffer, Date, Event, Page, Sample, TimeShift, Tsc2Nsec

HOST = Path(__file__).parent.parent / "data/sessions/kvm-small/trace.dat"
BOOT = 1_700_000_000_123_456  # us: the wall's time when the clock was 0
FIRST, SECOND = 5_000_000_000, 5_000_000_007


def recording(
    write: Write, *options: Any, instance: Buffer | None = None, clock: str = "local"
) -> Path:
    pages = [Page(FIRST, [Event(0, TICK.values(n=1)), Event(7, TICK.values(n=2))])]
    more = [] if instance is None else [instance]
    buffers = [Buffer(cpus={0: pages}), *more]
    return write(Trace(options=list(options), buffers=buffers, clock=clock))


def arrow_type(table: Any, name: str) -> str:
    pyarrow = pytest.importorskip("pyarrow")
    return str(pyarrow.schema(table).field(name).type)


@pytest.mark.parametrize(
    ("ts", "kind", "dtype"),
    [("timestamp", "timestamp[ns]", "M8[ns]"), ("duration", "duration[ns]", "m8[ns]"),
     ("uint64", "uint64", "u8")],
)  # fmt: skip
def test_times_keep_their_ns(ts: Any, kind: str, dtype: str, tmp_path: Path) -> None:
    pytest.importorskip("polars")
    with tracecmd.open(HOST)["204.9s":"204.919s"] as part:  # type: ignore[misc]
        wanted = [event.ts for event in part]
        table = part.table(ts=ts, columns=["ts"])
        assert arrow_type(table, "ts") == kind
        array = table.to_numpy()["ts"]
        assert array.dtype == dtype
        assert array.astype("u8").tolist() == wanted
        assert table.to_pandas()["ts"].astype("int64").tolist() == wanted
        assert table.to_polars()["ts"].cast(int).to_list() == wanted
        assert [v for b in table.batches() for v in b.to_arrow()["ts"].cast("int64").to_pylist()]
        table.to_parquet(tmp_path / "t.parquet")
        states = part.sched.states(ts=ts)
        assert arrow_type(states, "start") == kind
        assert arrow_type(states, "duration") == "uint64"
        numbers = [row[3] for row in part.sched.states(ts="uint64").values()]
        assert [row[3] for row in states.values()] == numbers


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@pytest.mark.parametrize("ts", ["timestamp", "duration", "uint64"])
def test_text_formats_have_ns(suffix: str, ts: Any, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from tracecmd.export import write_table

    out = tmp_path / f"out{suffix}"
    with tracecmd.open(HOST) as trace:
        part = trace["204.9s":"204.919s"]  # type: ignore[misc]
        write_table(part.table("sched_switch", columns=["ts"], ts=ts), out)
        line = out.read_text().splitlines()[-1]
        assert (
            int(json.loads(line)["ts"] if suffix == ".jsonl" else line)
            == part.at(0, "sched_switch").ts
        )  # type: ignore[union-attr]


def test_wall_time(write: Write) -> None:
    """What --date measured is in the time stamps: they are UTC, and say so."""
    pandas = pytest.importorskip("pandas")
    day = dt.datetime.fromtimestamp(0, dt.timezone.utc) + dt.timedelta(microseconds=BOOT)
    with tracecmd.open(recording(write, Date(BOOT))) as trace:
        for table in (trace.table(wall=True), trace.table(ts="wall")):
            assert arrow_type(table, "ts") == "timestamp[ns, tz=UTC]"
            first, second = table.to_pandas()["ts"]
            assert first == pandas.Timestamp(day + dt.timedelta(seconds=5))
            assert (second - first).value == 7
        assert [event.ts for event in trace.iter(start=second)] == [second.value]
        assert [event.ts for event in trace[:second]] == [first.value]
        answer = trace.losses(ts="wall")
        assert arrow_type(answer, "from") == "timestamp[ns, tz=UTC]"
        assert table.to_numpy()["ts"].tolist() == [first.value, second.value]


Cases = list[tuple[Callable[[Write], Path], dict[str, Any], str]]
SHIFT = TimeShift(1, ((Sample(0, 5),),))
CASES: Cases = [
    (recording, {}, "the file does not tell it; trace-cmd record --date"),
    (lambda w: recording(w, Date(1)), {"date": False}, "the file is open with date=False"),
    (lambda w: recording(w, Date(1)), {"raw_ts": True}, "the file is open with raw_ts=True"),
    (lambda w: recording(w, Date(1), clock="counter"), {},
     "the file's clock, counter, does not count ns"),
    (lambda w: recording(w, Date(1), SHIFT), {}, "a guest's DATE is of its own clock"),
    (lambda w: recording(w, Date(1), instance=Buffer("side", clock="mono", cpus={
        0: [Page(FIRST, [Event(0, TICK.values(n=1))])]})), {},
     "buffer 'side' has another clock, mono, than DATE is of"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[2])
def test_wall_time_is_not_guessed(write: Write, case: tuple[Any, dict[str, Any], str]) -> None:
    make, how, text = case
    path = make(write)
    with tracecmd.open(path, **how) as trace:
        for ask in (
            lambda: trace.table(wall=True),
            lambda: trace.losses(ts="wall"),
        ):
            with pytest.raises(tracecmd.UnsupportedError, match=f"wall time: {text}") as caught:
                ask()
            assert caught.value.path == str(path)


def test_wall_time_where_it_can_be_known(write: Write) -> None:
    tsc = Tsc2Nsec(1 << 30, 31)
    with tracecmd.open(recording(write, Date(1), tsc, clock="x86-tsc")) as trace:
        trace.table(wall=True)
    with tracecmd.open(recording(write, Date(1), SHIFT), sync=False) as trace:
        trace.table(wall=True)
    side = Buffer("side", clock="mono", cpus={0: [Page(FIRST, [Event(0, TICK.values(n=1))])]})
    with tracecmd.open(recording(write, Date(1), instance=side)) as trace:
        trace.table(wall=True, buffers=[""])


def test_what_times_cannot_be() -> None:
    with tracecmd.open(HOST) as trace:
        with pytest.raises(ValueError, match="ts='int'; it is one of 'timestamp', 'duration'"):
            trace.table(ts="int")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="ts='int'; it is one of"):
            trace.losses(ts="int")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="ts='uint64', wall=True; wall time is a timestamp"):
            trace.table(ts="uint64", wall=True)
