"""Reading records: which streams of which files, in which windows of time, on how many threads."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal, NamedTuple, Protocol, TypeVar

from . import _lowlevel
from ._texts import EventTexts
from .event import Event, EventFormat, Events

__all__ = ["EventBatch", "Reader", "Request", "read_batches", "read_events"]

T = TypeVar("T")

# Of all streams together, for a task of a thread: as events it takes ten times as much memory.
WINDOW_BYTES = 2 << 20
TIME_LIMIT = 1 << 64


class Reader:
    """One file made ready for reading: formats, names of tasks, data, on one clock setting."""

    def __init__(self, file: _lowlevel.File, metadata: _lowlevel.Metadata, events: Events,
                 clock: _lowlevel.Clock, byteorder: Literal["little", "big"]) -> None:  # fmt: skip
        self.file = file
        self.path = file.path
        self.peer = ""  # name in a session
        self.metadata = metadata
        self.events = events
        self.byteorder = byteorder
        self.data = _lowlevel.Data(file, metadata, clock)
        self.streams = self.data.streams()
        self.buffer_names = [buffer.name for buffer in file.buffers()]
        self._comms: dict[int, str] = {}
        self._lock = threading.Lock()
        self._symbols: _lowlevel.Symbols | None = None
        self._texts: EventTexts | None = None

    @property
    def symbols(self) -> _lowlevel.Symbols:
        """The kernel's symbols; read when first asked for."""
        with self._lock:
            if self._symbols is None:
                self._symbols = _lowlevel.Symbols(self.file)
            return self._symbols

    def text(self, payload: bytes, stream: int, ts: int, *, kernel: bool) -> str:
        """What trace-cmd report prints of one event behind its name."""
        with self._lock:
            if self._texts is None:
                self._texts = EventTexts(self)
        return self._texts.text(payload, stream, ts, kernel=kernel)

    def comm(self, pid: int) -> str:
        """Name of a task, remembered."""
        try:
            return self._comms[pid]
        except KeyError:
            return self._comms.setdefault(pid, self.metadata.comm(pid))

    def close(self) -> None:
        """Close the data; a walk that still runs keeps it until then."""
        if self._texts is not None:
            self._texts.close()
        if self._symbols is not None:
            self._symbols.close()
        self.data.close()


class Source(NamedTuple):
    """A stream of a file, as part of a walk."""

    reader: Reader
    stream: int
    event_ids: bytes | None
    pids: tuple[int, ...] | None
    filters: tuple[_lowlevel.Filter, ...] = ()
    filters_out: tuple[_lowlevel.Filter, ...] = ()
    stack_id: int = 0

    @property
    def cpu(self) -> int:
        """The CPU it is of."""
        return self.reader.streams[self.stream].cpu

    @property
    def buffer(self) -> str:
        """Name of the buffer it is of."""
        return self.reader.buffer_names[self.reader.streams[self.stream].buffer]

    def lowlevel(self) -> _lowlevel.WalkSource:
        """The same for the core."""
        return _lowlevel.WalkSource(
            self.reader.data,
            self.stream,
            self.event_ids,
            self.pids,
            self.filters,
            self.filters_out,
            self.stack_id,
        )


class Request(NamedTuple):
    """What is to be read, in which order."""

    sources: Sequence[Source]
    start: int = 0
    end: int | None = None
    backwards: bool = False
    by_cpu: bool = False
    threads: int = 1
    batch_size: int = 4096
    on_problem: Callable[[Exception], None] = lambda problem: None
    on_progress: Callable[[int, int], None] | None = None


class EventBatch:
    """The rows of one batch, and what their events need to know about their files."""

    __slots__ = ("_only", "rows", "sources")

    def __init__(self, rows: _lowlevel.Batch, sources: Sequence[Source]) -> None:
        self.rows = rows
        self.sources = sources
        first = sources[0].reader
        self._only = first if all(source.reader is first for source in sources) else None

    def reader_of(self, index: int) -> Reader:
        """The file that a row is of."""
        return self._only or self.sources[self.rows.source[index]].reader

    def stream_of(self, index: int) -> int:
        """The stream of its file that a row is of."""
        return self.sources[self.rows.source[index]].stream

    def buffer_of(self, index: int) -> str:
        """Name of the buffer that a row is of."""
        return self.sources[self.rows.source[index]].buffer


# What is wanted ------------------------------------------------------------------------------


def id_bitmap(formats: Iterable[EventFormat]) -> bytes:
    """Make the bits of the wanted ids; ids that no record can have are left out."""
    bits = bytearray(8192)
    for found in formats:
        if found.id < 65536:
            bits[found.id >> 3] |= 1 << (found.id & 7)
    return bytes(bits)


def choose(
    reader: Reader,
    *,
    buffers: Iterable[str] | None,
    cpus: Iterable[int] | None,
    events: str | Iterable[str] | None,
    pids: int | Iterable[int] | None,
) -> list[Source]:
    """Make the sources of one file in the order of the merge."""
    ids = None
    if events is not None:
        names = [events] if isinstance(events, str) else list(events)
        ids = id_bitmap(itertools.chain.from_iterable(map(reader.events.select, names)))
    wanted_pids = None
    if pids is not None:
        wanted_pids = tuple(sorted({pids} if isinstance(pids, int) else set(pids)))
    wanted_buffers = None if buffers is None else _known_buffers(reader, buffers)
    wanted_cpus = None if cpus is None else set(cpus)
    return [
        Source(reader, index, ids, wanted_pids)
        for index, stream in enumerate(reader.streams)
        if (wanted_buffers is None or stream.buffer in wanted_buffers)
        and (wanted_cpus is None or stream.cpu in wanted_cpus)
    ]


def choose_all(
    readers: Sequence[Reader],
    *,
    buffers: Iterable[str] | None,
    cpus: Iterable[int] | None,
    events: str | Iterable[str] | None,
    pids: int | Iterable[int] | None,
) -> list[Source]:
    """Make the sources of several files, in the order of libtracecmd's merge.

    That is the top buffers of all files, then the instances of the first one, of the second...
    What one file does not know is not wanted of it, but some file has to know it.
    """
    names = [events] if isinstance(events, str) else None if events is None else list(events)
    wanted_buffers = (
        [buffers] if isinstance(buffers, str) else None if buffers is None else list(buffers)
    )
    wanted_cpus = None if cpus is None else list(cpus)
    wanted_pids = pids if pids is None or isinstance(pids, int) else list(pids)
    found: list[tuple[tuple[bool, int, int], Source]] = []
    unknown: KeyError | None = None
    known = False
    for place, reader in enumerate(readers):
        try:
            sources = choose(
                reader, buffers=wanted_buffers, cpus=wanted_cpus, events=names, pids=wanted_pids
            )
        except KeyError as error:
            unknown = unknown or error
            continue
        known = True
        found += [((reader.streams[s.stream].buffer > 0, place, s.stream), s) for s in sources]
    if unknown is not None and not known:
        raise unknown
    return [source for _, source in sorted(found, key=lambda entry: entry[0])]


def _known_buffers(reader: Reader, names: Iterable[str]) -> set[int]:
    wanted = [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in reader.buffer_names:
            raise KeyError(f"no buffer is named {name!r}; there are {reader.buffer_names}")
    return {index for index, name in enumerate(reader.buffer_names) if name in wanted}


# Reading -------------------------------------------------------------------------------------


def make_walk(request: Request, start: int, end: int | None) -> _lowlevel.Walk:
    """Begin the walk over one window of time."""
    return _lowlevel.Walk(
        [source.lowlevel() for source in request.sources],
        start,
        end,
        backwards=request.backwards,
        by_cpu=request.by_cpu,
        room=request.batch_size,
    )


class Watched(Protocol):
    """What reads files, and can be asked how it gets on."""

    def problems(self) -> list[Exception]: ...
    def progress(self) -> tuple[int, int]: ...


def watch(
    request: Request, reader: Watched, read_next: Callable[[], T | _lowlevel.GoOn | None]
) -> Iterator[T]:
    """What read_next gives until that is None; tells the request of problems and progress."""
    told = 0
    while True:
        try:
            found = read_next()
        finally:
            problems = reader.problems()
            for problem in problems[told:]:
                request.on_problem(problem)
            told = len(problems)
        if request.on_progress:
            request.on_progress(*reader.progress())
        if found is None:
            return
        if found is not _lowlevel.GO_ON:
            yield found


def read_window(
    request: Request, start: int, end: int | None, missed: list[int]
) -> Iterator[_lowlevel.Batch]:
    """All batches of one window, in order; missed gets what each source lost at its end."""
    with contextlib.closing(make_walk(request, start, end)) as walk:
        yield from watch(request, walk, walk.next)
        missed[:] = walk.missed()


def add_missed(a: int, b: int) -> int:
    """Two losses in a row; one of unknown number makes the sum unknown."""
    return -1 if a < 0 or b < 0 else a + b


def _add_missed(batches: list[_lowlevel.Batch], missed: list[int]) -> None:
    """Charge what was lost behind the last row of a window to the next row of that source."""
    for source, lost in enumerate(missed):
        if not lost:
            continue
        for batch in batches:
            if source in batch.source:
                row = batch.source.index(source)
                batch.missed_events[row] = add_missed(batch.missed_events[row], lost)
                missed[source] = 0
                break


def _pages_of_window(sources: Sequence[Source], longest: Source, size: int) -> int:
    """How many pages of the longest stream go with so many bytes of all streams."""
    streams = [source.reader.streams[source.stream] for source in sources]
    total = sum(stream.page_count * stream.page_size for stream in streams)
    return max(1, size * longest.reader.streams[longest.stream].page_count // max(total, 1))


def windows(request: Request, size: int) -> list[tuple[int, int | None]]:
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
    windows = list(zip(edges, [*cuts, request.end], strict=True))
    return windows[::-1] if request.backwards else windows


def read_windows(
    request: Request,
    cuts: Sequence[tuple[int, int | None]],
    read: Callable[[int, int | None], T],
) -> Generator[T, None, None]:
    """What read makes of each window, in order, with the request's threads.

    At most two windows a thread are held at a time, so memory does not follow the file's size.
    """
    with ThreadPoolExecutor(request.threads, thread_name_prefix="tracecmd") as pool:
        running: deque[Future[T]] = deque()
        waiting = iter(cuts)

        def submit(count: int) -> None:
            for window in itertools.islice(waiting, count):
                running.append(pool.submit(read, *window))

        submit(2 * request.threads)
        try:
            for done in itertools.count(1):
                if not running:
                    return
                found = running.popleft().result()
                submit(1)
                if request.on_progress:
                    request.on_progress(done, len(cuts))
                yield found
        finally:
            for future in running:
                future.cancel()


def read_batches(request: Request) -> Iterator[_lowlevel.Batch]:
    """Read in the request's order; with threads, windows of time side by side."""
    cuts = windows(request, WINDOW_BYTES)
    if len(cuts) == 1:
        yield from read_window(request, *cuts[0], [])
        return
    quiet = request._replace(on_progress=None)

    def read(start: int, end: int | None) -> tuple[list[_lowlevel.Batch], list[int]]:
        missed: list[int] = []
        return list(read_window(quiet, start, end, missed)), missed

    missed = [0] * len(request.sources)
    for batches, behind in read_windows(request, cuts, read):
        if not request.backwards:
            _add_missed(batches, missed)
            missed = list(map(add_missed, missed, behind))
        yield from batches


def read_events(request: Request) -> Iterator[Event]:
    """Turn the batches into events."""
    cpu_of = [source.cpu for source in request.sources]
    for rows in read_batches(request):
        yield from map(
            Event,
            rows.ts,
            map(cpu_of.__getitem__, rows.source),
            rows.pid,
            rows.id,
            rows.missed_events,
            itertools.repeat(EventBatch(rows, request.sources)),
            itertools.count(),
        )
