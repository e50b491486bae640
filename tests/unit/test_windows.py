"""Jobs done ahead by threads: in order, not too many, and none after the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from tracecmd._reading import in_order

THREADS = 3


def test_results_come_in_order() -> None:
    """Each waits for the one after it to begin, so that they cannot end in order by chance."""
    begun = [threading.Event() for _ in range(20)]

    def job(number: int) -> int:
        begun[number].set()
        if number % THREADS == 0 and number + 1 < len(begun):
            assert begun[number + 1].wait(60)
        return number

    jobs = (lambda n=n: job(n) for n in range(len(begun)))
    assert list(in_order(THREADS, jobs)) == list(range(len(begun)))


def test_jobs_are_asked_for_as_results_are_used() -> None:
    asked = 0

    def jobs() -> Iterator[Callable[[], int]]:
        nonlocal asked
        for number in range(100):
            asked += 1
            yield lambda number=number: number  # type: ignore[misc]

    results = in_order(THREADS, jobs())
    assert asked == 0
    for used, result in enumerate(results):
        assert result == used
        assert asked == min(2 * THREADS + used, 100)
    assert list(in_order(THREADS, iter([]))) == []


def test_what_a_job_raises_ends_it() -> None:
    ran: list[int] = []

    def job(number: int) -> int:
        ran.append(number)
        if number == 4:
            raise KeyError(number)
        return number

    results = in_order(1, (lambda n=n: job(n) for n in range(50)))
    assert [next(results) for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(KeyError):
        next(results)
    assert len(ran) <= 4 + 2
    assert list(results) == []


def test_closed_early() -> None:
    """What was not begun is dropped, and what runs has ended."""
    running = threading.Semaphore(0)
    results = in_order(2, (running.release for _ in range(1000)))
    next(results)
    results.close()
    count = 0
    while running.acquire(blocking=False):
        count += 1
    assert 1 <= count <= 4
