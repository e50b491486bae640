"""The part of a recording that a selection asks for, as a file of its own."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Sequence

from .._reading import Progress, Reader, Selection, Source
from .file import Stream, write_file
from .outline import Outline, OutlineBuffer
from .pages import CutPages

__all__ = ["buffer_places", "cut_streams", "format_like", "refuse_input", "write_selection"]


def refuse_input(path: str | os.PathLike[str], inputs: Sequence[str]) -> None:
    """Raise ValueError if a file that is to be written is one that is being read."""
    for source in inputs:
        try:
            same = os.path.samefile(path, source)
        except OSError:
            continue
        if same:
            raise ValueError(f"{os.fspath(path)}: is the file that is read; write to another one")


def format_like(reader: Reader, version: int | None, compression: str | None) -> tuple[int, str]:
    """Version and compression of a new file; those not given are the file's that is read."""
    header = reader.file.header()
    version = header.version if version is None else version
    if compression is None:
        compression = header.compression if version == 7 else "none"
    return version, compression


def cut_streams(
    reader: Reader, sources: Iterable[Source], selection: Selection, outline: Outline
) -> list[Stream]:
    """The part of some streams of a file that lies in a window; outline's buffers become theirs.

    Raises:
        TraceError: the file is read strictly and at fault.
    """
    for problem in outline.problems:
        reader.problems.note(problem)
    reader.require_sound()
    places = buffer_places(reader, selection, outline)
    return [
        Stream(
            places[reader.streams[source.stream].buffer],
            source.cpu,
            CutPages(source, selection.start, selection.end),
        )
        for source in sources
    ]


def buffer_places(reader: Reader, selection: Selection, outline: Outline) -> dict[int, int]:
    """Where each buffer of the file is in the outline, which loses those not asked for.

    Those that are in both come in the same order. A recorder that was stopped leaves data of the
    top buffer and no word of it: then it is added.
    """
    kept: list[OutlineBuffer] = []
    places: dict[int, int] = {}
    left = list(outline.buffers)
    with_data = {stream.buffer: stream.page_size for stream in reader.streams}
    for index, name in enumerate(reader.buffer_names):
        known = left.pop(0) if left and left[0].name == name else None
        if known is None and index in with_data:
            known = OutlineBuffer(name, reader.file.clock_name(), with_data[index])
        if known is None or (selection.buffers is not None and name not in selection.buffers):
            continue
        places[index] = len(kept)
        kept.append(known)
    outline.buffers = kept
    return places


def _own_outline(reader: Reader, given: Outline | None) -> Outline:
    """The file's, or a copy of the caller's, which stays as it is."""
    of_file = Outline.of_file(reader.file)
    if given is None:
        return of_file
    if [buffer.name for buffer in given.buffers] != [buffer.name for buffer in of_file.buffers]:
        raise ValueError("outline: its buffers are not those of the file; buffers= chooses them")
    return copy.copy(given)


def write_selection(
    path: str | os.PathLike[str],
    reader: Reader,
    sources: Iterable[Source],
    selection: Selection,
    *,
    version: int | None = None,
    compression: str | None = None,
    threads: int = 1,
    progress: Progress = None,
    outline: Outline | None = None,
) -> int:
    """Write what is selected of one file; gives the number of records.

    Args:
        path: the new file, which must not be the one that is read.
        reader: the file.
        sources: its streams that the selection asks for, in the order of buffers and CPUs.
        selection: what of them.
        version, compression: as :func:`~tracecmd.writing.write_file` has them; None: the file's.
        threads, progress: likewise.
        outline: all but the records, in place of the file's own.

    Raises:
        ValueError: path is the file that is read; the outline has other buffers than the file; or
            as :func:`~tracecmd.writing.write_file`.
        KeyError, TraceError, OSError: as that and reading do.
    """
    refuse_input(path, [reader.path])
    version, compression = format_like(reader, version, compression)
    outline = _own_outline(reader, outline)
    streams = cut_streams(reader, sources, selection, outline)
    write_file(path, outline, streams, version=version, compression=compression,
               threads=threads, progress=progress)  # fmt: skip
    return sum(stream.pages.records for stream in streams if isinstance(stream.pages, CutPages))
