"""Writes small files of every kind to start fuzzing from: python -m fuzz.seeds FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.corrupt import page_bases
from tests.corrupt.bases import NAMES, base
from tests.unit.test_writer import SHAPES, everything, shape_id


def main(folder: Path) -> None:
    """Write them into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        (folder / f"{name}.dat").write_bytes(base(name).data)
    for shape in SHAPES:
        data = everything(**shape).write().data
        (folder / f"records-{shape_id(shape)}.dat").write_bytes(data)
    for name, shape in page_bases.BASES.items():
        (folder / f"pages-{name}.dat").write_bytes(page_bases.base(**shape).write().data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
