"""Times go in as they come out: texts, numbers, and what other packages make of our columns."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracecmd
from tracecmd import _arguments, _times

HOST = Path(__file__).parent.parent / "data/sessions/kvm-small/trace.dat"
NS = st.integers(-(1 << 64), 1 << 65)
PART = slice("204.9s", "204.919s")


@given(NS, st.sampled_from(sorted(_times.UNITS)))
def test_texts_are_exact(ns: int, unit: str) -> None:
    """As decimals of any unit, shortest form and with zeros behind; a tenth more is refused."""
    text = format(Decimal(ns).scaleb(1 - len(str(_times.UNITS[unit]))), "f")
    assert _times.of_text(text + unit) == _times.nanoseconds("start", text + unit) == ns
    point = "" if "." in text else "."
    assert _times.of_text(f"{text}{point}000{unit}") == ns
    digits = len(str(_times.UNITS[unit])) - 1 - len(text.partition(".")[2])
    with pytest.raises(ValueError, match="not a time in whole nanoseconds"):
        _times.of_text(f"{text}{point}{'0' * digits}1{unit}")


@given(NS)
def test_seconds_are_read_back(ns: int) -> None:
    assert _times.of_text(_times.seconds(ns) + "s") == ns
    assert _times.of_text(_times.seconds(ns), unit="s") == ns


@given(st.integers(-(10**17), 10**17))
def test_datetime_is_exact(us: int) -> None:
    length = dt.timedelta(microseconds=us)
    assert _times.nanoseconds("start", length) == 1000 * us
    zone = dt.timezone(dt.timedelta(hours=5))
    try:
        at = dt.datetime(1970, 1, 1) + length  # without a time zone it is UTC
        there = at.replace(tzinfo=dt.timezone.utc).astimezone(zone)
    except OverflowError:
        return
    assert _times.nanoseconds("start", at) == _times.nanoseconds("start", there) == 1000 * us


@pytest.mark.parametrize("kind", ["datetime64", "timedelta64"])
def test_numpy_units(kind: str) -> None:
    numpy = pytest.importorskip("numpy")
    make = getattr(numpy, kind)
    read = _times.nanoseconds
    for unit, ns in ("W", 7 * 86400 * 10**9), ("h", 3600 * 10**9), ("ms", 10**6), ("ns", 1):
        assert read("start", make(3, unit)) == 3 * ns
        assert read("start", make(3, f"5{unit}")) == 15 * ns
    assert read("start", make(-3000, "ps")) == -3
    for wrong in (make("NaT", "ns"), make(3001, "ps")):
        with pytest.raises(ValueError, match="start="):
            read("start", wrong)
    with pytest.raises(TypeError, match="an array, not a time"):
        read("start", numpy.array([1], f"{numpy.dtype(kind).char}8[ns]"))
    assert read("start", numpy.uint64((1 << 64) - 1)) == (1 << 64) - 1
    years = numpy.datetime64("2020", "Y"), numpy.datetime64("2020-01-01T00:00:00", "ns")
    assert len({read("start", year) for year in years}) == 1
    for length in (numpy.timedelta64(3, "M"), numpy.timedelta64(3)):
        with pytest.raises(ValueError, match="has no length in ns"):
            read("start", length)


@pytest.mark.parametrize(
    ("bad", "error", "text"),
    [
        (19.5, TypeError, r"end=19.5; a float cannot hold nanoseconds; write a text \('19.5s'"),
        (Decimal("19.5"), TypeError, "a time is whole ns, a text"),
        ("19.5", ValueError, "end='19.5'; a time has a unit; write '19.5s'"),
        ("1m", ValueError, "not a time, such as '19.5s'"),
        (".s", ValueError, "not a time"),
        ("\u0663s", ValueError, "not a time"),
        ("9" * 41 + "s", ValueError, "not a time"),
        (b"1s", TypeError, "a time is whole ns, a text"),
        ([1], TypeError, "a time is whole ns, a text"),
    ],
)
def test_what_is_no_time(bad: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        _arguments.window(None, bad)


def rows(trace: tracecmd.Trace, start: Any, end: Any) -> list[int]:
    return [event.ts for event in trace.iter(start=start, end=end)]


def test_what_tables_gave_out_goes_back_in() -> None:
    """Times of two rows, in each form that somebody makes of them, bound the same records."""
    arrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pandas")
    with tracecmd.open(HOST) as trace:
        part = trace[PART]
        events = [event.ts for event in part]
        first, last = 2, 9
        wanted = rows(trace, events[first], events[last])
        assert events[first] in wanted
        assert events[last] not in wanted
        for ts in ("timestamp", "uint64"):
            table = part.table(columns=["ts"], ts=ts)  # type: ignore[arg-type]
            forms: list[Any] = [
                table.to_numpy()["ts"],
                table.to_pandas()["ts"],
                table.to_arrow()["ts"],
                arrow.array([event.ts for event in part], "duration[ns]"),
            ]
            for times in forms:
                bounds = times[first], times[last]
                assert rows(trace, *bounds) == wanted, type(bounds[0])


def test_polars_values_go_back_in_as_far_as_python_has_them() -> None:
    """datetime has microseconds: a bound from Polars is up to 999 ns early."""
    pytest.importorskip("polars")
    with tracecmd.open(HOST) as trace:
        part = trace[PART]
        events = [event.ts for event in part]
        frame = part.table(columns=["ts"]).to_polars()
        assert rows(trace, frame["ts"][2], None)[0] >= events[2] // 1000 * 1000
        numbers = part.table(columns=["ts"], ts="uint64").to_polars()["ts"]
        assert rows(trace, numbers[2], numbers[9]) == rows(trace, events[2], events[9])
