"""How columns are stored in Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tracecmd

from .busy import write_busy

pq = pytest.importorskip("pyarrow.parquet")

FGRAPH = Path(__file__).parent.parent / "data" / "k72-fgraph.dat"


def chunks(path: Path, name: str) -> list[Any]:
    metadata = pq.ParquetFile(path).metadata
    return [
        column
        for group in range(metadata.num_row_groups)
        for place in range(metadata.num_columns)
        if (column := metadata.row_group(group).column(place)).path_in_schema == name
    ]


def test_times_are_differences_and_all_else_dictionaries(tmp_path: Path) -> None:
    """Also where batches come with other dictionaries: no value lies outside of one."""
    out = tmp_path / "a.parquet"
    with tracecmd.open(write_busy(tmp_path, 9000)) as trace:
        for ts in ("timestamp", "uint64"):
            table = trace.table("sched_switch", batch_rows=30, ts=ts)
            dictionaries = {
                tuple(batch.to_arrow()["prev_comm"].dictionary.to_pylist())
                for batch in table.batches()
            }
            assert len(dictionaries) > 1
            table.to_parquet(out, row_group_rows=2400)
            assert pq.read_table(out).to_pylist() == table.to_arrow().to_pylist()
            times = chunks(out, "ts")
            assert len(times) > 1
            for chunk in times:
                assert "DELTA_BINARY_PACKED" in chunk.encodings
                assert not chunk.has_dictionary_page
                assert chunk.statistics.has_min_max  # readers skip row groups by them
            for name in ("prev_comm", "next_pid", "common_comm", "cpu"):
                for chunk in chunks(out, name):
                    assert set(chunk.encodings) == {"PLAIN", "RLE", "RLE_DICTIONARY"}
                    # Within a dictionary's page alone values are plain: the data takes few bits.
                    assert chunk.total_uncompressed_size < 2400 * 1.5
                    assert chunk.statistics is None or not chunk.statistics.has_min_max


def test_lists_have_dictionaries_too(tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    with tracecmd.open(FGRAPH) as trace:
        for name, table in trace.tables(symbols=True, batch_rows=50).items():
            table.to_parquet(out)
            back = pq.read_table(out)
            assert back.to_pylist() == table.to_arrow().to_pylist()
            for field in back.schema:
                if str(field.type).startswith(("list", "fixed_size_list")):
                    element = f"{field.name}.list.element"
                    assert chunks(out, element), (name, field)
                    assert all(chunk.has_dictionary_page for chunk in chunks(out, element))
