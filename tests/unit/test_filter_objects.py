"""``where=`` wherever records are read, and filters as values: combined, asked about events."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tracecmd
from tracecmd import Event, Filter
from tracecmd.cli import main

from .. import writer
from ..conftest import Trace
from ..writer import Buffer, EventFormat, Field, Machine

DATA = Path(__file__).parent.parent / "data"
SESSION = DATA / "sessions" / "kvm-small"
TO_18 = "sched_switch: next_pid == 18"
WOKEN = "sched_waking: pid == 18"


@pytest.fixture(scope="module")
def trace() -> Iterator[tracecmd.Trace]:
    with tracecmd.open(SESSION / "trace.dat") as opened:
        yield opened


@pytest.fixture(scope="module")
def every(trace: tracecmd.Trace) -> list[Event]:
    return list(trace)


@pytest.fixture(scope="module")
def session() -> Iterator[tracecmd.Session]:
    with tracecmd.open_session(SESSION) as opened:
        yield opened


def to_18(event: Event) -> bool:
    return event.name == "sched_switch" and event["next_pid"] == 18


def woken(event: Event) -> bool:
    return event.name == "sched_waking" and event["pid"] == 18


F, G, ODD = Filter(TO_18), Filter(WOKEN), Filter("CPU == 1")
COMBINED: list[tuple[str | Filter, Callable[[Event], bool]]] = [
    (TO_18, to_18),
    (F, to_18),
    (~F, lambda e: not to_18(e)),
    (~~F, to_18),
    (F | G, lambda e: to_18(e) or woken(e)),
    (F & G, lambda e: False),
    (~(F | G), lambda e: not to_18(e) and not woken(e)),
    ((F | G) & ODD, lambda e: (to_18(e) or woken(e)) and e.cpu == 1),
    (ODD & ~G, lambda e: e.cpu == 1 and not woken(e)),
    (~(~F & ~(G & ~ODD)), lambda e: to_18(e) or (woken(e) and e.cpu != 1)),
]


def key(event: Event) -> tuple[int, int, int, str]:
    return event.ts, event.cpu, event.id, event.peer


@pytest.mark.parametrize("number", range(len(COMBINED)))
def test_everywhere(trace: tracecmd.Trace, every: list[Event], number: int) -> None:
    """What Python picks of all records is what the core picks, in every way to read them."""
    where, passes = COMBINED[number]
    expected = [event for event in every if passes(event)]
    keys = list(map(key, expected))
    assert list(map(key, trace.iter(where=where))) == keys
    assert list(map(key, trace.iter(where=where, threads=2))) == keys
    assert list(map(key, trace.iter(where=where, reverse=True))) == keys[::-1]
    assert list(map(key, trace.buffers[0].iter(where=where))) == keys
    first = trace.at(0, where=where)
    assert (first and key(first)) == (keys[0] if keys else None)
    whole = where if isinstance(where, Filter) else Filter(where)
    assert [event for event in every if whole.matches(event)] == expected
    rows = sum(len(batch) for batch in trace.table(columns=["ts"], where=where).batches())
    assert rows == len(keys)


@pytest.mark.parametrize("number", range(len(COMBINED)))
@pytest.mark.parametrize("threads", [1, 3])
def test_stat(trace: tracecmd.Trace, every: list[Event], number: int, threads: int) -> None:
    where, passes = COMBINED[number]
    expected = [event for event in every if passes(event)]
    steps: list[tuple[int, int]] = []
    counted = trace.stat(where=where, threads=threads, progress=lambda *step: steps.append(step))
    whole = trace.stat()
    names = Counter(f"{event.system}:{event.name}" for event in expected)
    assert counted.records == len(expected)
    assert counted.events == dict(names.most_common())
    for cpu, all_of_it in zip(counted.cpus, whole.cpus, strict=True):
        times = [event.ts for event in expected if event.cpu == cpu.cpu]
        assert (cpu.first_ts, cpu.last_ts) == ((times[0], times[-1]) if times else (None, None))
        assert cpu.missed_events == all_of_it.missed_events
        assert cpu.missed_unknown == all_of_it.missed_unknown
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]


def test_as_reports(trace: tracecmd.Trace) -> None:
    """trace-cmd's own filters: several let through what one of them does, -v what none does."""
    text = b"".join(trace.report(filters=[TO_18, WOKEN]))
    assert len(text.splitlines()) - 1 == len(list(trace.iter(where=F | G))) == 10
    text = b"".join(trace.report(filters_out=[TO_18, WOKEN]))
    assert len(text.splitlines()) - 1 == len(list(trace.iter(where=~F & ~G)))


def test_losses_stay_with_what_is_left() -> None:
    """Events lost before records that are filtered out are counted with the next one."""
    with tracecmd.open(DATA / "i386-lost.dat") as trace:
        everything = trace.stat()
        assert everything.missed_events or everything.missed_unknown
        cpu = everything.cpus[0].cpu
        counted = trace.stat(where=f"CPU == {cpu}")
        assert counted.cpus[0] == everything.cpus[0]
        assert counted.missed_events == everything.missed_events
        before = [event.missed_events for event in trace.iter(cpus=cpu)]
        assert [event.missed_events for event in trace.iter(where=f"CPU == {cpu}")] == before


def test_session(session: tracecmd.Session) -> None:
    """A peer that lacks the events gives nothing, but for what a filter excludes."""
    exits = Filter("kvm_exit: vcpu_id == 1")
    expected = [e for e in session.iter("kvm_exit") if e["vcpu_id"] == 1]
    assert expected
    assert {event.peer for event in expected} == {"host"}
    assert list(map(key, session.iter(where=exits))) == list(map(key, expected))
    others = [key(e) for e in session.iter() if not exits.matches(e)]
    assert list(map(key, session.iter(where=~exits))) == others
    rows = sum(len(b) for b in session.table(columns=["ts"], where=~exits).batches())
    assert rows == len(others)
    counted = session.stat(where=exits)
    assert {peer: stat.records for peer, stat in counted.items()} == {
        "host": len(expected),
        "Guest1": 0,
        "Guest2": 0,
    }
    counted = session.stat(where=~exits)
    assert sum(stat.records for stat in counted.values()) == len(others)


def test_join(session: tracecmd.Session) -> None:
    where = F | ODD
    every = list(session.join("sched_switch"))
    wanted = [joined for joined in every if F.matches(joined.event) or joined.event.cpu == 1]
    found = list(session.join("sched_switch", where=where))
    assert 0 < len(found) < len(every)
    assert [(key(j.event), *j[1:]) for j in found] == [(key(j.event), *j[1:]) for j in wanted]
    assert list(session.join("sched_switch", where="next_pid == 123456")) == []


def test_values() -> None:
    assert str(F) == TO_18
    assert repr(F & ~(G | ODD)) == (
        f"Filter({TO_18!r}) & ~(Filter({WOKEN!r}) | Filter('CPU == 1'))"
    )
    assert str(F & ~(G | ODD)) == f"({TO_18}) && (!(({WOKEN}) || (CPU == 1)))"
    assert Filter(TO_18) == F != G
    assert F & G == Filter(TO_18) & Filter(WOKEN) != F | G
    assert (F & G) & ODD == F & (G & ODD)
    assert len({F, Filter(TO_18), F | G, F | G, ~F}) == 3
    for each in (F, ~F, F & G | ~ODD):
        assert pickle.loads(pickle.dumps(each)) == each
    with pytest.raises(TypeError, match="text=3; it is a text"):
        Filter(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        F & "CPU == 1"  # type: ignore[operator]


def test_wrong_ones(trace: tracecmd.Trace) -> None:
    event = next(iter(trace))
    readers: list[Callable[[str | Filter], object]] = [
        lambda where: trace.iter(where=where),
        lambda where: trace.at(0, where=where),
        lambda where: trace.stat(where=where),
        lambda where: trace.table(where=where),
    ]
    for read in readers:
        for wrong, told in {
            "prev_state ==": tracecmd.FilterError,
            "nothing: pid == 1": tracecmd.FilterError,
            "sched_switch: prev_comm == 3": tracecmd.FilterError,
            "prev_pidd == 3": tracecmd.UnknownFieldError,
        }.items():
            for where in (wrong, Filter(wrong), F | ~Filter(wrong)):
                with pytest.raises(told):
                    read(where)
        with pytest.raises(TypeError, match="where=3; it is a text or a Filter"):
            read(3)  # type: ignore[arg-type]
    for wrong in ("prev_state ==", "sched_switch: prev_comm == 3"):
        with pytest.raises(tracecmd.FilterError):
            Filter(wrong).matches(event)
    assert not Filter("nothing: pid == 1").matches(event)
    assert (~Filter("nothing: pid == 1")).matches(event)
    assert not Filter("prev_pidd == 3").matches(event)


def test_nested(trace: tracecmd.Trace) -> None:
    """As deep as the core can follow; chains of one operator are not deep."""
    chain = F
    for number in range(1000):
        chain |= Filter(f"CPU == {number + 5}")
    assert len(list(trace.iter("sched_switch", where=chain))) == 5
    deep = F
    for _ in range(33):
        deep = ~(deep & ODD) | F
    assert [key(e) for e in trace.iter(where=deep)] == [key(e) for e in trace if deep.matches(e)]
    assert pickle.loads(pickle.dumps(deep)) == deep
    with pytest.raises(ValueError, match="filters are joined more than 100 deep"):
        deep = ~(deep & ODD) | F


def test_shared_parts(trace: tracecmd.Trace) -> None:
    """What is in there a million times is not gone through as often to make it."""
    shared = F
    for number in range(45):
        shared = (shared & Filter(f"CPU >= {number}")) | (shared & ODD)
    assert len(shared.leaves()) == 47
    assert hash(shared) != hash(~shared)


def test_unknown_events(tmp_path: Path) -> None:
    """Records of no format pass no filter, and so each filter's opposite."""
    stray = EventFormat("test", "stray", 950, (Field("u32 n", 4),), '"n=%u", REC->n')
    events = [(1000, writer.TICK.values(pid=1, n=7)), (2000, stray.values(pid=1, n=7))]
    pages = writer.fill_pages(events, Machine(False, 8))
    path = tmp_path / "trace.dat"
    path.write_bytes(Trace(buffers=[Buffer(cpus={0: pages})]).write().data)
    with tracecmd.open(path) as opened:
        seven = Filter("common_pid == 1")
        assert [event.ts for event in opened.iter(where=seven)] == [1000]
        assert [event.ts for event in opened.iter(where=~seven)] == [2000]
        assert [seven.matches(event) for event in opened] == [True, False]
        assert opened.stat(where=~seven).events == {"id 950": 1}
        assert sum(len(b) for b in opened.table(columns=["ts"], where=~seven).batches()) == 1


def test_after_close() -> None:
    with tracecmd.open(SESSION / "trace.dat") as opened:
        event = next(iter(opened))
        assert not F.matches(event)
    with pytest.raises(tracecmd.ClosedError):
        F.matches(event)
    with pytest.raises(tracecmd.ClosedError):
        ODD.matches(event)


def deep(levels: int) -> Filter:
    """Each a part of the next one in two places: as a tree it has 2 ** levels leaves."""
    made, a, b = Filter("CPU == 0"), Filter("CPU != 1"), Filter("common_pid != 3")
    for level in range(levels):
        made = (made & a) | (made & b) if level % 2 else ~(made & b) & (made | a)
    return made


def test_what_is_shared_is_run_once(trace: tracecmd.Trace, every: list[Event]) -> None:
    """Filters made in a loop, as deep as they may be: at once."""

    def passes(event: Event, levels: int) -> bool:
        a, b = event.cpu != 1, event.pid != 3
        value = event.cpu == 0
        for level in range(levels):
            value = (value and a) or (value and b) if level % 2 else (
                not (value and b) and (value or a))  # fmt: skip
        return value

    for levels in (1, 2, 7, 39):
        whole = deep(levels)
        assert len(list(trace.iter(where=whole))) == sum(passes(e, levels) for e in every)
        assert [e for e in every[:500] if whole.matches(e)] == [
            e for e in every[:500] if passes(e, levels)
        ]
        other = pickle.loads(pickle.dumps(whole))
        assert other == whole == deep(levels)
        assert hash(other) == hash(whole)
    assert deep(39) != deep(38)
    with pytest.raises(ValueError, match="more than 100 deep"):
        deep(60)


def test_a_filter_of_many_filters(trace: tracecmd.Trace, every: list[Event]) -> None:
    """So many that only few records are looked at together."""
    leaves = [Filter(f"common_pid == {pid}") for pid in range(50)]
    whole = Filter("CPU == 0")
    for place, one in enumerate(leaves):
        for other in leaves[place + 1 :]:
            whole &= ~(one | other)
    assert len(list(trace.iter(where=whole))) == sum(e.cpu == 0 and e.pid >= 50 for e in every)


# What is left out ---------------------------------------------------------------------------------

EXCLUDED: list[tuple[object, Callable[[Event], bool]]] = [
    ("sched_switch", lambda e: e.name == "sched_switch"),
    ("sched:sched_switch", lambda e: e.name == "sched_switch"),
    ("sched/*", lambda e: e.system == "sched"),
    ("sched_w*", lambda e: e.name.startswith("sched_w")),
    (["kvm:kvm_e*", "*_switch"], lambda e: e.name.startswith("kvm_e") or e.name == "sched_switch"),
    (F, to_18),
    ([F, "kvm:*", G], lambda e: to_18(e) or e.system == "kvm" or woken(e)),
    ((), lambda e: False),
]


@pytest.mark.parametrize("number", range(len(EXCLUDED)))
def test_exclude(
    trace: tracecmd.Trace, session: tracecmd.Session, every: list[Event], number: int
) -> None:
    exclude, out = EXCLUDED[number]
    keys = [key(event) for event in every if not out(event)]
    assert list(map(key, trace.iter(exclude=exclude))) == keys  # type: ignore[arg-type]
    cpu_0 = [key(event) for event in every if not out(event) and event.cpu == 0]
    assert list(map(key, trace.iter(exclude=exclude, where="CPU == 0", threads=2))) == cpu_0
    scheds = [key(e) for e in every if not out(e) and e.system == "sched"]
    assert list(map(key, trace.iter("sched:*", exclude=exclude))) == scheds
    assert list(map(key, trace.buffers[0].iter(exclude=exclude))) == keys
    table = trace.table(columns=["ts"], exclude=exclude)
    assert sum(len(batch) for batch in table.batches()) == len(keys)
    names = Counter(f"{e.system}:{e.name}" for e in every if not out(e))
    assert trace.stat(exclude=exclude).events == dict(names.most_common())
    tables = trace.tables(["sched:*", "kvm_exit"], exclude=exclude)
    asked = {name for name in names if name.startswith("sched:") or name == "kvm:kvm_exit"}
    assert asked <= set(tables)
    assert sum(len(batch) for _, batch in tables.batches()) == sum(names[name] for name in asked)
    report = b"".join(trace.report(exclude=exclude)).splitlines()
    assert len(report) - 1 == len(keys)
    assert b"".join(trace.report(exclude=exclude, threads=3)).splitlines() == report

    of_all = [key(event) for event in session if not out(event)]
    assert list(map(key, session.iter(exclude=exclude))) == of_all
    assert sum(s.records for s in session.stat(exclude=exclude).values()) == len(of_all)
    assert len(b"".join(session.report(exclude=exclude)).splitlines()) - 3 == len(of_all)
    joined = [key(j.event) for j in session.join() if not out(j.event)]
    assert [key(j.event) for j in session.join(exclude=exclude)] == joined


def test_what_cannot_be_left_out(trace: tracecmd.Trace) -> None:
    for name in ("sched_swich", "nosuch*", "sched:kvm_*"):
        with pytest.raises(tracecmd.UnknownEventError):
            trace.iter(exclude=name)
    with pytest.raises(tracecmd.FilterError):
        trace.iter(exclude=Filter("nosuch_event: pid == 1"))
    with pytest.raises(TypeError, match="a name or a Filter"):
        trace.iter(exclude=[3])
    with pytest.raises(TypeError, match="a name or a Filter"):
        trace.stat(exclude=3)


def test_exclude_keeps_events_without_a_format(tmp_path: Path) -> None:
    form = EventFormat("test", "gone", 930, (Field("u32 n", 4),), '"%u", REC->n')
    events = [(1000, form.values(pid=1, n=1)), (1001, writer.TICK.values(pid=1, n=2))]
    pages = writer.fill_pages(events, Machine(False, 8))
    path = tmp_path / "trace.dat"
    path.write_bytes(Trace(buffers=[Buffer(cpus={0: pages})]).write().data)
    with tracecmd.open(path) as opened:
        assert [event.id for event in opened.iter(exclude="tick")] == [930]
        assert opened.stat(exclude="tick").events == {"id 930": 1}


def test_exclude_exports(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    out = tmp_path / "folder"
    out.mkdir()
    arguments = ["export", str(SESSION / "trace.dat"), "-o", str(out), "-q", "--format", "jsonl"]
    assert main([*arguments, "-e", "sched:*", "--exclude", "sched_wak*,kvm:*"]) == 0
    assert (out / "sched.sched_switch.jsonl").exists()
    assert not list(out.glob("sched.sched_wak*"))
