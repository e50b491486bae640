"""Functions of Python that make texts of events, or that print formats call."""

from __future__ import annotations

import dataclasses
import gc
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tracecmd
from tracecmd import ReportOptions
from tracecmd.text_makers import TextMakers

from .. import writer
from ..conftest import Trace, Write
from ..recordings import corpus, made
from ..writer import Buffer, EventFormat, Field, Machine

M = Machine(False, 8)
KVM = corpus.DATA / "sessions" / "kvm-small"
TICK, WAKEUP = writer.TICK, writer.SCHED_WAKEUP


def ticks(count: int = 6) -> Trace:
    """Ticks and wakeups of two CPUs and an instance, some with a loss before them."""
    cpus = {}
    for cpu in range(2):
        events = [
            (1000 + 100 * n + cpu, TICK.values(pid=7, n=n, wide=n) if n % 3 else
             WAKEUP.values(pid=7, comm="w", target_cpu=n))
            for n in range(count)
        ]  # fmt: skip
        cpus[cpu] = writer.fill_pages(events, M)
    two = [(1050, TICK.values(pid=9, n=77))]
    return Trace(
        buffers=[Buffer(cpus=cpus), Buffer(name="two", cpus={0: writer.fill_pages(two, M)})]
    )


def lines_of(trace: tracecmd.Trace | tracecmd.Session, **options: Any) -> list[str]:
    return b"".join(trace.report(**options)).decode().splitlines()


def replaced(lines: list[str], name: str, texts: list[str]) -> list[str]:
    """The same report with other texts behind a name."""
    given = iter(texts)
    out = []
    for line in lines:
        head, found, _ = line.partition(f": {name}:")
        blanks = " " * max(0, 20 - len(name))
        out.append(f"{head}{found} {blanks}{next(given)}" if found else line)
    assert next(given, None) is None
    return out


# Texts of events ------------------------------------------------------------------------------


def test_reports_and_events(write: Write) -> None:
    with tracecmd.open(write(ticks())) as trace:
        before = lines_of(trace)
        trace.set_text("tick", lambda event: f"<{event['n']} on {event.cpu}>")
        texts = [f"<{e['n']} on {e.cpu}>" for e in trace.iter("tick")]
        assert lines_of(trace) == replaced(before, "tick", texts)
        assert [str(e) for e in trace.iter("tick")] == texts
        assert [e.text(kernel=True) for e in trace.iter("tick")] == texts
        plain = [e.text(custom=False) for e in trace.iter("tick")]
        assert lines_of(trace, options=ReportOptions(plain_events=["tick"])) == before
        raw = lines_of(trace, options=ReportOptions(raw=True))
        trace.set_text("tick", None)
        assert lines_of(trace, options=ReportOptions(raw=True)) == raw
        assert lines_of(trace) == before
        assert [str(e) for e in trace.iter("tick")] == plain
        trace.set_text("test:*", lambda event: "x")
        assert lines_of(trace) == replaced(before, "tick", ["x"] * len(texts))
        trace.set_text(["tick", "sched/sched_wakeup"], lambda event: event.name)
        assert {str(event) for event in trace} == {"tick", "sched_wakeup"}


def test_events_are_those_of_a_walk(write: Write) -> None:
    """All that an event has: place, buffer, losses, fields, its usual text."""
    pages = writer.fill_pages([(1000 + n, TICK.values(pid=7, n=n)) for n in range(300)], M)
    pages[2] = dataclasses.replace(pages[2], lost=5)
    for compression in ("none", "zlib"):
        path = write(Trace(buffers=[Buffer(cpus={1: pages})], compression=compression))
        seen: list[str] = []
        with tracecmd.open(path) as trace:

            def describe(event: tracecmd.Event) -> str:
                return repr((event.ts, event.cpu, event.pid, event.id, event.missed_events,
                             event.offset, event.raw, event.buffer, event.comm, event.flags,
                             dict(event), event.text(custom=False)))  # fmt: skip

            def note(event: tracecmd.Event, seen: list[str] = seen) -> str:
                seen.append(describe(event))
                return ""

            trace.set_text("tick", note)
            list(trace.report())
            assert seen == [describe(event) for event in trace]
            assert any("', 5," in each or " 5, " in each for each in seen)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads(threads: int) -> None:
    with tracecmd.open(corpus.DATA / "s390x-tc331-v6.dat") as trace:
        before = lines_of(trace)
        order: list[int] = []

        def text(event: tracecmd.Event) -> str:
            order.append(event.ts)
            return f"{event.ts}"

        name = max(trace.stat().events, key=trace.stat().events.__getitem__)
        trace.set_text(name, text)
        after = lines_of(trace, threads=threads)
        times = [event.ts for event in trace.iter(name)]
        assert order == times  # each once, in the report's order
        assert after == replaced(before, name.partition(":")[2], [str(ts) for ts in times])


def test_real_handlers_are_replaced(write: Write) -> None:
    """What plugins know of an event, and tell for two of them in one line."""

    def report(name: str) -> list[str]:
        with tracecmd.open(path) as trace:
            trace.set_text(name, lambda event: "mine")
            return lines_of(trace)

    path = write(made.functions())
    with tracecmd.open(path) as trace:
        exits = trace.stat().events["ftrace:funcgraph_exit"]
        before = lines_of(trace)
    after = report("funcgraph_exit")
    assert sum("mine" in line for line in after) == exits
    assert sum(": funcgraph_exit:" in line for line in before) < exits  # some are in entries'
    after = report("function")
    assert len(after) == len(before)
    assert [": function:" in line for line in before] == ["mine" in line for line in after]


def test_options_of_the_line(write: Write) -> None:
    options = [
        ReportOptions(ts_diff=True), ReportOptions(latency_format=True),
        ReportOptions(nanoseconds=True), ReportOptions(no_plugins=True, kernel_text=True),
    ]  # fmt: skip
    with tracecmd.open(write(ticks())) as trace:
        for each in options:
            trace.set_text("tick", None)
            before = lines_of(trace, options=each)
            trace.set_text("tick", lambda event: "T")
            after = lines_of(trace, options=each)
            assert len(before) == len(after)
            for old, new in zip(before, after, strict=True):
                if old != new:
                    assert new.endswith("T")
                    assert old.startswith(new.removesuffix("T"))


def test_sessions_ask_each_peer() -> None:
    with tracecmd.open_session(KVM) as session:
        assert session.host is not None
        before = lines_of(session)
        session.host.set_text("sched_switch", lambda event: f"{event.peer}'s")
        for guest in session.guests.values():
            guest.set_text("sched_switch", lambda event: f"of {event.peer}")
        texts = [f"{e.peer}'s" if e.peer == "host" else f"of {e.peer}"
                 for e in session.iter("sched_switch")]  # fmt: skip
        assert len(set(texts)) == 1 + len(session.guests)
        for threads in (1, 3):
            assert lines_of(session, threads=threads) == replaced(before, "sched_switch", texts)


@pytest.mark.parametrize(("given", "shown"), [
    ("a\nb\n", "a\nb"), ("\n", ""), ("", ""), ("ü", "ü"), ("\udcff", "\udcff"), ("a\0b", "a\0b"),
])  # fmt: skip
def test_texts_of_all_kinds(write: Write, given: str, shown: str) -> None:
    with tracecmd.open(write(ticks(2))) as trace:
        trace.set_text("tick", lambda event: given)
        report = b"".join(trace.report()).decode(errors="surrogateescape")
        assert f": tick: {' ' * 16}{shown}\n" in report
        assert {str(event) for event in trace.iter("tick")} == {shown}


class Oops(Exception):
    pass


def test_failures_are_the_readers(write: Write) -> None:
    """What a function raises comes out as it is, and everything goes on after it."""
    with tracecmd.open(write(ticks(40))) as trace:
        before = lines_of(trace)

        def fail(event: tracecmd.Event) -> str:
            raise Oops(event["n"])

        trace.set_text("tick", fail)
        for threads in (1, 3):
            with pytest.raises(Oops):
                list(trace.report(threads=threads))
        with pytest.raises(Oops):
            str(trace.at(0, "tick"))
        for wrong in (None, b"x", 3):
            trace.set_text("tick", lambda event, wrong=wrong: wrong)
            for read in (lambda: list(trace.report()), lambda: str(trace.at(0, "tick"))):
                with pytest.raises(TypeError, match="it gives a text"):
                    read()
        trace.set_text("tick", lambda event: "\ud800")
        with pytest.raises(UnicodeEncodeError):
            list(trace.report())
        trace.set_text("tick", None)
        assert lines_of(trace) == before
        with pytest.raises(TypeError, match="it is a function"):
            trace.set_text("tick", "text")  # type: ignore[arg-type]
        with pytest.raises(tracecmd.UnknownEventError, match="tick"):
            trace.set_text("tik", str)


def test_lifetimes(write: Write) -> None:
    """A function lives as long as its trace; it may close that, or set others."""

    class Maker:
        def __call__(self, event: tracecmd.Event) -> str:
            return "x"

    path = write(ticks(40))
    maker = Maker()
    alive = weakref.ref(maker)
    trace = tracecmd.open(path)
    trace.set_text("tick", maker)
    trace.set_print_function("f", maker)
    report = trace.report()
    next(report)
    del maker
    trace.close()
    with pytest.raises(tracecmd.ClosedError):
        list(report)
    del report
    gc.collect()
    assert alive() is None

    trace = tracecmd.open(path)
    event = trace.at(0, "tick")
    trace.set_text("tick", lambda event: trace.close() or "closed")
    assert event is not None
    with pytest.raises(tracecmd.ClosedError):
        list(trace.report())
    with pytest.raises(tracecmd.ClosedError):
        str(event)

    cycle = tracecmd.open(path)
    cycle.set_text("tick", lambda event, trace=cycle: str(trace))
    gone = weakref.ref(cycle)
    del cycle
    gc.collect()
    assert gone() is None

    with tracecmd.open(path) as trace:

        def change(event: tracecmd.Event) -> str:
            trace.set_text("tick", lambda event: "later")
            return "sooner"

        trace.set_text("tick", change)
        assert {line.split()[-1] for line in lines_of(trace) if "tick:" in line} == {"sooner"}
        assert {line.split()[-1] for line in lines_of(trace) if "tick:" in line} == {"later"}


# Functions of print formats -------------------------------------------------------------------


def helped(print_fmt: str) -> Trace:
    fields = (Field("int x", 4, signed=True), Field("u32 y", 4), Field("char name[8]", 8))
    form = EventFormat("test", "helped", 920, fields, print_fmt)
    events = [(1000 + n, form.values(pid=1, x=n - 1, y=10 * n, name="n")) for n in range(3)]
    return Trace(
        events=(*writer.EVENTS, form), buffers=[Buffer(cpus={0: writer.fill_pages(events, M)})]
    )


CASES: list[tuple[str, dict[str, Callable[..., Any]], list[str]]] = [
    ('"v=%d", my_helper(REC->y)', {"my_helper": lambda y: y + 1}, ["v=1", "v=11", "v=21"]),
    ('"%s!", name_of(REC->y)', {"name_of": lambda y: f"n{y}"}, ["n0!", "n10!", "n20!"]),
    ('"%s", name_of(REC->y)', {"name_of": lambda y: -y}, ["0", "-10", "-20"]),
    ('"%6s|%-4s|%.1s", f(REC->y), f(1), f(2)', {"f": lambda y: f"a{y}"},
     ["    a0|a1  |a", "   a10|a1  |a", "   a20|a1  |a"]),
    ('"%d %s", add(REC->y, twice(REC->y) + 1, 5), twice(add(1, 2, 3)) ? "yes" : "no"',
     {"add": lambda *a: sum(a), "twice": lambda n: 2 * n}, ["6 yes", "36 yes", "66 yes"]),
    ('"%s", REC->y > 10 ? f(REC->y) : "small"', {"f": lambda y: f"big{y}"},
     ["small", "small", "big20"]),
    ('"%x %u", (u8)f(REC->y), f() % 7', {"f": lambda *a: 0x1FF + sum(a)}, ["ff 0", "9 0", "13 0"]),
    ('"%llu", f(REC->y)', {"f": lambda y: -1}, [str((1 << 64) - 1)] * 3),
    ('"%d", f(REC->y)', {"f": lambda y: "text"}, ["0"] * 3),
    ('"%d", __fswab16(REC->y)', {"__fswab16": lambda y: y}, ["0", "10", "20"]),
    ('"%d", f(REC->y) + g(REC->y)', {"f": lambda y: y, "g": lambda y: y * 100},
     ["0", "1010", "2020"]),
]  # fmt: skip


@pytest.mark.parametrize("kernel", [False, True])
@pytest.mark.parametrize(("print_fmt", "functions", "expected"), CASES)
def test_functions_of_print_formats(
    write: Write, print_fmt: str, functions: dict[str, Any], expected: list[str], kernel: bool
) -> None:
    with tracecmd.open(write(helped(print_fmt))) as trace:
        before = lines_of(trace, options=ReportOptions(kernel_text=kernel))
        for name, function in functions.items():
            trace.set_print_function(name, function)
        assert [e.text(kernel=kernel) for e in trace] == expected
        for threads in (1, 2):
            for no_plugins in (False, True):
                options = ReportOptions(kernel_text=kernel, no_plugins=no_plugins)
                after = lines_of(trace, options=options, threads=threads)
                assert after == replaced(before, "helped", expected)
        for name in functions:
            trace.set_print_function(name, None)
        assert lines_of(trace, options=ReportOptions(kernel_text=kernel)) == before


def test_fields_until_all_are_known(write: Write) -> None:
    with tracecmd.open(write(helped('"%d %d", f(REC->x), g(REC->y)'))) as trace:
        trace.set_print_function("f", lambda x: x)
        assert "[FAILED TO PARSE] x=-1" in lines_of(trace)[-3]
        assert "[FAILED TO PARSE] x=-1" in str(next(iter(trace)))
        trace.set_print_function("g", lambda y: y)
        assert str(next(iter(trace))) == "-1 0"
        raw = lines_of(trace, options=ReportOptions(raw=True))
        assert "x=" in raw[-1]
        trace.set_text("helped", lambda event: "first of all")
        assert str(next(iter(trace))) == "first of all"
        assert lines_of(trace)[-1].endswith("first of all")
        assert next(iter(trace)).text(custom=False) == "-1 0"
    too_many = f'"%d", f({", ".join("123456789")})'
    with tracecmd.open(write(helped(too_many))) as trace:
        trace.set_print_function("f", lambda *a: 1)
        assert str(next(iter(trace))).startswith("[FAILED TO PARSE]")


@pytest.mark.parametrize(("give", "error"), [
    (lambda y: 1.5, TypeError), (lambda y: None, TypeError), (lambda y: b"x", TypeError),
    (lambda y: 1 << 64, ValueError), (lambda y: -(1 << 63) - 1, ValueError),
    (lambda: 1, TypeError), (lambda y: 1 // y, ZeroDivisionError),
])  # fmt: skip
def test_failing_functions(write: Write, give: Callable[..., Any], error: type[Exception]) -> None:
    with tracecmd.open(write(helped('"%d %s", f(REC->y), f(REC->y)'))) as trace:
        trace.set_print_function("f", give)
        for _ in range(3):
            with pytest.raises(error):
                list(trace.report())
            with pytest.raises(error):
                str(next(iter(trace)))
        trace.set_print_function("f", lambda y: y)
        assert str(next(iter(trace))) == "0 0"
        for wrong in ("", "a b", "1f", 3):
            with pytest.raises(ValueError, match="the name of a function"):
                trace.set_print_function(wrong, abs)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="it is a function"):
            trace.set_print_function("f", 3)  # type: ignore[arg-type]


def test_an_instance_is_not_named_in_an_events_text(write: Write) -> None:
    """A report's line begins with it; a text is what stands behind the event's name."""
    with tracecmd.open(write(ticks())) as trace:
        (event,) = trace.buffer("two").iter("tick")
        assert str(event).startswith("n=77 ")


def test_many_calls_end(write: Write, tmp_path: Path) -> None:
    """A format of hundreds of calls: as many steps, each begun anew."""
    calls = " + ".join(["f(REC->y)"] * 200)
    with tracecmd.open(write(helped(f'"%d", {calls}'))) as trace:
        trace.set_print_function("f", lambda y: y)
        assert [str(e) for e in trace] == ["0", "2000", "4000"]


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_threads_that_set_texts_at_once_lose_none() -> None:
    """Each keeps what the others set, whatever the moment; the last of all is found by all."""
    path = corpus.DATA / "sessions/kvm-small/trace.dat"
    names = ["sched_switch", "sched_waking", "kvm_exit", "softirq_raise", "irq_handler_entry"]
    with tracecmd.open(path) as trace:
        for _ in range(50):
            ready = threading.Barrier(2 * len(names))

            def set_text(name: str, ready: threading.Barrier = ready) -> None:
                ready.wait()
                trace.set_text(name, lambda event: name)

            def set_function(name: str, ready: threading.Barrier = ready) -> None:
                ready.wait()
                trace.set_print_function(name, lambda *given: 0)

            threads = [
                threading.Thread(target=target, args=(name,))
                for name in names
                for target in (set_text, set_function)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            makers = trace._reader.makers
            assert (len(makers.texts), {*makers.functions}) == (len(names), {*names})
            assert {str(trace.at(0, name)) for name in names} == {*names}
            trace.set_text(names, None)
            for name in names:
                trace.set_print_function(name, None)
            assert not trace._reader.makers.texts


def test_a_text_that_is_set_while_another_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a finalizer or a signal's handler may do, between any two steps."""
    with tracecmd.open(corpus.DATA / "sessions/kvm-small/trace.dat") as trace:
        assert trace._reader.makers.texts == {}
        make, inside = TextMakers.__init__, []

        def init(self: TextMakers, *given: Any, **named: Any) -> None:
            make(self, *given, **named)
            if not inside:
                inside.append(True)
                trace.set_text("sched_waking", lambda event: "inner")

        monkeypatch.setattr(TextMakers, "__init__", init)
        trace.set_text("sched_switch", lambda event: "outer")
        names = "sched_switch", "sched_waking"
        assert [str(trace.at(0, name)) for name in names] == ["outer", "inner"]
