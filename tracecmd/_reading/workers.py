"""Threads that read ahead for a generator."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

__all__ = ["workers"]


@contextlib.contextmanager
def workers(count: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of threads; what runs in it has ended after the block, and what waits is dropped.

    A generator that nobody refers to any more is closed by the collector, on the thread that
    happens to allocate. That may be one of the pool's own, which cannot wait for itself: then the
    others end by themselves, which is fine, as what they read outlives them.
    """
    own: set[int] = set()
    pool = ThreadPoolExecutor(count, "tracecmd", initializer=lambda: own.add(threading.get_ident()))
    try:
        yield pool
    finally:
        pool.shutdown(wait=threading.get_ident() not in own, cancel_futures=True)
