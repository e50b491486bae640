"""Reading records: which streams of which files, in which windows of time, on how many threads."""

from __future__ import annotations

import bisect
import contextlib
import itertools
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Literal, NamedTuple, Protocol, TypeVar

from . import _arguments, _lowlevel
from ._lazy import lazy
from ._problems import Problems
from ._texts import EventTexts
from ._workers import workers
from .btf import Btf, read_btf
from .event import Event, EventFormat, Events, Value

__all__ = ["EventBatch", "Reader", "Request", "read_batches", "read_events"]

T = TypeVar("T")
H = TypeVar("H", bound=_lowlevel.Handle)

_NOTHING: tuple[int, list[Value]] = 0, []

# Of all streams together, for a task of a thread: as events it takes ten times as much memory.
WINDOW_BYTES = 2 << 20
# A field is decoded for so many rows at once, of about so many bytes: lists take many times that.
DECODED_ROWS = 64
DECODED_BYTES = 1 << 16
THREADS_MAX = 1024


class Reader:
    """One file made ready for reading: formats, names of tasks, data, on one clock setting."""

    def __init__(self, file: _lowlevel.File, metadata: _lowlevel.Metadata, events: Events,
                 clock: _lowlevel.Clock, byteorder: Literal["little", "big"],
                 problems: Problems) -> None:  # fmt: skip
        self.file = self._file = file
        self.problems = problems
        self.path = file.path
        self.peer = ""  # name in a session
        self.metadata = metadata
        self.events = events
        self.byteorder = byteorder
        self.data = _lowlevel.Data(file, metadata, clock)
        self.streams = self.data.streams()
        self.buffer_names = [buffer.name for buffer in file.buffers()]
        self._comms: dict[int, str] = {}
        self._common: dict[str, _lowlevel.FieldReader] = {}
        self._parts: dict[int, weakref.ref[_lowlevel.Handle]] = {}  # by their number
        self._part_numbers = itertools.count()

    @lazy
    def symbols(self) -> _lowlevel.Symbols:
        """The kernel's symbols; read when first asked for."""
        return _lowlevel.Symbols(self.file)

    @lazy
    def btf(self) -> Btf | None:
        """The kernel's types; None if the file has none."""
        return read_btf(self.symbols, self.file, self.metadata)

    @lazy
    def _texts(self) -> EventTexts:
        return EventTexts(self)

    def text(self, payload: bytes, stream: int, ts: int, *, kernel: bool) -> str:
        """What trace-cmd report prints of one event behind its name."""
        return self._texts.text(payload, stream, ts, kernel=kernel)

    def common_field(self, kind: Literal["flags", "preempt_count"]) -> _lowlevel.FieldReader:
        """What all records have at one place, whatever their event."""
        found = self._common.get(kind)
        if found is None:
            found = _lowlevel.FieldReader.of_common(self.metadata, kind)
        return self._common.setdefault(kind, found)

    def own(self, part: H) -> H:
        """Close a filter or the like with the file, whoever may still refer to it then."""
        for number, known in self._parts.copy().items():
            if known() is None:
                self._parts.pop(number, None)
        self._parts[next(self._part_numbers)] = weakref.ref(part)
        if self.file.closed:  # perhaps before this one was there
            part.close()
        return part

    def comm(self, pid: int) -> str:
        """Name of a task, remembered."""
        try:
            return self._comms[pid]
        except KeyError:
            return self._comms.setdefault(pid, self.metadata.comm(pid))

    def close(self) -> None:
        """Close the data; a walk that still runs keeps it until then."""
        for name in ("_texts", "symbols"):  # lazy: not there if nobody asked
            part = self.__dict__.get(name)
            if part is not None:
                part.close()
        for known in self._parts.copy().values():
            own = known()
            if own is not None:
                own.close()
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
    on_problem: Callable[[Exception], None] | None = None  # None: each file notes its own
    on_progress: Callable[[int, int], None] | None = None

    def note(self, found: Iterable[_lowlevel.SourceProblem]) -> None:
        """Tell of what was found damaged; a file that is read strictly raises it."""
        for source, problem in found:
            (self.on_problem or self.sources[source].reader.problems.note)(problem)


class EventBatch:
    """The rows of one batch, and what their events need to know about their files.

    Fields are decoded for some rows at once, and the last of them kept: whoever reads a field of
    one event mostly reads it of the next, too.
    """

    __slots__ = ("_decoded", "_only", "rows", "sources")

    def __init__(self, rows: _lowlevel.Batch, sources: Sequence[Source]) -> None:
        self.rows = rows
        self.sources = sources
        # By field: the first row, and the values from there on.
        self._decoded: dict[_lowlevel.FieldReader, tuple[int, list[Value]]] = {}
        first = sources[0].reader
        self._only = first if all(source.reader is first for source in sources) else None

    def reader_of(self, index: int) -> Reader:
        """The file that a row is of."""
        return self._only or self.sources[self.rows.source[index]].reader

    def value(self, index: int, field: _lowlevel.FieldReader) -> Value:
        """A field of a row, of its event and its file."""
        first, values = self._decoded.get(field, _NOTHING)
        place = index - first
        if not 0 <= place < len(values):
            place, values = 0, self._decode(index, field)
        value = values[place]
        return value.copy() if isinstance(value, list) else value

    def _decode(self, index: int, field: _lowlevel.FieldReader) -> list[Value]:
        """A field of a row and of those after it."""
        rows = self.rows
        enough = rows.payload_end[index] + DECODED_BYTES
        last = min(index + DECODED_ROWS, len(rows.payload_end))
        end = bisect.bisect_left(rows.payload_end, enough, index + 1, last)
        big_endian = self.reader_of(index).byteorder == "big"
        values = field.values(rows.payloads, index, end - index, rows.id[index], big_endian)
        self._decoded[field] = index, values
        return values

    def common_value(self, index: int, kind: Literal["flags", "preempt_count"]) -> int | None:
        """A row's ``common_flags`` or ``common_preempt_count``."""
        found = self.value(index, self.reader_of(index).common_field(kind))
        return found if isinstance(found, int) else None

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
    cpus: int | Iterable[int] | None,
    events: str | Iterable[str] | None,
    pids: int | Iterable[int] | None,
) -> list[Source]:
    """Make the sources of one file in the order of the merge."""
    ids = None
    names = _arguments.names("events", events)
    if names is not None:
        ids = id_bitmap(itertools.chain.from_iterable(map(reader.events.select, names)))
    wanted_pids = _arguments.pids(pids)
    buffer_names = _arguments.names("buffers", buffers)
    wanted_buffers = None if buffer_names is None else _known_buffers(reader, buffer_names)
    wanted_cpus = _arguments.numbers("cpus", cpus)
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
    cpus: int | Iterable[int] | None,
    events: str | Iterable[str] | None,
    pids: int | Iterable[int] | None,
) -> list[Source]:
    """Make the sources of several files, in the order of libtracecmd's merge.

    That is the top buffers of all files, then the instances of the first one, of the second...
    What one file does not know is not wanted of it, but some file has to know it.
    """
    names = _arguments.names("events", events)
    wanted_buffers = _arguments.names("buffers", buffers)
    wanted_cpus = _arguments.numbers("cpus", cpus)
    wanted_pids = _arguments.pids(pids)
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


def _known_buffers(reader: Reader, wanted: Sequence[str]) -> set[int]:
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

    def problems(self, known: int = 0) -> list[_lowlevel.SourceProblem]: ...
    def progress(self) -> tuple[int, int]: ...


def watch(
    request: Request, reader: Watched, read_next: Callable[[], T | _lowlevel.GoOn | None]
) -> Iterator[T]:
    """What read_next gives until that is None; tells the request of problems and progress."""
    known = 0
    told: set[str] = set()
    while True:
        try:
            found = read_next()
        finally:
            problems = reader.problems(known)
            known = max(known, len(problems))
            new = [each for each in problems if str(each.problem) not in told]
            told.update(str(each.problem) for each in new)
            request.note(new)
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
    with workers(request.threads) as pool:
        running: deque[Future[T]] = deque()
        waiting = iter(cuts)

        def submit(count: int) -> None:
            for window in itertools.islice(waiting, count):
                running.append(pool.submit(read, *window))

        submit(2 * request.threads)
        for done in itertools.count(1):
            if not running:
                return
            found = running.popleft().result()
            submit(1)
            if request.on_progress:
                request.on_progress(done, len(cuts))
            yield found


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
