"""What the core is asked for: which streams, whose vCPUs, and what is known of them beforehand."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Generator, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ... import _lowlevel
from ..._reading import Report, Request, Selection, Source, choose, watch
from ...trace import Trace
from ._span import buffer_names, first_of, on_one_clock, recorded, recorded_span

if TYPE_CHECKING:
    from ..session import Session, VCpu

__all__ = ["EVENTS", "NOTHING", "Question"]

SWITCH = "sched:sched_switch"
WAKES = ("sched:sched_waking", "sched:sched_wakeup", "sched:sched_wakeup_new")
EVENTS = (SWITCH, *WAKES, "kvm:kvm_entry", "kvm:kvm_exit")
"""What the core may look at."""
SWITCH_FIELDS = frozenset({"prev_pid", "prev_comm", "next_pid", "next_comm"})
"""Fields without which sched_switch names no task."""

PENDING_LIMIT = 16384  # pieces of one vCPU that wait for the record that says what they were
_ALL_TIMES = _lowlevel.AnalysisOptions(0, (1 << 64) - 1, to_last=True)


class Question(NamedTuple):
    """All that reading takes.

    Attributes:
        vcpus: those that it is about.
        sources: the host's streams, and those of the vCPUs.
        asked: what is asked of the core.
    """

    vcpus: tuple[VCpu, ...]
    sources: list[Source]
    asked: _lowlevel.VCpuOptions

    @classmethod
    def of(
        cls,
        session: Session,
        *,
        guests: Iterable[str] | None = None,
        buffers: Iterable[str] | None = None,
        joined: Collection[str] = (),
    ) -> Question:
        """Look at the files of a session.

        Args:
            session: the session.
            guests: names of guests; None for all.
            buffers: names of buffers to read; None: all on the clock of the peer's top buffer.
            joined: names of guests whose streams are read also where nothing is known of the vCPU.
        """
        session = session._whole  # what was before a window tells what is in it
        chosen = None if guests is None else {*guests}
        names = None if buffers is None else {*buffers}
        for peer in session.peers:
            if peer.role == "host" or chosen is None or peer.name in chosen:
                peer.trace._reader.require_sound()
        host = session.host
        span = None if host is None else recorded_span(host, buffer_names(host, names))
        vcpus: tuple[VCpu, ...] = ()
        looked = _Looked(names)
        if host is not None and span is not None:
            vcpus = tuple(v for v in session.vcpus if chosen is None or v.guest in chosen)
            looked.add_host(host)
        for name, trace in session.guests.items():
            if chosen is None or name in chosen:
                own = {v.vcpu: place for place, v in enumerate(vcpus) if v.guest == name}
                known = own if on_one_clock(session, name) else {}
                looked.add_guest(trace, known, every=name in joined)
        switches = bool(vcpus) and host is not None and recorded(host, [SWITCH], names)
        asked = _lowlevel.VCpuOptions(
            *(span or (0, 0)),
            looked.threads(vcpus),
            looked.vcpu_of,
            switches,
            switches and host is not None and recorded(host, WAKES, names),
            pending_most=PENDING_LIMIT,
        )
        return cls(vcpus, looked.sources, asked)

    def open(self, *, dictionary: bool | None = None) -> _lowlevel.Analysis:
        """Begin to read; dictionary: whether texts are, None: if they are bytes."""
        sources = [
            _lowlevel.AnalysisSource(source.reader.data, source.stream) for source in self.sources
        ]
        if dictionary is None:
            dictionary = self.asked.raw_values
        options = _ALL_TIMES._replace(dictionary=dictionary)
        return _lowlevel.analyses.vcpus(sources, options, self.asked)

    def schema(self) -> _lowlevel.Schema:
        """What the rows are."""
        with contextlib.closing(self.open()) as analysis:
            return analysis.schema()

    def arrays(self, rows: int, progress: Report) -> Generator[_lowlevel.Array, None, None]:
        """Rows in batches of about so many."""
        request = Request(self.sources, on_progress=progress)
        with contextlib.closing(self.open()) as analysis:
            yield from watch(request, analysis, lambda: analysis.next(rows))


NOTHING = Question((), [], _lowlevel.VCpuOptions(0, 0, (), ()))
"""Of a session without records of a host."""


class _Looked:
    """What was found in the files."""

    def __init__(self, buffers: set[str] | None) -> None:
        self._buffers = buffers
        self.sources: list[Source] = []
        self.vcpu_of: list[int] = []
        self.known: dict[int, _lowlevel.VCpuThread] = {}

    def threads(self, vcpus: Iterable[VCpu]) -> list[_lowlevel.VCpuThread]:
        """The vCPUs as the core takes them."""
        empty = _lowlevel.VCpuThread("", 0, 0)
        return [
            self.known.get(place, empty)._replace(**vcpu._asdict())
            for place, vcpu in enumerate(vcpus)
        ]

    def _chosen(self, trace: Trace) -> list[Source]:
        selection = Selection(trace._recording, buffers=buffer_names(trace, self._buffers))
        return choose([trace._reader], selection).sources()

    def add_host(self, host: Trace) -> None:
        """All streams of the host."""
        for source in self._chosen(host):
            self.sources.append(source)
            self.vcpu_of.append(_lowlevel.analyses.OF_HOST)

    def add_guest(self, trace: Trace, places: Mapping[int, int], *, every: bool) -> None:
        """Those of a guest's vCPUs, or every one; ``places`` by their numbers."""
        names = buffer_names(trace, self._buffers)
        span = recorded_span(trace, names) if places or every else None
        if span is None:
            return
        for source in self._chosen(trace):
            if every or source.cpu in places:
                self.sources.append(source)
                self.vcpu_of.append(places.get(source.cpu, _lowlevel.analyses.OF_NONE))
        for vcpu, place in places.items():
            switches, task = _first_task(trace, names, vcpu)
            self.known[place] = _lowlevel.VCpuThread("", vcpu, 0, *span, switches, task)


def _first_task(
    trace: Trace, buffers: Iterable[str], cpu: int
) -> tuple[bool, tuple[int, str] | None]:
    """Whether a guest's CPU recorded switches, and which task it ran before the first."""
    form = trace.events.get(SWITCH)
    if form is None or not {*form.fields} >= SWITCH_FIELDS:
        return False, None
    selection = Selection(trace._recording, str(form), buffers=buffers, cpus=[cpu])
    first = first_of(trace, selection)
    if first is None or first.missed_events:
        return first is not None, None
    pid, comm = (
        form.fields[name].read(first.raw, trace.byteorder) for name in ("prev_pid", "prev_comm")
    )
    return True, (pid, comm) if isinstance(pid, int) and isinstance(comm, str) else None
