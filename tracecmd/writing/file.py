"""A whole file under its name, or none."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from .. import _arguments, _lowlevel
from .._reading import Progress, Report, reporter, workers
from ..export import replacing
from .outline import Outline
from .pages import Pages

__all__ = ["Stream", "parse_compression", "write_file"]

COMPRESSIONS = ("none", "zlib", "zstd")
BLOCKS_A_THREAD = 2  # one being packed, one waiting for its turn to be written


class Stream(NamedTuple):
    """A CPU of a buffer (by its place in the outline), and its pages."""

    buffer: int
    cpu: int
    pages: Pages


def parse_compression(text: str) -> tuple[str, int]:
    """Name and level of ``"zstd"`` or ``"zstd:9"``; level 0 is the library's own choice.

    Raises:
        ValueError: it is neither.
    """
    name, colon, level = text.partition(":")
    if name not in COMPRESSIONS or (colon and name == "none"):
        raise ValueError(f"compression={text!r}; it is none, zlib[:LEVEL] or zstd[:LEVEL]")
    try:
        return name, int(level) if colon else 0
    except ValueError:
        raise ValueError(f"compression={text!r}; a level is a whole number") from None


def write_file(
    path: str | os.PathLike[str],
    outline: Outline,
    streams: Sequence[Stream],
    *,
    version: int = 7,
    compression: str = "none",
    threads: int = 1,
    progress: Progress = None,
) -> None:
    """Write a trace.dat file.

    It appears under its name when it is whole, and takes the place of one that was there. Memory
    goes by the number of threads.

    Args:
        path: its name.
        outline: all but the records.
        streams: those, in the order of buffers and CPUs; they are closed in any case.
        version: 6 or 7, the version of the format.
        compression: ``"none"``, ``"zlib"`` or ``"zstd"``, with a level as ``"zstd:9"``. Version 6
            has none.
        threads: blocks to compress side by side, 1 to 1024.
        progress: called now and then with work done and all work, in pages; True: a bar of tqdm's.

    Raises:
        ValueError: the version cannot hold that, or an argument cannot be what it is.
        OSError: it cannot be written.
        TraceError: pages cannot be read.
    """
    name, level = parse_compression(compression)
    threads = _arguments.number("threads", threads, 1, 1024)
    try:
        made = outline.lowlevel()
        form = _lowlevel.WriteFormat(_arguments.number("version", version, 6, 7), name, level)
        with (
            contextlib.closing(made),
            replacing(path) as file,
            contextlib.closing(_lowlevel.Writer(made, form, file)) as writer,
        ):
            _write_streams(_Blocks(made, form, threads), writer, streams, reporter(progress))
            writer.end()
    finally:
        for stream in streams:
            stream.pages.close()


class _Blocks:
    """As many blocks as threads need, used again and again."""

    def __init__(
        self, outline: _lowlevel.Outline, form: _lowlevel.WriteFormat, threads: int
    ) -> None:
        self.threads = threads if form.compression != "none" else 0
        self.count = max(1, BLOCKS_A_THREAD * self.threads)
        self._outline = outline
        self._form = form
        self._free: list[_lowlevel.Block] = []

    def take(self) -> _lowlevel.Block:
        return self._free.pop() if self._free else _lowlevel.Block(self._outline, self._form)

    def give(self, block: _lowlevel.Block) -> None:
        self._free.append(block)


class _Packed(NamedTuple):
    stream: Stream
    block: _lowlevel.Block
    done: Future[None] | None  # None: there is nothing to do


def _write_streams(
    blocks: _Blocks, writer: _lowlevel.Writer, streams: Sequence[Stream], progress: Report
) -> None:
    """Fill, pack and write block after block; those of several CPUs are packed side by side.

    What a block points to is its stream's, which is closed when its last block is written.
    """
    begun: Stream | None = None
    waiting: deque[_Packed] = deque()

    def write_first() -> None:
        nonlocal begun
        packed = waiting.popleft()
        if packed.done:
            packed.done.result()
        if packed.stream is not begun:
            if begun:
                begun.pages.close()
            writer.begin(packed.stream.buffer, packed.stream.cpu)
            begun = packed.stream
        writer.put(packed.block)
        blocks.give(packed.block)

    with _pool(blocks.threads) as pool:
        for packed in _fill(blocks, streams, pool, progress):
            waiting.append(packed)
            while len(waiting) >= blocks.count:
                write_first()
        while waiting:
            write_first()


@contextlib.contextmanager
def _pool(threads: int) -> Iterator[ThreadPoolExecutor | None]:
    if not threads:
        yield None
        return
    with workers(threads) as pool:
        yield pool


def _fill(
    blocks: _Blocks,
    streams: Sequence[Stream],
    pool: ThreadPoolExecutor | None,
    progress: Report,
) -> Iterator[_Packed]:
    total = sum(stream.pages.progress()[1] for stream in streams)
    before = 0

    def report(stream: Stream) -> None:
        if progress:
            progress(min(before + stream.pages.progress()[0], total), total)

    for stream in streams:
        any_pages = False
        while True:
            block = blocks.take()
            while (filled := stream.pages.fill(block)) is _lowlevel.GO_ON:
                report(stream)
            report(stream)
            if not filled:
                blocks.give(block)
                break
            any_pages = True
            yield _Packed(stream, block, pool.submit(block.pack) if pool else None)
        before += stream.pages.progress()[0]
        if not any_pages:
            stream.pages.close()
