"""Records by their place in the file, events as mappings, and addresses by name and back."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

import tracecmd
from tracecmd import Event

from .. import writer
from ..conftest import Trace, Write
from ..writer import Buffer, EventFormat, Field, Machine, Page

DATA = Path(__file__).parent.parent / "data"
SESSION = DATA / "sessions" / "kvm-small"
PLAIN = ["i386-v6.dat", "s390x-tc331-inst-none.dat", "s390x-tc331-v6.dat"]  # not compressed


def key(event: Event | None) -> tuple[object, ...] | None:
    return event and (event.ts, event.cpu, event.id, event.buffer, event.raw, event.missed_events)


@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize("name", PLAIN)
def test_offsets(name: str, mmap: bool) -> None:
    """The payload lies there in the file, and by any byte of it, or its header, it is found."""
    content = (DATA / name).read_bytes()
    with tracecmd.open(DATA / name, mmap=mmap) as trace:
        events = list(trace)
        places = [event.offset or 0 for event in events]
        assert len(set(places)) == len(events) > 0
        for event, place in zip(events, places, strict=True):
            assert content[place : place + event.size] == event.raw
        backwards = {event.offset: key(event) for event in trace.iter(reverse=True, threads=2)}
        assert backwards.keys() == set(places)
        for event, place in itertools.islice(zip(events, places, strict=True), 0, None, 41):
            for byte in (place, place - 4, place + event.size - 1):
                assert key(trace.read_at(byte)) == key(event)


def test_pages_of_the_reference() -> None:
    """What is in front of a page's first record gives that; after the last one there is none."""
    with tracecmd.open(DATA / "i386-v6.dat") as trace:
        for cpu in trace.buffers[0].cpus:
            own = list(trace.iter(cpus=cpu.cpu, buffers=[""]))
            assert key(trace.read_at(cpu.offset)) == key(own[0])
            assert trace.read_at(cpu.offset + cpu.size - 1) is None
        assert trace.read_at(0) is None
        assert trace.read_at(trace.file_size) is None
        assert trace.read_at(-1) is None
        assert trace.read_at(1 << 70) is None
        with pytest.raises(TypeError, match="offset='x'; it is a whole number"):
            trace.read_at("x")  # type: ignore[arg-type]


def test_compressed() -> None:
    with tracecmd.open(SESSION / "trace.dat") as trace:
        assert trace.compression == "zstd"
        assert {event.offset for event in itertools.islice(trace, 100)} == {None}
        area = trace.buffers[0].cpus[0]
        assert trace.read_at(area.offset + 100) is None


def test_gaps(write: Write) -> None:
    """Empty pages and times that step back between pages."""
    tick = writer.TICK.values
    for second in (2000, 500):
        pages = [
            Page(1000, [writer.Event(0, tick(pid=1, n=1))]),
            Page(1500, []),
            Page(second, [writer.Event(7, tick(pid=2, n=2))], lost=3),
        ]
        path = write(Trace(buffers=[Buffer(cpus={0: pages})]))
        with tracecmd.open(path) as trace:
            first, last = trace
            (area,) = trace.buffers[0].cpus
            assert key(trace.read_at(area.offset + trace.page_size)) == key(last)
            # Behind the page's last record: the next one in time, if there is one.
            after = trace.read_at((first.offset or 0) + first.size)
            assert key(after) == (key(last) if second == 2000 else None)
            assert key(trace.read_at(last.offset or 0)) == key(last)
            assert last.missed_events == 3
            assert trace.read_at((last.offset or 0) + last.size) is None


# Mappings ----------------------------------------------------------------------------------------


def test_mapping(write: Write) -> None:
    work = EventFormat(
        "test", "work", 930, (Field("u32 cpu", 4), Field("u32 n", 4)), '"n=%u", REC->n'
    )
    stray = EventFormat("test", "stray", 950, (), '""')
    events = [(1000, work.values(pid=1, cpu=33, n=7)), (2000, stray.values(pid=1))]
    pages = writer.fill_pages(events, Machine(False, 8))
    path = write(Trace(events=(work,), buffers=[Buffer(cpus={0: pages})]))
    with tracecmd.open(path) as trace:
        known, unknown = trace
        assert dict(known.fields) == known.fields == {"cpu": 33, "n": 7}
        assert (len(known.fields), "n" in known.fields, "ts" in known.fields) == (2, True, False)
        assert repr(known.fields) == "{'cpu': 33, 'n': 7}"
        with pytest.raises(KeyError, match="field of test:work"):
            known.fields["m"]
        row = dict(known)
        assert row == {name: known[name] for name in known.keys()}  # noqa: SIM118 - it is no mapping
        assert (row["ts"], row["event"], row["work.cpu"], row["n"]) == (1000, "work", 33, 7)
        assert "cpu" not in row
        assert dict(unknown.fields) == {}
        assert (len(unknown.fields), "n" in unknown.fields) == (0, False)
        with pytest.raises(KeyError, match="an unknown event"):
            unknown.fields["n"]
        assert dict(unknown)["event"] is None
        assert dict(unknown)["cpu"] == 0


@pytest.mark.parametrize("path", [SESSION / "trace.dat", *sorted(DATA.glob("*-inst.dat"))])
def test_every_event_as_a_mapping(path: Path) -> None:
    with tracecmd.open(path) as trace:
        for event in itertools.islice(trace, 0, None, 97):
            row = dict(event)
            assert row["ts"] == event.ts
            assert [
                row.get(name, row.get(f"{event.name}.{name}")) for name in event.fields
            ] == list(event.fields.values())


# Symbols -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["arm64-16k-inst.dat", "i386-v6.dat", "s390x-tc331-v6.dat"])
def test_symbols(name: str) -> None:
    """Each line of kallsyms is found by its address, and by its name if that has no other."""
    with tracecmd.open(DATA / name) as trace:
        lines = [line.split() for line in trace.kallsyms.splitlines()]
        by_name: dict[str, list[int]] = {}
        by_address: dict[int, list[tuple[str, str | None]]] = {}
        for address, _, symbol, *module in lines:
            own = module[0].strip("[]") if module else None
            by_name.setdefault(symbol, []).append(int(address, 16))
            by_address.setdefault(int(address, 16), []).append((symbol, own))
        for symbol in [*by_name][:: max(1, len(by_name) // 200)]:
            assert trace.address_of(symbol) == min(by_name[symbol])
        edges = sorted(by_address)
        for address, after in itertools.islice(itertools.pairwise(edges), 0, None, 17):
            for place in (address, after - 1):
                found = trace.symbol(place)
                assert found is not None
                assert (found.name, found.module) in by_address[address]
                assert found.offset == place - address
        last = trace.symbol(edges[-1])
        assert last is not None
        assert last.offset == 0
        assert trace.symbol(edges[-1] + 1) is None
        assert trace.symbol(edges[0] - 1) is None
        assert trace.symbol(-1) is trace.symbol(1 << 64) is None
        assert trace.address_of("no_such_function") is None
    for ask in (lambda: trace.symbol(1), lambda: trace.address_of("x")):
        with pytest.raises(tracecmd.ClosedError):
            ask()


def test_as_reported() -> None:
    """What reports name functions by."""
    with tracecmd.open(DATA / "arm64-16k-inst.dat") as trace:
        seen = 0
        for event in trace.iter("ftrace:function"):
            function = trace.symbol(event["ip"])  # type: ignore[arg-type]
            caller = trace.symbol(event["parent_ip"])  # type: ignore[arg-type]
            if function is not None and caller is not None:
                assert str(event).split() in (
                    [function.name],
                    [function.name, "<--", caller.name],
                    [f"{function.name}:", caller.name],
                ) or str(event).strip().endswith(function.name)
                seen += 1
        assert seen == 231


def test_without_symbols(write: Write) -> None:
    path = write(Trace(kallsyms=""))
    with tracecmd.open(path) as trace:
        assert trace.symbol(1 << 40) is None
        assert trace.address_of("do_one") is None
