"""What notebooks and shells show of our objects, and what they complete."""

from __future__ import annotations

import inspect
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

import tracecmd
from tracecmd._html import ROWS_MOST, grid
from tracecmd._reading import Selection

from ..conftest import Trace, Write
from ..writer import TICK, Buffer, Event, Page, Uname

DATA = Path(__file__).parent.parent / "data"
SESSION = DATA / "sessions/kvm-small"
HOST = SESSION / "trace.dat"
BAD = "<script>alert('x')</script>&\x1b[0m"


class Checked(HTMLParser):
    """Tags have to close in order; texts are kept."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.open.append(tag)
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def shown(thing: Any) -> Checked:
    checked = Checked(thing._repr_html_())
    assert checked.tags <= {"b", "table", "thead", "tbody", "tr", "th", "td"}
    return checked


def test_each_object_is_shown() -> None:
    with tracecmd.open(HOST) as trace, tracecmd.open_session(SESSION) as session:
        stat = trace.stat()
        selection = Selection(trace._recording, "sched:*", cpus=[1, 0], start="205s", where="n>1")
        where = f"<Trace {str(HOST)!r} v7 cpus=2 buffers=1 guests=2"
        things: list[tuple[Any, str, list[str]]] = [
            (trace, f"{where}>",
             ["tsc2nsec", "Guest2, Guest1", "204.910756448 s", "9.431245163 s"]),
            (trace["205s":"206s"],  # type: ignore[misc]
             f"{where} from 205.000000000 to 206.000000000>", ["205.012737320 s"]),
            (session, f"<Session host {str(HOST)!r}, guests=['Guest1', 'Guest2']>",
             ["guest Guest1", "Guest1/1", "vCPU, host PID 189", "202.361474078 s"]),
            (trace.table("sched_switch", symbols=True), "<Table sched:sched_switch columns=13>",
             ["ts", "timestamp[ns]", "prev_comm", "text", "int32", "next_prio"]),
            (trace.tables("irq:*"), "<Tables of 7 events>", ["irq:softirq_raise"]),
            (trace.losses(ts="duration"), "<Answer losses columns=5>", ["duration[ns]", "uint32"]),
            (stat, "<Stat records=30334 events=8 cpus=2>", ["kvm:kvm_exit", "1718"]),
            (selection, f"<Selection of {str(HOST)!r} events=sched:* cpus=[0, 1] where='n>1' "
             "start=205.000000000>", ["events", "sched:*", "205.000000000", "[0, 1]"]),
        ]  # fmt: skip
        for thing, text, cells in things:
            assert repr(thing) == text
            texts = shown(thing).texts
            assert {*cells} <= {*texts}, texts


def test_texts_of_files_are_no_markup(write: Write) -> None:
    pages = [Page(5, [Event(0, TICK.values(n=1))])]
    buffers = [Buffer(cpus={0: pages}), Buffer(name=BAD, cpus={0: pages})]
    path = write(Trace(buffers=buffers, options=[Uname(BAD)]))
    with tracecmd.open(path) as trace:
        for thing in (trace, trace.stat(), trace.table(), Selection(trace._recording, BAD)):
            html = thing._repr_html_()
            assert "<script" not in html
            assert "\x1b" not in html
            shown(thing)
        assert any("<script>alert('x')</script>&\\x1b[0m" in text for text in shown(trace).texts)


def test_long_tables_end() -> None:
    rows = [(n, n) for n in range(ROWS_MOST + 1)]
    assert Checked(grid("a", (), rows)).texts[-1] == "..."
    assert "..." not in Checked(grid("a", ("b", "c"), rows[:-1])).texts


def test_what_is_closed_is_shown_as_such() -> None:
    trace, session = tracecmd.open(HOST), tracecmd.open_session(SESSION)
    table = trace.table("sched_switch")
    trace.close()
    session.close()
    assert any("closed" in text for text in shown(trace).texts)
    assert any("closed" in text for text in shown(session).texts)
    shown(table)


def test_names_are_completed() -> None:
    with tracecmd.open(HOST) as trace:
        names = trace.events._ipython_key_completions_()
        assert {"sched_switch", "sched:sched_switch"} <= {*names}
        assert len(names) == len({*names}) == 2 * len(trace.events)
        event = trace.at(0, "sched_switch")
        assert event is not None
        assert event._ipython_key_completions_() == event.keys()
        assert event.fields._ipython_key_completions_() == [*event.fields]
        for name in names:
            assert trace.events[name]


@pytest.mark.parametrize(
    "method",
    [tracecmd.Trace.tables, tracecmd.Trace.batches, tracecmd.Session.batches],
    ids=lambda method: method.__qualname__,
)
def test_options_are_in_signatures(method: Any) -> None:
    owner = tracecmd.Session if "Session" in method.__qualname__ else tracecmd.Trace
    own, model = inspect.signature(method), inspect.signature(owner.table)
    assert list(own.parameters) == list(model.parameters)
    assert own.return_annotation != model.return_annotation


# Progress ----------------------------------------------------------------------------------------


class FakeBar:
    """What tqdm's bars do, as far as they are asked for it."""

    made: ClassVar[list[FakeBar]] = []

    def __init__(self, total: int, leave: bool) -> None:
        self.total, self.n, self.closed = total, 0, False
        self.made.append(self)

    def update(self, more: int) -> None:
        self.n += more

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[FakeBar]:
    module = ModuleType("tqdm.auto")
    module.tqdm = FakeBar  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tqdm", ModuleType("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", module)
    monkeypatch.setattr(FakeBar, "made", [])
    return FakeBar.made


def test_every_long_work_can_have_a_bar(bars: list[FakeBar], tmp_path: Path) -> None:
    with tracecmd.open_session(SESSION) as session:
        trace = session.peer("host")
        for work in (
            lambda: list(trace.iter(progress=True)),
            lambda: list(trace.table("sched_switch", progress=True, threads=2).batches()),
            lambda: trace.stat(progress=True),
            lambda: trace.stat(progress=True, where="common_pid == 0"),
            lambda: b"".join(trace.report(progress=True)),
            lambda: list(trace.sched.states(progress=True).batches()),
            lambda: trace.write(tmp_path / "a.dat", progress=True),
            lambda: list(session.timeline(progress=True)),
            lambda: list(session.join(progress=True)),
        ):
            del bars[:]
            work()
            assert bars
            assert all(bar.closed and bar.n == bar.total > 0 for bar in bars)
        del bars[:]
        list(trace.iter(progress=False))
        assert not bars


def test_a_bar_of_tqdm(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    with tracecmd.open(HOST) as trace:
        list(trace.iter(progress=True))
    assert re.search(r"%\|", capsys.readouterr().err)


def test_without_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with (
        tracecmd.open(HOST) as trace,
        pytest.raises(ImportError, match=r"pip install 'tracecmd\[progress\]'"),
    ):
        trace.iter(progress=True)
