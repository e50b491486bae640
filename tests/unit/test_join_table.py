"""The rows of a join as columns are those that come one by one."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import tracecmd

from ..recordings import corpus
from .scenes import Machine, Scene
from .test_vcpu_core import THREADS, damage
from .timelines import perform

Rows = list[tuple[Any, ...]]


def one_by_one(session: tracecmd.Session, field: str | None = None, **asked: Any) -> Rows:
    rows = []
    for at in session.join(**asked):
        event = at.event
        more = () if field is None else (event[field] if field in event.fields else None,)
        rows.append((event.ts, event.name, event.peer, event.cpu, event.pid, *at[1:], *more))
    return rows


def check(session: tracecmd.Session, field: str | None = None, **asked: Any) -> int:
    fields = [] if field is None else [field]
    table = session.join_table(fields=fields, ts="uint64", batch_rows=50, **asked)
    expected = one_by_one(session, field, **asked)
    assert list(table.values()) == expected
    return len(expected)


@pytest.mark.parametrize("seed", range(4))
def test_by_chance(tmp_path: Path, seed: int) -> None:
    made, _, _ = perform(seed, THREADS, steps=200)
    made.big_endian, made.long_size = bool(seed & 1), 4 if seed & 2 else 8
    chance = random.Random(seed)
    for machine in (made.host, *made.guests.values()):
        damage(machine, chance, 100, True)
    with made.open(tmp_path) as session:
        assert check(session) > 100
        assert check(session, "next_pid", events=["sched_switch", "kvm_exit"]) > 30
        assert check(session, start=20_000, end=30_000) > 10
        assert check(session, peers=["host"], exclude="sched_waking") > 10
        assert check(session, peers="H", where="sched_switch: next_pid > 8") > 0
        assert (
            check(
                session,
                "exit_reason",
                events=["kvm_exit", "kvm_entry"],
                where="kvm_exit: exit_reason > 0",
            )
            > 0
        )


def test_a_recorded_session() -> None:
    with tracecmd.open_session("tests/data/sessions/kvm-small") as session:
        assert check(session, "next_comm", events="sched_switch") > 300
        assert check(session, "exit_reason", peers="host", events="kvm_exit") > 1000
        pyarrow = pytest.importorskip("pyarrow")
        table = pyarrow.table(session.join_table("sched_switch", fields=["prev_state"]))
        assert table.column_names[-2:] == ["guest_comm", "prev_state"]
        assert table.schema.field("ts").type == pyarrow.timestamp("ns")


@pytest.mark.parametrize("folder", corpus.SESSIONS, ids=lambda folder: folder.name)
def test_recorded_sessions(folder: Path) -> None:
    with tracecmd.open_session(folder) as session:
        assert (check(session) > 0) == bool(session.guests)


def test_guests_that_cannot_be_placed(tmp_path: Path) -> None:
    """The map lacks a vCPU; and a guest's clock was not compared."""
    for synchronised in (True, False):
        made = Scene({"G": [101]}, synchronised=synchronised)
        made.host.switch(1000, 0, 0, 101)
        made.host.entry(2000, 0, 101)
        guest: Machine = made.guests["G"]
        guest.tick(1500, 0, 7)
        guest.tick(1600, 1, 8)
        folder = tmp_path / str(synchronised)
        folder.mkdir()
        with made.open(folder) as session:
            assert check(session) == 3


def test_arguments(tmp_path: Path) -> None:
    made = Scene({"G": [101]})
    made.host.wake(1000, 0, 7, by=101)
    with made.open(tmp_path) as session:
        table = session.join_table("sched_waking", fields="pid")
        assert table.column_names[-1] == "sched_waking.pid"
        assert [row[-1] for row in table.values()] == [7]
        with pytest.raises(tracecmd.UnknownFieldError, match="next_pid"):
            session.join_table("sched_waking", fields="next_pid")
        with pytest.raises(KeyError):
            session.join_table("no_such_event")
        with pytest.raises(tracecmd.UnknownGuestError):
            session.join_table(peers="H")
        with pytest.raises(ValueError, match="ts="):
            session.join_table(ts="seconds")  # type: ignore[arg-type]
    with pytest.raises(tracecmd.ClosedError):
        session.join_table()
