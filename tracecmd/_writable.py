"""What an open file offers to those who write files: its outline, and a part of itself."""

from __future__ import annotations

import os

from . import _lowlevel
from ._reading import (
    Excluded,
    Names,
    Numbers,
    Progress,
    Reader,
    Recording,
    Selection,
    Time,
    choose,
    wanted_sources,
)
from .filter import Filter
from .writing import Outline, write_selection

__all__ = ["Writable"]


class Writable:
    """An open file of which new ones can be made."""

    _file: _lowlevel.File
    _recording: Recording
    _reader: Reader

    def outline(self) -> Outline:
        """What the file is apart from its records; a copy, to be looked at and changed.

        Raises:
            LimitError: a section unpacks to more than the budget allows.
        """
        return Outline.of_file(self._file)

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        start: Time = None,
        end: Time = None,
        events: Names = None,
        cpus: Numbers = None,
        pids: Numbers = None,
        where: str | Filter | None = None,
        exclude: Excluded = None,
        buffers: Names = None,
        version: int | None = None,
        compression: str | None = None,
        threads: int = 1,
        progress: Progress = None,
        outline: Outline | None = None,
    ) -> int:
        """Write a part of it, or all, as another trace.dat file; gives the number of records.

        The new file holds exactly the records that :meth:`iter` gives for the same arguments, with
        their times, and the losses before them; events that are left out between others are no
        losses. Sub-buffers that are wanted as a whole are copied, the others made anew. All options
        stay, unknown ones, too; so do buffers, byte order, and sizes of pages and longs. What is
        damaged is passed over, and added to :attr:`problems`.

        The file appears under its name once it is whole. Memory does not depend on its size.

            >>> with tracecmd.open("tests/data/sessions/kvm-small/trace.dat") as trace:
            ...     trace.write("/tmp/part.dat", start=204_900_000_000, end=204_919_000_000)
            17

        Args:
            path: the new file's name; a file that is there is replaced, but must not be this one.
            start, end, events, cpus, pids, where, exclude, buffers: as for :meth:`iter`.
            version: of the file format, 6 or 7; None: this file's.
            compression: ``"none"``, ``"zlib"`` or ``"zstd"``, with a level as ``"zstd:9"``; None:
                this file's, or none in version 6, which has no compression.
            threads: blocks to compress side by side, 1 to 1024.
            progress: called now and then with work done and all work, in pages.
            outline: what to write apart from records, instead of :meth:`outline`.

        Raises:
            KeyError, FilterError, TypeError, ValueError: as :meth:`iter` does.
            ValueError: path is this file, or the version cannot hold what is to be written.
            OSError: it cannot be written.
            TraceError: the data cannot be read; with ``strict``, some of it is damaged.
        """
        selection = Selection(
            self._recording,
            events,
            where=where,
            exclude=exclude,
            buffers=buffers,
            cpus=cpus,
            start=start,
            end=end,
            pids=pids,
        )
        return write_selection(
            path,
            self._reader,
            wanted_sources(choose([self._reader], selection), selection.condition),
            selection,
            version=version,
            compression=compression,
            threads=threads,
            progress=progress,
            outline=outline,
        )
