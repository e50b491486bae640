"""What a file and a session have in common: records that a selection can ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from ._reading import Reader, ReadOptions, Recording, Selection, read_selected
from .columns import Layout, Table, make_table
from .event import Event

__all__ = ["Readable"]

S = TypeVar("S", bound="Readable")


class Readable:
    """An open file or session, whose methods turn their arguments into a selection of it.

    What has a selection already, from elsewhere or from another process, reads it by
    :meth:`_read` and :meth:`_table`.
    """

    _recording: Recording

    def _readers(self, selection: Selection) -> Sequence[Reader]:
        """The files that the selection is of."""
        raise NotImplementedError

    def _read(self, selection: Selection, options: ReadOptions) -> Iterator[Event]:
        """Walk over what is selected."""
        return read_selected(self._readers(selection), selection, options)

    def _table(self, selection: Selection, layout: Layout, options: ReadOptions) -> Table:
        """What is selected, as columns."""
        return make_table(self._readers(selection), selection, layout, options)

    def __iter__(self) -> Iterator[Event]:
        return self._read(Selection(self._recording), ReadOptions())

    def _require_open(self) -> None:
        """Raise ClosedError after :meth:`close`."""
        raise NotImplementedError

    def __enter__(self: S) -> S:
        self._require_open()
        return self

    def close(self) -> None:
        """Close all files; a second close is fine."""
        raise NotImplementedError

    def __exit__(self, *exception: object) -> None:
        self.close()
