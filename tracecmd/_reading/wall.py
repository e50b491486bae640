"""Whether time stamps are wall time: trace-cmd.dat.v7(5), option DATE."""

from __future__ import annotations

from collections.abc import Iterable

from .. import errors
from ..options import OptionId
from .reader import Reader
from .sources import Source

__all__ = ["require_wall"]

_IN_NS = {"", "local", "global", "perf", "mono", "mono_raw", "boot", "tai", "tsc2nsec"}


def require_wall(sources: Iterable[Source]) -> None:
    """Raise UnsupportedError unless all time stamps are ns since 1970, in UTC.

    They are where ``trace-cmd record --date`` measured how far the clock is from that, and what it
    measured is added to them. An OFFSET, or ``ts_offset`` of who opened the file, is a correction
    that somebody wanted, and stays.
    """
    buffers: dict[int, set[int]] = {}
    readers: dict[int, Reader] = {}
    for source in sources:
        readers[id(source.reader)] = source.reader
        number = source.reader.streams[source.stream].buffer
        buffers.setdefault(id(source.reader), set()).add(number)
    for key, reader in readers.items():
        reason = _why_not(reader, buffers[key])
        if reason:
            raise errors.UnsupportedError(f"wall time: {reason}", path=reader.path)


def _why_not(reader: Reader, buffers: set[int]) -> str | None:
    file, clock = reader.file, reader.clock
    if clock.raw or not clock.date:
        return "the file is open with " + ("raw_ts=True" if clock.raw else "date=False")
    if not file.option_count_id(OptionId.DATE):
        return "the file does not tell it; trace-cmd record --date does that"
    name = file.clock_name()
    if name not in _IN_NS and file.tsc2nsec() is None and not clock.ts2secs_hz:
        return f"the file's clock, {name}, does not count ns"
    if 0 in buffers and clock.sync and file.time_shift() is not None:
        return "a guest's DATE is of its own clock, not of its host's; open it with sync=False"
    infos = file.buffers()
    other = [infos[number] for number in sorted(buffers) if infos[number].clock not in ("", name)]
    if other:
        return f"buffer {other[0].name!r} has another clock, {other[0].clock}, than DATE is of"
    return None
