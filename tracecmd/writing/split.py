"""One recording as several files, as trace-cmd-split(1) makes them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import NamedTuple

from .._reading import (
    Progress,
    Reader,
    Report,
    Selection,
    Source,
    choose,
    reporter,
    wanted_sources,
)
from ..options import OptionId
from .cut import buffer_places, format_like, refuse_input
from .file import Stream, write_file
from .outline import Outline
from .pages import CutPages, Pages
from .parts import Limit, Part, Window, plan

__all__ = ["KeptBuffer", "split_selection"]


class KeptBuffer(NamedTuple):
    """A buffer that is wanted, "" being the top one, and its name in the new files."""

    name: str
    new_name: str


def split_selection(
    path: str | os.PathLike[str],
    reader: Reader,
    selection: Selection,
    *,
    limit: Limit | None = None,
    repeat: bool = False,
    per_cpu: bool = False,
    buffers: Sequence[KeptBuffer] | None = None,
    version: int | None = None,
    compression: str | None = None,
    threads: int = 1,
    progress: Progress = None,
) -> list[str]:
    """Write what is selected of one file, cut into files; gives their names.

    Each buffer counts for itself. A file of some time has the records from its first one on; the
    very first file counts from the selection's start, if that has one.

    Args:
        path: the new file; of several ``PATH.0001``, ``PATH.0002`` and so on. None is the file that
            is read.
        reader: the file.
        selection: what of it; its ``buffers`` are not looked at.
        limit: when a file is full; None: never.
        repeat: go on with another file then, until all is written. Else there is only one.
        per_cpu: count each CPU for itself.
        buffers: those to keep, in their order; None: all, under their names.
        version, compression, threads, progress: as for
            :func:`~tracecmd.writing.write_selection`.

    Raises:
        KeyError: the file has no such buffer or event.
        ValueError: one of the files is the one that is read, or the buffers do not fit together.
        TraceError, OSError: as :func:`~tracecmd.writing.write_selection` does. Files that were
            written by then stay.
    """
    selection = selection.replace(buffers=None)
    version, compression = format_like(reader, version, compression)
    outline = Outline.of_file(reader.file)
    for problem in outline.problems:
        reader.problems.note(problem)
    reader.require_sound()
    places = buffer_places(reader, selection, outline)
    if buffers is not None:
        places = _arrange(reader, outline, places, buffers)
    sources = [
        source
        for source in wanted_sources(choose([reader], selection), selection.condition)
        if reader.streams[source.stream].buffer in places
    ]
    files = plan(sources, Window(selection.start, selection.end), limit, per_cpu=per_cpu)
    written: list[str] = []
    with contextlib.closing(_Cuts(sources, reporter(progress))) as cuts:
        for number, parts in enumerate(files, 1):
            name = f"{os.fspath(path)}.{number:04d}" if repeat else os.fspath(path)
            refuse_input(name, [reader.path])
            streams = cuts.streams(parts, places)
            write_file(name, outline, streams, version=version, compression=compression,
                       threads=threads, progress=cuts.progress)  # fmt: skip
            cuts.next_file()
            written.append(name)
            if not repeat:
                break
    return written


def _arrange(
    reader: Reader, outline: Outline, places: dict[int, int], kept: Sequence[KeptBuffer]
) -> dict[int, int]:
    """Keep these of the outline's buffers, the top one first; gives their new places.

    Raises:
        KeyError: there is no such buffer.
        ValueError: two would be the top one; or a time shift would be another buffer's.
    """
    found: list[tuple[int, str]] = []
    for name, new_name in kept:
        numbers = [number for number in places if reader.buffer_names[number] == name]
        if not numbers:
            raise KeyError(f"no buffer is named {name!r}; there are {reader.buffer_names}")
        found += [(number, new_name) for number in numbers]
    found.sort(key=lambda each: each[1] != "")
    if sum(new_name == "" for _, new_name in found) > 1:
        raise ValueError("only one buffer can be the top one")
    if outline.payloads(OptionId.TIME_SHIFT) and not any(
        reader.buffer_names[number] == new_name == "" for number, new_name in found
    ):
        if any(reader.buffer_names[number] == "" for number, _ in found):
            raise ValueError(
                "the top buffer of a guest's file keeps its name, as its time shift is of no other"
            )
        outline.drop(OptionId.TIME_SHIFT)  # instances have none, and a new top one would
    top = {number for number, new_name in found if new_name == ""}
    cpus = [stream.cpu for stream in reader.streams if stream.buffer in top]
    outline.cpus = max(outline.cpus, 1 + max(cpus, default=-1))  # an instance can have more
    outline.buffers = [
        outline.buffers[places[number]]._replace(name=new_name) for number, new_name in found
    ]
    return {number: place for place, (number, _) in enumerate(found)}


class _Cuts:
    """The cuts of all files; those that count records go on from file to file."""

    def __init__(self, sources: Sequence[Source], report: Report) -> None:
        self._going_on: dict[int, CutPages] = {}
        self._report = report
        self._total = sum(source.reader.streams[source.stream].page_count for source in sources)
        self._before = self._now = 0

    def streams(self, parts: Sequence[Part], places: dict[int, int]) -> list[Stream]:
        """Those of a file, in its order of buffers and CPUs."""
        found = [
            Stream(
                places[part.source.reader.streams[part.source.stream].buffer],
                part.source.cpu,
                self._pages(part),
            )
            for part in parts
        ]
        return sorted(found, key=lambda stream: stream[:2])

    def _pages(self, part: Part) -> Pages:
        if part.records is None:
            return CutPages(part.source, *part.window)
        cut = self._going_on.get(part.source.stream)
        if cut is None:
            cut = self._going_on[part.source.stream] = CutPages(part.source, *part.window)
        cut.limit(part.records)
        return _Turn(cut)

    def progress(self, done: int, total: int) -> None:
        """Report how far all files are."""
        self._now = done
        if self._report:
            self._report(min(self._before + done, self._total), self._total)

    def next_file(self) -> None:
        """Begin another file."""
        if not self._going_on:  # their own numbers are of all files
            self._before += self._now

    def close(self) -> None:
        for cut in self._going_on.values():
            cut.close()


class _Turn:
    """What one file gets of a cut, which stays open for the next."""

    def __init__(self, cut: CutPages) -> None:
        self.page_size = cut.page_size
        self.fill = cut.fill
        self.progress = cut.progress

    def close(self) -> None:
        """Leave it open."""
