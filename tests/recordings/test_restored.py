"""What a real killed recorder left, put together as trace-cmd puts it together.

A folder of TRACECMD_TRACES may have it in ``restore/``: killed.dat.cpu0 and so on, head.dat.xz.
"""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

import tracecmd

from ..raw_records import raw_records
from . import corpus, reference

LEFT = [root / "restore" for root in corpus.FOLDERS if (root / "restore" / "head.dat.xz").exists()]


@pytest.mark.parametrize("folder", LEFT, ids=lambda folder: folder.parent.name)
def test_a_killed_recorder(folder: Path, tmp_path: Path) -> None:
    """The same records and the same report; and what is told of pages that were being written."""
    head, ours, theirs = (tmp_path / name for name in ("head.dat", "ours.dat", "theirs.dat"))
    head.write_bytes(lzma.decompress((folder / "head.dat.xz").read_bytes()))
    files = sorted(folder.glob("killed.dat.cpu*"))
    restored = tracecmd.restore(files, ours, head=head)
    assert restored.problems == ()
    with tracecmd.open(ours, strict=True) as trace, tracecmd.open_raw(files, head=head) as raw:
        rows = raw_records(trace)
        assert rows == raw_records(raw)
    assert len(rows) == restored.records > 10_000
    done = reference.trace_cmd("restore", "-i", head, "-o", theirs, *files)
    if done is None or not theirs.exists():
        pytest.skip("no trace-cmd here")
    with tracecmd.open(theirs) as trace:
        assert raw_records(trace) == rows
    reports = [reference.trace_cmd("report", "-R", "-t", "-i", path) for path in (ours, theirs)]
    assert len({done.stdout for done in reports if done is not None}) == 1
