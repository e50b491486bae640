"""The files of a session written anew, all cut alike."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .._reading import Progress, Reader, Selection, choose, wanted_sources
from ..writing import write_selection

__all__ = ["write_peers"]


def write_peers(
    folder: str | os.PathLike[str],
    readers: Sequence[Reader],
    selection: Selection,
    *,
    version: int | None = None,
    compression: str | None = None,
    threads: int = 1,
    progress: Progress = None,
) -> dict[Path, int]:
    """Write a file for each, under its own name in a folder; gives their numbers of records.

    Raises:
        ValueError: two files would have one name, or one would be written over itself.
    """
    target = Path(folder)
    names = [Path(reader.path).name for reader in readers]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name}: two files of the session have this name")
    sources = wanted_sources(choose(readers, selection), selection.condition)
    target.mkdir(parents=True, exist_ok=True)
    written: dict[Path, int] = {}
    for reader, name in zip(readers, names, strict=True):
        written[target / name] = write_selection(
            target / name,
            reader,
            [source for source in sources if source.reader is reader],
            selection,
            version=version,
            compression=compression,
            threads=threads,
            progress=progress,
        )
    return written
