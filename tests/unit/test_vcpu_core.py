"""The core's timelines, compared with those made plainly."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

import tracecmd
from tracecmd.session.vcpu_timeline import summarize

from .. import writer
from ..recordings import corpus
from ..writer import EventFormat, Field
from . import scenes
from .test_exit_reasons import ARM64, OLDER, X86
from .timelines import A, B, C, end, perform, scene
from .vcpu_oracle import Oracle

SIGNED = EventFormat(
    "kvm", "kvm_exit", 402, (Field("int ret", 4, signed=True), Field("s8 esr_ec", 1, signed=True)),
    '"%s", __print_symbolic(REC->ret, { -1, "last" }, { 2, "TRAP" })',
)  # fmt: skip
SHORT = EventFormat(
    "kvm", "kvm_exit", 402, (Field("unsigned char exit_nr", 1), Field("u64 more", 8)),
    '"%s", __print_symbolic(REC->exit_nr & 0xf, { 1, "one" }, { 0x60, "never" }, { 1, "two" })',
)  # fmt: skip
NONE = EventFormat("kvm", "kvm_exit", 402, (Field("u64 why", 8),), '"%llu", REC->why')
ARM = EventFormat(ARM64.system, ARM64.name, ARM64.id, ARM64.fields, ARM64.print_fmt.format(OLDER))
REASONS = {
    X86: {"HLT", "vmx", "interrupt", "invalid", "2147483660"},
    ARM: {"IRQ", "WFx", "DABT_LOW", "TRAP 0xfffffffe", "-1"},
    SIGNED: {"last", "TRAP 0x24", "TRAP -0x2", "-2147483636"},
    SHORT: {"one", "255", "96"},
    NONE: {"?"},
}
"""Some that there are."""
THREADS = {"G": [A, B], "H": [C, 104, 105]}


def compare(session: tracecmd.Session) -> int:
    """Rows and sums are the same; gives the number of rows."""
    expected = Oracle(session).done
    assert list(session.timeline()) == expected
    counting = Oracle(session, every=True)
    times: Counter[tuple[str, int, str]] = Counter()
    for row in counting.done:
        times[row.guest, row.vcpu, row.state] += row.end - row.start
    for summary, thread in zip(summarize(session), counting.threads, strict=True):
        vcpu = summary.vcpu
        assert vcpu == thread.vcpu
        assert list(summary.exits.items()) == thread.exits.most_common()
        assert (summary.inside, summary.checkable) == (thread.inside, thread.checkable)
        for state, time in summary.states.items():
            assert time == times[vcpu.guest, vcpu.vcpu, state]
    return len(expected)


def damage(machine: scenes.Machine, chance: random.Random, tick: int, told: bool) -> None:
    """Take stretches of records away, and make times coarse, so that many are equal."""
    for cpu, items in machine.cpus.items():
        kept: list[tuple[int, writer.Values] | int] = []
        left = 0
        for number, item in enumerate(items):
            assert not isinstance(item, int)
            if not left and chance.random() < 0.06:
                left = chance.randint(1, 8)
                if told:
                    kept.append(chance.choice([-1, 3]))
            if left and 0 < number < len(items) - 1:
                left -= 1
            else:
                ts = item[0] // tick * tick
                if chance.random() < 0.2:  # says nothing of threads
                    kept.append((ts, writer.TICK.values(pid=item[1].values.get("pid", 0))))
                kept.append((ts, item[1]))
                left = 0
        machine.cpus[cpu] = kept


@pytest.mark.parametrize("tick", [1, 100, 1000])
@pytest.mark.parametrize("told", [True, False], ids=["told", "untold"])
@pytest.mark.parametrize("seed", range(10))
def test_schedules_by_chance(tmp_path: Path, seed: int, told: bool, tick: int) -> None:
    made, _, _ = perform(seed, THREADS, steps=200)
    made.big_endian, made.long_size = bool(seed & 1), 4 if seed & 2 else 8
    chance = random.Random(seed)
    for machine in (made.host, *made.guests.values()):
        damage(machine, chance, tick, told)
    if seed & 4:  # its records go on when the host's have ended
        made.guests["H"].lose(0)
        made.guests["H"].switch(400_000, 0, 1, 2)
    with made.open(tmp_path) as session:
        assert compare(session) > 10


@pytest.mark.parametrize("missing", [("sched_switch",), ("sched_waking",), ("kvm_entry",),
                                     ("kvm_exit",), ("sched_switch", "kvm_exit")])  # fmt: skip
def test_events_that_were_not_recorded(tmp_path: Path, missing: tuple[str, ...]) -> None:
    made, _, _ = perform(1, THREADS, steps=200)
    for cpu, items in made.host.cpus.items():
        made.host.cpus[cpu] = [
            item for item in items if isinstance(item, int) or item[1].format.name not in missing
        ]
    with made.open(tmp_path) as session:
        assert compare(session) > 10


def test_two_vcpus_with_one_thread(tmp_path: Path) -> None:
    """The first has it; of the other nothing is known."""
    made = scene({"G": [A], "H": [A]})
    made.host.switch(2000, 0, 0, A)
    made.host.entry(2100, 0, A)
    made.host.exit(2200, 0, A)
    with end(made).open(tmp_path) as session:
        assert compare(session) == 5


def test_a_loss_before_the_first_record_of_all(tmp_path: Path) -> None:
    """Nothing after that record was lost, wanted or not: what follows is known."""
    made = scenes.Scene({"G": [A]})
    made.host.lose(0)
    made.host.tick(1000, 0)
    made.host.tick(1000, 1)
    made.host.wake(2000, 1, A)
    made.host.switch(3000, 1, 0, A)
    made.host.tick(4000, 1, A)
    made.host.wake(5000, 0, 50)
    with end(made).open(tmp_path) as session:
        assert compare(session) == 3
        assert [(row.start, row.end, row.state) for row in session.timeline()] == [
            (1000, 2000, "unknown"), (2000, 3000, "preempted"), (3000, 9000, "unknown"),
        ]  # fmt: skip


def test_windows(tmp_path: Path) -> None:
    made, _, last = perform(3, THREADS, steps=200)
    with made.open(tmp_path) as session:
        rows = list(session.timeline())
        for first, until in [(None, last // 2), (last // 3, None), (last // 3, last // 2), (0, 1)]:
            expected = [
                row._replace(
                    start=row.start if first is None else max(row.start, first),
                    end=row.end if until is None else min(row.end, until),
                )
                for row in rows
                if (first is None or row.end > first) and (until is None or row.start < until)
            ]
            assert list(session.timeline(start=first, end=until)) == expected


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    made = scene()
    names = {"prev_comm": b"a\xff\0", "next_comm": b"\xfeb\0"}
    switch = writer.SCHED_SWITCH.values(pid=7, prev_pid=7, next_pid=8, **names)
    made.guests["G"].tick(1400, 0, 7)
    made.guests["G"].add(1500, 0, switch)
    made.guests["G"].tick(3000, 0, 8)
    with end(made).open(tmp_path) as session:
        assert compare(session) > 1
        assert {row.guest_comm for row in session.timeline()} == {None, "a\udcff", "\udcfeb"}
        pytest.importorskip("pyarrow")
        found = session.timeline().to_arrow()["guest_comm"].to_pylist()
        assert set(found) == {None, "a\ufffd", "\ufffdb"}


@pytest.mark.parametrize("form", REASONS, ids=["x86", "arm64", "signed", "short", "none"])
def test_exit_reasons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: writer.EventFormat
) -> None:
    """As each machine's kvm_exit names them, with and without a name."""
    others = [each for each in scenes.FORMATS if each.name != "kvm_exit"]
    monkeypatch.setattr(scenes, "FORMATS", (*others, form))
    made = scene()
    made.host.switch(2000, 0, 0, A)
    names = [each.name for each in form.fields]
    ts = 2000
    for first in (0, 1, 2, 2, 12, 0x60, 1 << 31 | 12, (1 << 32) - 1, 77):
        for second in (0, 1, 2, 0x24, (1 << 32) - 2):
            ts += 10
            values = dict(zip(names, (first, second), strict=False))
            made.host.entry(ts, 0, A)
            made.host.add(ts + 5, 0, form.values(pid=A, **values))
    with end(made, ts + 10).open(tmp_path) as session:
        assert compare(session) > 60
        assert {*summarize(session)[0].exits} >= REASONS[form]


def test_times_that_are_no_int64(tmp_path: Path) -> None:
    """Of a damaged file: rows have them, columns do not."""
    made = scenes.Scene({"G": [A]})
    made.host.tick(1000, 0)
    made.host.switch(2000, 0, 0, A)
    made.host.tick((1 << 63) + 5, 1)
    with made.open(tmp_path) as session:
        assert [row.end for row in session.timeline()] == [2000, (1 << 63) + 5]
        assert summarize(session)[0].traced == (1 << 63) - 995
        pytest.importorskip("pyarrow")
        with pytest.raises(tracecmd.LimitError, match="9223372036854775813 ns are no int64"):
            session.timeline().to_arrow()
        with pytest.raises(tracecmd.LimitError, match="are no int64"):
            list(session.timeline().batches())


def test_schema(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    with end(scene()).open(tmp_path) as session:
        assert (
            session.timeline()
            .to_arrow()
            .schema.equals(
                arrow.schema(
                    [
                        arrow.field("guest", arrow.string(), nullable=False),
                        arrow.field("vcpu", arrow.int32(), nullable=False),
                        arrow.field("host_pid", arrow.int32(), nullable=False),
                        arrow.field("host_cpu", arrow.int32()),
                        arrow.field("start", arrow.int64(), nullable=False),
                        arrow.field("end", arrow.int64(), nullable=False),
                        arrow.field("state", arrow.string(), nullable=False),
                        arrow.field("guest_pid", arrow.int32()),
                        arrow.field("guest_comm", arrow.string()),
                        arrow.field("exit_reason", arrow.string()),
                    ]
                )
            )
        )


@pytest.mark.parametrize("folder", corpus.SESSIONS, ids=lambda folder: folder.name)
def test_recorded_sessions(folder: Path) -> None:
    with tracecmd.open_session(folder) as session:
        rows = compare(session)
        assert (rows > 100) == bool(session.vcpus)
