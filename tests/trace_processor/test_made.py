"""What recordings seldom have, as trace processor reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

import tracecmd
from tracecmd.export import perfetto

from .. import writer
from ..conftest import Trace, Write
from ..unit.scenes import Scene
from ..writer import Buffer, Machine, Values, fill_pages
from .compare import check, names_of_tasks
from .engine import Engine

HOST, GUEST, OTHER = 101, 102, 103


def records(*found: tuple[int, Values]) -> list[writer.Page | bytes]:
    return list(fill_pages(list(found), Machine()))


@pytest.mark.parametrize("start", [0, 1, 10**9, 1 << 53, (1 << 58) - 1])
def test_guests_are_on_time(engine: Engine, tmp_path: Path, start: int) -> None:
    """To the nanosecond, whatever the time is, and though the guests are longer than the host."""
    made = Scene({"G": [GUEST], "H": [OTHER]})
    made.host.tick(start + 10, 0, HOST)
    made.host.tick(start + 50 * 10**9, 0, HOST)
    made.guests["G"].tick(start, 0, 7)
    made.guests["G"].tick(start + 90 * 10**9, 0, 7)
    made.guests["H"].tick(start + 7, 0, 8)
    with made.open(tmp_path) as session:
        found = check(engine, session, tmp_path / "out.pftrace")
        ids = perfetto.machine_ids(session)
    last = start + 90 * 10**9
    assert found.groups[ids["G"], 0, "tick", 7] == (2, start, last)


def test_flags_and_losses(engine: Engine, tmp_path: Path) -> None:
    made = Scene({"G": [GUEST]})
    made.host.add(10, 0, writer.TICK.values(pid=1, flags=5))
    made.host.switch(20, 0, 1, 2)
    made.host.lose(0)
    made.host.switch(30, 0, 3, 4)
    made.host.switch(40, 0, 4, 1)
    made.guests["G"].add(35, 3, writer.TICK.values(pid=1, flags=1))
    with made.open(tmp_path) as session:
        found = check(engine, session, tmp_path / "out.pftrace")
    assert len(found.groups) == 5
    assert found.faults == {
        ("ftrace_cpu_has_data_loss", 0): 1,
        ("mismatched_sched_switch_tids", None): 1,
    }


def test_several_buffers(engine: Engine, write: Write, tmp_path: Path) -> None:
    """An instance has recorded the same switches, which happened only once."""
    switch = writer.SCHED_SWITCH.values
    first = records(
        (100, switch(pid=1, prev_pid=1, next_pid=2)), (300, switch(pid=2, prev_pid=2, next_pid=1))
    )
    second = records(
        (101, switch(pid=1, prev_pid=1, next_pid=2)),
        (200, writer.SCHED_WAKEUP.values(pid=2, prio=3)),
        (301, switch(pid=2, prev_pid=2, next_pid=1)),
    )
    path = write(Trace(buffers=(Buffer(cpus={0: first}), Buffer("twin", cpus={0: second}))))
    out = tmp_path / "out.pftrace"
    with tracecmd.open(path) as trace:
        check(engine, trace, out)
    (slices,) = engine.query(
        out, "SELECT ts, dur, tid FROM sched JOIN thread USING (utid) ORDER BY ts"
    )
    assert slices == [[100, 200, 2], [300, -1, 1]]


def test_texts(engine: Engine, write: Write, tmp_path: Path) -> None:
    """Marks make slices; other texts are instants, and end none."""
    texts = ("B|7|work|a", "hello", "End of file", "E", "", "B|x|no", "C|7|load", "C|7|load|-3",
             "B|7|open", "E|7|", "I|7|now\n")  # fmt: skip
    marks = [
        (100 * i, writer.PRINT.values(pid=7, ip=i, buf=text)) for i, text in enumerate(texts, 1)
    ]
    out = tmp_path / "out.pftrace"
    with tracecmd.open(write(Trace(buffers=(Buffer(cpus={0: records(*marks)}),)))) as trace:
        found = check(engine, trace, out)
    assert found.groups == {(0, 0, "print", 7): (11, 100, 1100)}
    slices, counters, written = engine.query(
        out,
        "SELECT ts, dur, name FROM slice ORDER BY ts",
        "SELECT ts, value, name FROM counter JOIN track ON track.id = track_id",
        "SELECT string_value FROM ftrace_event JOIN args USING (arg_set_id) "
        "WHERE key = 'buf' ORDER BY ts",
    )
    free = [[200, 0, "hello"], [300, 0, "End of file"], [500, 0, ""], [600, 0, "B|x|no"],
            [700, 0, "C|7|load"]]  # fmt: skip
    assert slices == [[100, 300, "work|a"], *free, [900, 100, "open"], [1100, 0, "now"]]
    assert counters == [[800, -3.0, "load"]]
    assert [text for (text,) in written] == list(texts)


def test_names_with_blanks(engine: Engine, write: Write, tmp_path: Path) -> None:
    ticks = records((10, writer.TICK.values(pid=7)), (20, writer.TICK.values(pid=8)))
    made = Trace(saved_cmdlines="7 CPU 0/KVM\n8 plain\n", buffers=(Buffer(cpus={0: ticks}),))
    out = tmp_path / "out.pftrace"
    with tracecmd.open(write(made)) as trace:
        perfetto.write(trace, out)
    names = names_of_tasks(engine, out)
    assert names[0, 7] == ("CPU 0/KVM", "CPU 0/KVM")
    assert names[0, 8] == ("plain", "plain")


@pytest.mark.parametrize(
    ("ts", "cpu", "what"),
    [(1 << 63, 0, "time 9223372036854775808 ns"), (1, 1024, "CPU 1024")],
)
def test_beyond_what_perfetto_holds(
    write: Write, tmp_path: Path, ts: int, cpu: int, what: str
) -> None:
    """Trace processor drops such a time, and refuses a whole trace for such a CPU."""
    ticks = {cpu: [writer.Page(ts, [writer.Event(0, writer.TICK.values(pid=1))])]}
    path, out = write(Trace(buffers=(Buffer(cpus=ticks),))), tmp_path / "out.pftrace"
    with tracecmd.open(path) as trace:
        with pytest.raises(tracecmd.LimitError, match=f"{path}: trace data: a record of {what}"):
            perfetto.write(trace, out)
        assert perfetto.write(trace, out, end=ts) == 0


@pytest.mark.parametrize(("ts", "cpu"), [((1 << 63) - 1, 0), (1, 1023)])
def test_the_last_that_perfetto_holds(
    engine: Engine, write: Write, tmp_path: Path, ts: int, cpu: int
) -> None:
    ticks = {cpu: [writer.Page(ts, [writer.Event(0, writer.TICK.values(pid=1))])]}
    with tracecmd.open(write(Trace(buffers=(Buffer(cpus=ticks),)))) as trace:
        found = check(engine, trace, tmp_path / "out.pftrace")
    assert found.groups == {(0, cpu, "tick", 1): (1, ts, ts)}
