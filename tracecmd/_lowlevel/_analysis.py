"""struct trc_analysis: answers that take a state, as Arrow arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ._arrow import Array, Schema, Times, time_flags
from ._base import GO_ON, GoOn, SourceProblem, check, ffi, lib
from ._data import Data
from ._handle import Handle
from ._symbols import Symbols

__all__ = [
    "OF_HOST",
    "OF_NONE",
    "Analysis",
    "AnalysisOptions",
    "AnalysisSource",
    "JobEvents",
    "JobField",
    "SpanPart",
    "VCpuOptions",
    "VCpuThread",
    "Wait",
    "calls",
    "counts",
    "jobs",
    "losses",
    "markers",
    "residency",
    "sched",
    "spans",
    "vcpus",
]


class AnalysisSource(NamedTuple):
    """struct trc_analysis_source."""

    data: Data
    stream: int
    peer: str = ""


class AnalysisOptions(NamedTuple):
    """struct trc_analysis_options; ``start <= ts < end``, where to_last also what comes after."""

    start: int
    end: int
    to_last: bool = False
    cpus: Sequence[int] | None = None
    pids: Sequence[int] | None = None  # rising
    ts: Times = "timestamp"
    dictionary: bool = True
    peer: bool = False
    like: Sequence[Data] = ()  # files that count for the types of columns


class Analysis(Handle):
    """struct trc_analysis: belongs to one thread at a time."""

    def __init__(
        self,
        create: Callable[..., int],
        sources: Sequence[AnalysisSource],
        options: AnalysisOptions,
        *more: Any,
    ) -> None:
        super().__init__(sources[0].data.path if sources else "")
        self.paths = [source.data.path for source in sources]
        array = self._keep(ffi.new("struct trc_analysis_source[]", len(sources)))
        for entry, source in zip(array, sources, strict=True):
            entry.data = self._hold(source.data)
            entry.stream = source.stream
            entry.peer = string(self, source.peer)
        self._create(
            "trc_analysis",
            create,
            array,
            len(sources),
            self._options(options),
            *(part(self) if callable(part) else part for part in more),
            sources=self.paths,
        )

    def _options(self, options: AnalysisOptions) -> Any:
        struct = self._keep(ffi.new("struct trc_analysis_options *"))
        struct.flags = (
            time_flags("ANALYSIS", options.ts)
            | lib.TRC_ANALYSIS_NO_DICTIONARY * (not options.dictionary)
            | lib.TRC_ANALYSIS_PEER * options.peer
        )
        struct.start, struct.end = options.start, options.end
        struct.until_last = options.to_last
        if options.cpus is not None:
            struct.of_cpus = 1
            struct.cpus = self._keep(ffi.new("uint32_t[]", list(options.cpus)))
            struct.cpu_count = len(options.cpus)
        if options.pids is not None:
            struct.of_pids = 1
            struct.pids = self._keep(ffi.new("int32_t[]", list(options.pids)))
            struct.pid_count = len(options.pids)
        if options.like:
            held = [self._hold(data) for data in options.like]
            struct.like = self._keep(ffi.new("struct trc_data *[]", held))
            struct.like_count = len(held)
        return struct

    def schema(self) -> Schema:
        schema = Schema()
        with self as analysis:
            err = ffi.new("struct trc_error *")
            check(lib.trc_analysis_schema(analysis, schema._struct, err), err, self.path)
        return schema

    def next(self, max_rows: int) -> Array | GoOn | None:
        """The next batch, None at the end; leaves the GIL while reading."""
        array = Array()
        with self as analysis:
            err = ffi.new("struct trc_error *")
            code = lib.trc_analysis_next(analysis, max_rows, array._struct, err)
            if code == lib.TRC_GO_ON:
                return GO_ON
            check(code, err, self.path, self.paths)
        return array if array.length else None

    def problems(self, known: int = 0) -> list[SourceProblem]:
        """All that was found damaged so far; none if that is as much as known."""
        return self._source_problems(
            lib.trc_analysis_problem_count, lib.trc_analysis_problem, self.paths, known
        )

    def progress(self) -> tuple[int, int]:
        """Pages read so far, and about how many there are."""
        with self as analysis:
            done, total = ffi.new("uint64_t *"), ffi.new("uint64_t *")
            lib.trc_analysis_progress(analysis, done, total)
            return done[0], total[0]


def string(keeper: Handle, text: str) -> Any:
    """A text of C that lives as long as the object that refers to it."""
    return keeper._keep(ffi.new("char[]", text.encode(errors="surrogateescape")))


def losses(sources: Sequence[AnalysisSource], options: AnalysisOptions) -> Analysis:
    """trc_losses_create()."""
    return Analysis(lib.trc_losses_create, sources, options)


def markers(sources: Sequence[AnalysisSource], options: AnalysisOptions) -> Analysis:
    """trc_markers_create()."""
    return Analysis(lib.trc_markers_create, sources, options)


# Spans ---------------------------------------------------------------------------------------


class SpanPart(NamedTuple):
    """struct trc_span_part: ``kind`` is cpu, pid, field (of both events), begin or
    end (of one), event, or named, by ``begin`` the column of a key whose values it names."""

    kind: str
    name: str = ""
    begin: str = ""
    end: str = ""

    def _fill(self, keeper: Handle, entry: Any) -> None:
        entry.kind = getattr(lib, f"TRC_SPAN_{self.kind.upper()}")
        entry.name, entry.begin, entry.end = (
            string(keeper, text) for text in (self.name, self.begin, self.end)
        )


def spans(
    sources: Sequence[AnalysisSource],
    options: AnalysisOptions,
    begin: str,
    end: str,
    keys: Sequence[SpanPart],
    fields: Sequence[SpanPart],
    names: Sequence[Mapping[int, str]] = (),
) -> Analysis:
    """trc_spans_create(); names: of each source those of values of a key, or none."""

    def table(keeper: Handle, values: Mapping[int, str]) -> Any:
        struct = keeper._keep(ffi.new("struct trc_span_names *"))
        struct.count = len(values)
        struct.values = keeper._keep(ffi.new("int64_t[]", sorted(values)))
        texts = [string(keeper, values[value]) for value in sorted(values)]
        struct.names = keeper._keep(ffi.new("char *[]", texts))
        return struct

    def of(keeper: Handle) -> Any:
        struct = keeper._keep(ffi.new("struct trc_spans_options *"))
        struct.begin, struct.end = string(keeper, begin), string(keeper, end)
        for name, count, parts in (("keys", "key_count", keys), ("fields", "field_count", fields)):
            array = keeper._keep(ffi.new("struct trc_span_part[]", len(parts)))
            for entry, part in zip(array, parts, strict=True):
                part._fill(keeper, entry)
            setattr(struct, name, array)
            setattr(struct, count, len(parts))
        if names:
            tables = {id(values): table(keeper, values) for values in names}
            given = [tables[id(values)] for values in names]
            struct.names = keeper._keep(ffi.new("struct trc_span_names *[]", given))
        return struct

    return Analysis(lib.trc_spans_create, sources, options, of)


# Jobs ----------------------------------------------------------------------------------------


class JobField(NamedTuple):
    """struct trc_job_field: taken from the events of ``of``, of queue, start and end."""

    field: str
    name: str
    of: Sequence[str] = ("queue", "start", "end")
    symbol: bool = False
    text: bool = False

    def _fill(self, keeper: Handle, entry: Any) -> None:
        entry.kind = lib.TRC_JOB_SYMBOL if self.symbol else lib.TRC_JOB_VALUE
        entry.of = sum(getattr(lib, f"TRC_JOB_{step.upper()}") for step in self.of)
        entry.is_text = self.text
        entry.field, entry.name = string(keeper, self.field), string(keeper, self.name)


class JobEvents(NamedTuple):
    """What struct trc_jobs_options calls them."""

    start: str
    end: str
    queue: str | None = None
    cancel: str | None = None


def jobs(
    sources: Sequence[AnalysisSource],
    options: AnalysisOptions,
    events: JobEvents,
    keys: Sequence[str],
    fields: Sequence[JobField],
    symbols: Sequence[Symbols] = (),
) -> Analysis:
    """trc_jobs_create(); symbols: of each source, or none."""

    def of(keeper: Handle) -> Any:
        struct = keeper._keep(ffi.new("struct trc_jobs_options *"))
        for name, event in events._asdict().items():
            if event is not None:
                setattr(struct, name, string(keeper, event))
        struct.keys = keeper._keep(ffi.new("char *[]", [string(keeper, key) for key in keys]))
        struct.key_count = len(keys)
        struct.fields = keeper._keep(ffi.new("struct trc_job_field[]", len(fields)))
        struct.field_count = len(fields)
        for place, field in enumerate(fields):
            field._fill(keeper, struct.fields[place])
        held = [keeper._hold(each) for each in symbols]
        if held:
            struct.symbols = keeper._keep(ffi.new("struct trc_symbols *[]", held))
        return struct

    return Analysis(lib.trc_jobs_create, sources, options, of)


def counts(
    sources: Sequence[AnalysisSource],
    options: AnalysisOptions,
    events: Sequence[str],
    address: str | None,
    symbols: Sequence[Symbols] = (),
) -> Analysis:
    """trc_counts_create(); by function where there is the field of an address, else by task."""

    def of(keeper: Handle) -> Any:
        struct = keeper._keep(ffi.new("struct trc_counts_options *"))
        names = [string(keeper, event) for event in events]
        struct.events, struct.event_count = keeper._keep(ffi.new("char *[]", names)), len(names)
        if address is not None:
            struct.by, struct.address = lib.TRC_COUNTS_BY_FUNCTION, string(keeper, address)
        held = [keeper._hold(each) for each in symbols]
        if held:
            struct.symbols = keeper._keep(ffi.new("struct trc_symbols *[]", held))
        return struct

    return Analysis(lib.trc_counts_create, sources, options, of)


# Residencies ---------------------------------------------------------------------------------


def residency(
    sources: Sequence[AnalysisSource],
    options: AnalysisOptions,
    event: str,
    key: tuple[str, str],
    value: tuple[str, str],
    of_itself: bool,
) -> Analysis:
    """trc_residency_create(); key and value: a field, and the name of its column."""

    def of(keeper: Handle) -> Any:
        struct = keeper._keep(ffi.new("struct trc_residency_options *"))
        struct.event = string(keeper, event)
        struct.key, struct.key_name = (string(keeper, text) for text in key)
        struct.value, struct.value_name = (string(keeper, text) for text in value)
        struct.of_itself = of_itself
        return struct

    return Analysis(lib.trc_residency_create, sources, options, of)


# Tasks ---------------------------------------------------------------------------------------


class Wait(NamedTuple):
    """struct trc_sched_wait."""

    rank: int
    pid: int
    name: str
    waker: int
    cpu: int
    woken: int
    run: int


def sched(
    sources: Sequence[AnalysisSource],
    options: AnalysisOptions,
    kind: str,
    most: int = 0,
    wait: Wait | None = None,
) -> Analysis:
    """trc_sched_create(); kind: states, tasks, latency, nr_running, wakers or holders."""

    def of(keeper: Handle) -> Any:
        struct = keeper._keep(ffi.new("struct trc_sched_options *"))
        struct.kind, struct.most = getattr(lib, f"TRC_SCHED_{kind.upper()}"), most
        if wait is not None:
            struct.wait = keeper._keep(ffi.new("struct trc_sched_wait *"))
            struct.wait.name = string(keeper, wait.name)
            for name in ("rank", "pid", "waker", "cpu", "woken", "run"):
                setattr(struct.wait, name, getattr(wait, name))
        return struct

    return Analysis(lib.trc_sched_create, sources, options, of)


# vCPUs ---------------------------------------------------------------------------------------


OF_HOST, OF_NONE = 0xFFFFFFFF, 0xFFFFFFFE


class VCpuThread(NamedTuple):
    """struct trc_vcpu; ``task`` is what the guest's CPU runs from ``begin`` on."""

    guest: str
    vcpu: int
    host_pid: int
    begin: int = 0
    end: int = 0
    has_switches: bool = False
    task: tuple[int, str] | None = None


class VCpuOptions(NamedTuple):
    """struct trc_vcpu_options; ``vcpu_of``: of each source a place in ``vcpus``, or an OF_..."""

    start: int
    end: int
    vcpus: Sequence[VCpuThread]
    vcpu_of: Sequence[int]
    switches: bool = False
    wakes: bool = False
    first: int | None = None
    last: int | None = None
    pending_most: int = 0
    summary: bool = False
    join: bool = False
    unknown: bool = False
    raw_values: bool = False
    event_ids: Sequence[bytes | None] | None = None
    table: bool = False
    wakeups: bool = False
    wanted: Sequence[bytes | None] = ()  # of each source, where it is a table
    filters: Sequence[Handle | None] = ()  # and struct trc_filter
    fields: Sequence[tuple[str, str]] = ()  # and their columns

    def _flags(self) -> int:
        return int(
            lib.TRC_VCPU_SUMMARY * self.summary
            | lib.TRC_VCPU_JOIN * self.join
            | lib.TRC_VCPU_UNKNOWN * self.unknown
            | lib.TRC_VCPU_TABLE * self.table
            | lib.TRC_VCPU_WAKEUPS * self.wakeups
            | lib.TRC_VCPU_SWITCHES * self.switches
            | lib.TRC_VCPU_WAKES * self.wakes
            | lib.TRC_VCPU_FROM * (self.first is not None)
            | lib.TRC_VCPU_TO * (self.last is not None)
            | lib.TRC_VCPU_RAW_VALUES * self.raw_values
        )


def _bitmaps(keeper: Handle, event_ids: Sequence[bytes | None]) -> Any:
    bits = [ffi.NULL if ids is None else ffi.from_buffer(ids) for ids in event_ids]
    keeper._keep(bits)
    pointers = [ffi.cast("uint8_t *", each) for each in bits]
    return keeper._keep(ffi.new("uint8_t *[]", pointers))


def vcpus(
    sources: Sequence[AnalysisSource], options: AnalysisOptions, asked: VCpuOptions
) -> Analysis:
    """trc_vcpus_create()."""

    def of(keeper: Handle) -> Any:
        struct = keeper._keep(ffi.new("struct trc_vcpu_options *"))
        struct.flags = asked._flags()
        struct.start, struct.end = asked.start, asked.end
        struct.first, struct.last = asked.first or 0, asked.last or 0
        struct.pending_most = asked.pending_most
        array = keeper._keep(ffi.new("struct trc_vcpu[]", len(asked.vcpus)))
        for entry, vcpu in zip(array, asked.vcpus, strict=True):
            entry.guest = string(keeper, vcpu.guest)
            entry.vcpu, entry.host_pid = vcpu.vcpu, vcpu.host_pid
            entry.begin, entry.end = vcpu.begin, vcpu.end
            entry.has_switches = vcpu.has_switches
            if vcpu.task is not None:
                entry.has_task = 1
                entry.pid, entry.comm = vcpu.task[0], string(keeper, vcpu.task[1])
        struct.vcpus, struct.vcpu_count = array, len(asked.vcpus)
        struct.vcpu_of = keeper._keep(ffi.new("uint32_t[]", list(asked.vcpu_of)))
        if asked.event_ids is not None:
            struct.event_ids = _bitmaps(keeper, asked.event_ids)
        if asked.table:
            struct.wanted = _bitmaps(keeper, asked.wanted)
            held = [ffi.NULL if each is None else keeper._hold(each) for each in asked.filters]
            struct.filters = keeper._keep(ffi.new("struct trc_filter *[]", held))
            names = [[string(keeper, name) for name in pair] for pair in asked.fields]
            struct.fields = keeper._keep(ffi.new("char *[]", [pair[0] for pair in names]))
            struct.field_names = keeper._keep(ffi.new("char *[]", [pair[1] for pair in names]))
            struct.field_count = len(names)
        return struct

    return Analysis(lib.trc_vcpus_create, sources, options, of)


# Calls and stacks ----------------------------------------------------------------------------


def calls(
    sources: Sequence[AnalysisSource],
    options: AnalysisOptions,
    kind: str,
    by: Sequence[str],
    symbols: Mapping[Data, Symbols] | None = None,
    reason: Sequence[str] = (),
) -> Analysis:
    """trc_calls_create(); kind: functions, self, offcpu, samples or exits.

    symbols: of each file, or none; reason: the fields of kvm_exit that say it, one or two.
    """

    def of(keeper: Handle) -> Any:
        struct = keeper._keep(ffi.new("struct trc_calls_options *"))
        struct.kind = getattr(lib, f"TRC_CALLS_{kind.upper()}")
        struct.by = sum(getattr(lib, f"TRC_CALLS_BY_{name.upper()}") for name in by)
        if symbols is not None:
            held = [keeper._hold(symbols[source.data]) for source in sources]
            struct.symbols = keeper._keep(ffi.new("struct trc_symbols *[]", held))
        for place, field in zip(("reason", "second"), reason, strict=False):
            setattr(struct, place, string(keeper, field))
        return struct

    return Analysis(lib.trc_calls_create, sources, options, of)
