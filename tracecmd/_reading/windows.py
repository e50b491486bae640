"""Windows of time, read side by side on threads."""

from __future__ import annotations

import contextlib
import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from functools import partial
from typing import TypeVar

from .. import _arguments
from .request import Request
from .sources import Source
from .workers import workers

__all__ = ["Window", "cut_windows", "in_order", "read_windows"]

T = TypeVar("T")

Window = _arguments.Window


def _pages_of_window(sources: Sequence[Source], longest: Source, size: int) -> int:
    """How many pages of the longest stream go with so many bytes of all streams."""
    streams = [source.reader.streams[source.stream] for source in sources]
    total = sum(stream.page_count * stream.page_size for stream in streams)
    return max(1, size * longest.reader.streams[longest.stream].page_count // max(total, 1))


def cut_windows(request: Request, size: int) -> list[Window]:
    """Cut the time into windows of about equal work, for threads; one if that cannot be done.

    size is in bytes of all streams together. Cuts are times of pages of the longest stream. Where
    time can step back in a stream a window would not hold what lies between two times, so then
    there is only one.
    """
    whole = [(request.start, request.end)]
    sources = request.sources
    if request.threads < 2 or request.by_cpu or not sources:
        return whole
    if not all(s.reader.data.is_monotone(s.stream) for s in sources):
        return whole
    longest = max(sources, key=lambda s: s.reader.streams[s.stream].page_count)
    step = _pages_of_window(sources, longest, size)
    cuts: list[int] = []
    for page in range(step, longest.reader.streams[longest.stream].page_count, step):
        ts = longest.reader.data.page_ts(longest.stream, page)
        last = cuts[-1] if cuts else request.start
        if ts is not None and ts > last and (request.end is None or ts < request.end):
            cuts.append(ts)
    edges = [request.start, *cuts]
    between = list(zip(edges, [*cuts, request.end], strict=True))
    return between[::-1] if request.backwards else between


def in_order(threads: int, jobs: Iterable[Callable[[], T]]) -> Generator[T, None, None]:
    """What jobs return, in their order, while some threads do those that come next.

    At most two jobs a thread are under way at a time, and the next is asked for after the result
    of one was used: so memory does not follow their number.
    """
    with workers(threads) as pool:
        waiting = iter(jobs)
        running = deque(pool.submit(job) for job in itertools.islice(waiting, 2 * threads))
        while running:
            yield running.popleft().result()
            running.extend(pool.submit(job) for job in itertools.islice(waiting, 1))


def read_windows(
    request: Request, cuts: Sequence[Window], read: Callable[[int, int | None], T]
) -> Generator[T, None, None]:
    """What read returns for each window, in order, with the request's threads."""
    jobs = (partial(read, *window) for window in cuts)
    with contextlib.closing(in_order(request.threads, jobs)) as results:
        for done, result in enumerate(results, 1):
            if request.on_progress:
                request.on_progress(done, len(cuts))
            yield result
