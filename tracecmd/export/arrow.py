"""Arrow IPC files, also known as Feather version 2."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, BinaryIO

from .writer import Writer, pyarrow

if TYPE_CHECKING:
    from ..columns import RecordBatch, Rows

__all__ = ["ArrowStreamWriter", "ArrowWriter"]


class ArrowWriter(Writer):
    """An Arrow IPC file, which is also Feather version 2."""

    _form = "new_file"  # of pyarrow.ipc

    def __init__(self, table: Rows, file: BinaryIO) -> None:
        super().__init__(table, file)
        ipc = pyarrow("pyarrow.ipc")
        self._writer = getattr(ipc, self._form)(
            file,
            pyarrow().schema(table),
            options=ipc.IpcWriteOptions(compression="zstd"),
        )

    @classmethod
    def prepare(cls, table: Rows) -> Rows:
        """The table as the format wants it."""
        return table.without_dictionaries()  # an IPC file has one dictionary for all batches

    def write(self, batch: RecordBatch) -> None:
        """Take some rows."""
        arrow = batch.to_arrow()
        self._writer.write_batch(arrow)
        self.rows += arrow.num_rows

    def close(self) -> None:
        """Write all that is missing."""
        self._writer.close()

    def abandon(self) -> None:
        """Let go of a file that will not become whole."""
        with contextlib.suppress(Exception):
            self._writer.close()


class ArrowStreamWriter(ArrowWriter):
    """An Arrow IPC stream: what a reader takes from a pipe, where it cannot go back."""

    _form = "new_stream"
