"""The rows of a join as columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from .. import _arguments, _lowlevel
from .._reading import (
    Choice,
    Progress,
    Reader,
    ReadOptions,
    Request,
    Selection,
    Source,
    choose,
    id_bitmap,
    make_filters,
)
from .._texts import unknown_field
from ..analysis.answer import Answer, Times, check_times, make_answer
from ..events import UnknownFieldError
from .vcpu_timeline import EVENTS, Question

if TYPE_CHECKING:
    from .session import Session

__all__ = ["join_table"]

_NONE = bytes(8192)
_OWN = {
    "ts", "event", "peer", "cpu", "pid", "guest", "vcpu", "host_cpu", "host_pid", "guest_pid",
    "guest_comm",
}  # fmt: skip


class Wanted(NamedTuple):
    """What rows are of, of one file: events, None for all, and a filter."""

    event_ids: bytes | None
    filter: _lowlevel.Filter | None


def join_table(
    session: Session,
    selection: Selection,
    *,
    fields: str | Iterable[str],
    buffers: str | Iterable[str] | None,
    ts: Times,
    batch_rows: int,
    progress: Progress,
) -> Answer:
    """Do the work of :meth:`Session.join_table`; the selection names its peers."""
    check_times(ts)
    peers = selection.peers or ()
    choice = choose(session._readers(selection), selection)
    question = Question.of(session, buffers=_arguments.names("buffers", buffers), joined=peers)
    wanted = _wanted(choice, selection)
    nothing = Wanted(_NONE, None)
    of_source = [wanted.get(id(source.reader), nothing) for source in question.sources]
    asked = question.asked._replace(
        table=True,
        first=selection.start or None,
        last=selection.end,
        wanted=[each.event_ids for each in of_source],
        filters=[each.filter for each in of_source],
        event_ids=list(_walked(question.sources, of_source)),
        fields=_columns(choice, _arguments.names("fields", fields) or ()),
    )
    reading = ReadOptions(batch_rows=batch_rows, progress=progress)
    request = Request(question.sources, batch_size=reading.batch_rows, on_progress=reading.report)
    options = _lowlevel.AnalysisOptions(0, (1 << 64) - 1, to_last=True, ts=ts)
    make = partial(_lowlevel.analyses.vcpus, asked=asked)
    return make_answer(request, options, make, "join")


def _wanted(choice: Choice, selection: Selection) -> dict[int, Wanted]:
    """By id() of the reader; a file that nothing passes in is not there."""
    condition = selection.condition
    filters = None if condition is None else make_filters(choice, condition)
    return {
        number: Wanted(file.event_ids, None if filters is None else filters[number])
        for file in choice.files
        for number in [id(file.reader)]
        if filters is None or number in filters
    }


def _walked(sources: Sequence[Source], wanted: Sequence[Wanted]) -> Iterator[bytes | None]:
    """Of each source the events that are wanted, and those that it takes to know anything."""
    needed: dict[int, bytes] = {}
    for source, of in zip(sources, wanted, strict=True):
        if of.event_ids is None:
            yield None
            continue
        known = needed.setdefault(id(source.reader), _needed(source.reader))
        yield bytes(a | b for a, b in zip(known, of.event_ids, strict=True))


def _needed(reader: Reader) -> bytes:
    forms = map(reader.events.get, EVENTS)
    return id_bitmap(form for form in forms if form is not None)


def _columns(choice: Choice, names: Iterable[str]) -> list[tuple[str, str]]:
    """Fields and their columns; the event's name is in front where a column has that name."""
    columns = []
    for name in names:
        form = next((form for form in choice.formats if name in form.fields), None)
        if form is None:
            known = dict.fromkeys(each for form in choice.formats for each in form.fields)
            raise UnknownFieldError(unknown_field("field", name, list(known)))
        columns.append((name, f"{form.name}.{name}" if name in _OWN else name))
    return columns
