"""Close while others read: ``python -m tests.races ROUNDS`` from the project's root.

In each round four threads read one trace, or session, each in its own way, and a fifth closes it at
some moment. Each reading has to end whole, as it does without that, or with ClosedError.
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tracecmd

DATA = Path(__file__).resolve().parent / "data"
TRACE = DATA / "i386-v6.dat"
SESSION = DATA / "sessions" / "kvm-small"
THREADS = 4
LONGEST = {TRACE: 0.015, SESSION: 0.4}  # s until it is closed: some have ended, others not begun

Reading = Callable[[], object]


def table_rows(table: tracecmd.Table | tracecmd.Answer) -> int:
    return sum(map(len, table.batches()))


def written(trace: tracecmd.Trace, **options: Any) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "new.dat")
        trace.write(path, **options)
        return hash(path.read_bytes())


def of_trace(trace: tracecmd.Trace) -> dict[str, Reading]:
    """All ways to read a trace, each with an answer that can be compared."""
    return {
        "iter": lambda: sum(event.ts for event in trace),
        "iter, 2 threads": lambda: sum(event.ts for event in trace.iter(threads=2)),
        "str": lambda: hash(tuple(str(event) for event in trace.iter("sched_switch"))),
        "table": lambda: table_rows(trace.table(batch_rows=300)),
        "table, where": lambda: table_rows(trace.table("sched_switch", where="next_pid > 1")),
        "tables": lambda: sum(len(batch) for _, batch in trace.tables().batches()),
        "report": lambda: hash(b"".join(trace.report())),
        "report, 2 threads": lambda: hash(b"".join(trace.report(threads=2))),
        "report, filter": lambda: hash(b"".join(trace.report(filters=["sched_switch"]))),
        "write": lambda: written(trace, version=7),
        "write, 2 threads": lambda: written(trace, version=7, compression="zlib", threads=2),
        "states": lambda: table_rows(trace.sched.states()),
        "losses": lambda: table_rows(trace.losses()),
        "stat": lambda: trace.stat(threads=2).records,
        "metadata": lambda: (len(trace.options), len(trace.events), trace.kallsyms[:9], trace.cpus),
    }


def of_session(session: tracecmd.Session) -> dict[str, Reading]:
    """All ways to read a session."""
    return {
        "session": lambda: sum(event.ts for event in session.iter("sched_switch")),
        "timeline": lambda: sum(row.end - row.start for row in session.timeline()),
        "session report": lambda: sum(map(len, session.report())),
        "session table": lambda: table_rows(session.table("sched_switch")),
        "session states": lambda: table_rows(session.sched.states()),
        "join": lambda: sum(joined.event.ts for joined in session.join("sched_switch")),
        "states on threads": lambda: table_rows(session.sched.states(threads=2)),
        "join table": lambda: table_rows(session.join_table("sched_switch")),
        "wake-ups": lambda: table_rows(session.wakeups()),
    }


@dataclass
class Outcome:
    """How the readings of all rounds ended."""

    rounds: int = 0
    whole: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)


def begin(path: Path) -> tuple[tracecmd.Trace | tracecmd.Session, dict[str, Reading]]:
    """What is to be closed, and the ways to read it."""
    if path.is_dir():
        session = tracecmd.open_session(path)
        return session, of_session(session)
    trace = tracecmd.open(path)
    return trace, of_trace(trace)


def endings(path: Path) -> dict[str, object]:
    """What each reading gives when nobody closes."""
    opened, readings = begin(path)
    with opened:
        return {name: read() for name, read in readings.items()}


def play_round(
    opened: tracecmd.Trace | tracecmd.Session,
    readings: dict[str, Reading],
    expected: dict[str, object],
    wait: float,
    outcome: Outcome,
) -> None:
    faults: list[str] = []
    ready = threading.Barrier(len(readings) + 1)

    def read(name: str) -> None:
        ready.wait()
        try:
            found = readings[name]()
        except tracecmd.ClosedError:
            outcome.closed[name] += 1
        except BaseException as error:
            faults.append(f"{name}: {error!r}")
        else:
            outcome.whole[name] += 1
            if found != expected[name]:
                faults.append(f"{name}: {found!r}, not {expected[name]!r}")

    readers = [threading.Thread(target=read, args=(name,)) for name in readings]
    for reader in readers:
        reader.start()
    ready.wait()
    time.sleep(wait)
    opened.close()
    for reader in readers:
        reader.join(120)
        if reader.is_alive():
            faults.append("a reader hangs")
    if faults:
        raise AssertionError("; ".join(faults))
    outcome.rounds += 1


def play(rounds: int, seed: int = 0, tell: Callable[[int], None] = lambda done: None) -> Outcome:
    """Play rounds, three of four with a trace, the others with a session.

    Raises:
        AssertionError: a reading ended otherwise than it may.
    """
    chance = random.Random(seed)
    outcome = Outcome()
    expected = {path: endings(path) for path in (TRACE, SESSION)}
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for number in range(rounds):
            path = SESSION if number % 4 == 3 else TRACE
            opened, readings = begin(path)
            chosen = {name: readings[name] for name in chance.sample(sorted(readings), THREADS)}
            wait = chance.random() ** 2 * LONGEST[path]
            play_round(opened, chosen, expected[path], wait, outcome)
            tell(number + 1)
    finally:
        sys.setswitchinterval(interval)
    return outcome


def main(arguments: list[str]) -> None:
    rounds = int(arguments[0]) if arguments else 1000
    seed = int(arguments[1]) if len(arguments) > 1 else 0

    def tell(done: int) -> None:
        if not done % 500:
            print(f"{done} rounds", file=sys.stderr, flush=True)

    began = time.monotonic()
    outcome = play(rounds, seed, tell)
    print(f"{outcome.rounds} rounds in {time.monotonic() - began:.0f} s, none with a fault")
    for line in table(outcome):
        print(line)


def table(outcome: Outcome) -> Iterator[str]:
    yield f"{'reading':20} {'whole':>8} {'closed':>8}"
    for name in sorted(outcome.whole | outcome.closed):
        yield f"{name:20} {outcome.whole[name]:8} {outcome.closed[name]:8}"


if __name__ == "__main__":
    main(sys.argv[1:])
