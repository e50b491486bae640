"""What a format has to do: take batches, and become a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

from ..packages import package

if TYPE_CHECKING:
    from ..columns import RecordBatch, Rows

__all__ = ["Writer", "pyarrow"]


def pyarrow(module: str = "pyarrow") -> Any:
    """Import pyarrow or a module of it, or say how to get it."""
    return package(module, "arrow")


class Writer:
    """One file while it is written.

    Attributes:
        rows: given to it so far.
        held: about how many bytes of them it has in memory.
    """

    def __init__(self, table: Rows, file: BinaryIO) -> None:
        self._table = table
        self._file = file
        self.rows = 0
        self.held = 0

    @classmethod
    def prepare(cls, table: Rows) -> Rows:
        """The table as the format wants it."""
        return table

    def write(self, batch: RecordBatch) -> None:
        """Take some rows, which may be held for a while."""
        raise NotImplementedError

    @property
    def full(self) -> bool:
        """Whether it is time to write what is held."""
        return False

    def take(self) -> Callable[[], None]:
        """Hand over what is held: the function writes it."""
        return lambda: None

    def close(self) -> None:
        """Write all that is missing. Without it the file is not whole."""

    def abandon(self) -> None:
        """Let go of a file that will not become whole."""
