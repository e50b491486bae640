"""The events that answers need, and the buffers that have them."""

from __future__ import annotations

from collections.abc import Sequence

from .. import errors
from .._reading import Reader, ReadOptions, Request, Selection, Source, id_bitmap, read_events
from ..events import EventFormat

__all__ = ["find_event", "of_one_buffer", "require", "require_all"]


def find_event(readers: Sequence[Reader], name: str) -> EventFormat | None:
    """The event of the first file that has it."""
    found = (reader.events.get(name) for reader in readers)
    return next((form for form in found if form is not None), None)


def require(readers: Sequence[Reader], what: str, *choices: str) -> EventFormat:
    """The first of some events that a file has.

    Raises:
        MissingEventError: (a KeyError) no file has any of them.
    """
    for name in choices:
        form = find_event(readers, name)
        if form is not None:
            return form
    flags = " ".join(f"-e {name}" for name in choices[:1])
    names = " or ".join(choices)
    raise errors.MissingEventError(
        f"{what}: {names} was not recorded; trace-cmd record {flags} does that",
        path=readers[0].path if len(readers) == 1 else None,
    )


def require_all(readers: Sequence[Reader], what: str, *names: str) -> None:
    """Whether each of some events is one of a file.

    Raises:
        MissingEventError: (a KeyError) some are not; it names them, and how to record all.
    """
    missing = [name for name in names if find_event(readers, name) is None]
    if not missing:
        return
    flags = " ".join(f"-e {name}" for name in names)
    verb = "was" if len(missing) == 1 else "were"
    raise errors.MissingEventError(
        f"{what}: {', '.join(missing)} {verb} not recorded; trace-cmd record {flags} does that",
        path=readers[0].path if len(readers) == 1 else None,
    )


def of_one_buffer(sources: Sequence[Source], names: str, selection: Selection) -> list[Source]:
    """Those of one buffer of each file: the first that has a record of some events, or the first.

    An event that several trace instances recorded would otherwise be seen as often as that.
    """
    by_buffer: dict[tuple[int, int], list[Source]] = {}
    for source in sources:
        buffer = source.reader.streams[source.stream].buffer
        by_buffer.setdefault((id(source.reader), buffer), []).append(source)
    chosen: dict[int, list[Source]] = {}
    counts = [number for number, _ in by_buffer]
    for (number, _), own in by_buffer.items():
        if number in chosen:
            continue
        if counts.count(number) == 1 or _has(own, names, selection):
            chosen[number] = own
    for (number, _), own in by_buffer.items():
        chosen.setdefault(number, own)
    wanted = {id(source) for own in chosen.values() for source in own}
    return [source for source in sources if id(source) in wanted]


def _has(sources: Sequence[Source], names: str, selection: Selection) -> bool:
    """Whether there is a record of one of some events, whose names have commas between them."""
    reader = sources[0].reader
    forms = [form for name in names.split(",") if (form := reader.events.get(name))]
    if not forms:
        return False
    wanted = [source._replace(event_ids=id_bitmap(forms)) for source in sources]
    request = Request.of([reader], wanted, selection, ReadOptions(batch_rows=1))
    return next(read_events(request), None) is not None
