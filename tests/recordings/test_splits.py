"""``tracecmd split`` beside ``trace-cmd split`` 3.4: the same files, record by record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracecmd
from tracecmd.cli import main

from ..raw_records import raw_records
from . import corpus, reference
from .made_splits import SPLITS, Case, digest, records_of, run

CASES: list[Case] = json.loads(SPLITS.read_text())


def name_of(case: Case) -> str:
    return " ".join([case["file"].rpartition("/")[2], *case["arguments"]])


def split(case: Case, folder: Path) -> Iterator[Path]:
    """The files that our command writes."""
    path = corpus.DATA / case["file"]
    out = folder / "out"
    assert main(["split", "-q", "-i", str(path), "-o", str(out), *case["arguments"]]) == 0
    return iter(sorted(folder.iterdir()))


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_as_trace_cmd(case: Case, tmp_path: Path) -> None:
    written = {file.name[len("out") :]: file for file in split(case, tmp_path)}
    assert {name: digest(records_of(file)) for name, file in written.items()} == case["files"]


@pytest.mark.parametrize("case", CASES[::40], ids=name_of)
def test_the_oracle_is_up_to_date(case: Case, tmp_path: Path) -> None:
    """What the texts say is what the installed trace-cmd does, if it is as new."""
    version = reference.tool_version()
    if version is None or version < (3, 4):
        pytest.skip("needs trace-cmd 3.4")
    assert run(corpus.DATA / case["file"], case["arguments"], tmp_path) == case


@pytest.mark.parametrize(
    "limit", [["-e", "100"], ["-c", "-e", "70"], ["-u", "50000"], ["-c", "-m", "40"], ["-p", "1"]],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("name", ["i386-lost.dat", "arm64-16k-inst.dat", "s390x-tc331-v6.dat"])
def test_the_parts_make_the_whole(name: str, limit: list[str], tmp_path: Path) -> None:
    """Whatever is counted, nothing is lost, doubled, or marked as lost that was not."""
    with tracecmd.open(corpus.DATA / name) as trace:
        whole, outline = raw_records(trace, order="cpu"), trace.outline()
        buffers = [buffer.name for buffer in trace.buffers]
    case: Case = {"file": name, "arguments": ["-r", *limit], "files": {}}
    by_stream: dict[tuple[str, int], list[object]] = {}
    for file in split(case, tmp_path):
        with tracecmd.open(file, strict=True) as part:
            assert part.outline().options == outline.options
            assert [buffer.name for buffer in part.buffers] == buffers
            for row in raw_records(part, order="cpu"):
                by_stream.setdefault(row[1:3], []).append(row)
    assert [row for rows in by_stream.values() for row in rows] == sorted(
        whole, key=lambda row: list(by_stream).index(row[1:3])
    )
