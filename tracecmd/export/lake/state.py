"""What of a lake is on disk: which recordings are in it, of which files, and with which schemas.

``_lake/`` holds it; readers of Parquet pass over folders whose name begins like that. An entry of a
recording is written before its files, which it lists, and again when they are all there: what was
interrupted between is taken away at the next run. Likewise a schema that grows is noted as not
settled until all files of its event have it.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..files import replacing
from ..parquet import encodings
from ..writer import pyarrow
from .types import cast

__all__ = ["Entry", "State", "restate"]


@dataclass(frozen=True)
class Entry:
    """A recording in a lake.

    Attributes:
        path: its name, absolute.
        size, mtime_ns: as it was read.
        asked: what was wanted of it: the same again is done already.
        parts: its Parquet files, relative to the lake.
        done: whether all of them are there.
        about: its row of the table of files; None if it could not be read.
        problems: its rows of the table of problems.
    """

    path: str
    size: int
    mtime_ns: int
    asked: str
    parts: tuple[str, ...] = ()
    done: bool = False
    about: dict[str, Any] | None = None
    problems: tuple[dict[str, Any], ...] = field(default=())


def _write(path: Path, value: Any) -> None:
    with replacing(path) as file:
        file.write(json.dumps(value).encode())


class State:
    """The ``_lake`` folder of a lake."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._own = folder / "_lake"
        self._own.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs off the lake.

        Raises:
            BlockingIOError: one is at work.
        """
        with (self._own / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    # Recordings ---------------------------------------------------------------------------

    def entries(self) -> dict[str, Entry]:
        """Those that are there, by the key of their files' names."""
        found = {}
        for path in sorted(self._own.glob("file-*.json")):
            value = json.loads(path.read_text())
            lists = {name: tuple(value[name]) for name in ("parts", "problems")}
            found[path.stem.removeprefix("file-")] = Entry(**{**value, **lists})
        return found

    def store(self, key: str, entry: Entry) -> None:
        """Write an entry."""
        _write(self._own / f"file-{key}.json", asdict(entry))

    def drop(self, key: str, entry: Entry) -> None:
        """Take a recording's files away, also those that a killed process left, then its entry."""
        for part in entry.parts:
            path = self.folder / part
            path.unlink(missing_ok=True)
            for left in path.parent.glob(f".{path.name}.*.part"):
                left.unlink()
        (self._own / f"file-{key}.json").unlink(missing_ok=True)

    # Schemas ------------------------------------------------------------------------------

    def schemas(self) -> tuple[dict[str, Any], set[str]]:
        """The schemas by event, and the events of which some files may still have another."""
        path = self._own / "schemas.json"
        if not path.exists():
            return {}, set()
        stored = json.loads(path.read_text())
        ipc = pyarrow("pyarrow.ipc")
        schemas = {
            event: ipc.read_schema(pyarrow().py_buffer(base64.b64decode(text)))
            for event, text in stored["schemas"].items()
        }
        return schemas, set(stored["unsettled"])

    def store_schemas(self, schemas: dict[str, Any], unsettled: set[str]) -> None:
        """Write them."""
        texts = {
            event: base64.b64encode(schema.serialize().to_pybytes()).decode()
            for event, schema in schemas.items()
        }
        _write(self._own / "schemas.json", {"schemas": texts, "unsettled": sorted(unsettled)})


def restate(path: Path, schema: Any) -> None:
    """Give a Parquet file of a lake a wider schema, row group by row group."""
    pa, pq = pyarrow(), pyarrow("pyarrow.parquet")
    with pq.ParquetFile(path) as old:
        if old.schema_arrow.equals(schema):
            return
        options = {**encodings(schema, pq.ParquetWriter), "store_schema": False}
        with (
            replacing(path) as file,
            pq.ParquetWriter(file, schema, compression="zstd", **options) as new,
        ):
            for group in range(old.num_row_groups):
                for batch in old.iter_batches(1 << 20, row_groups=[group]):
                    names = batch.schema.names
                    columns = [
                        cast(batch.column(each.name), each.type)
                        if each.name in names
                        else pa.nulls(batch.num_rows, each.type)
                        for each in schema
                    ]
                    new.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
