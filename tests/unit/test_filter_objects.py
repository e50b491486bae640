"""``where=`` wherever records are read, and filters as values: combined, asked about events."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tracecmd
from tracecmd import Event, Filter

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
