"""A question cut into windows of time, so that a database reads those alone that it asks for.

DuckDB does not hand on filters of times in ns. But of views that are several queries together it
leaves out those that cannot have a row: each slice says what times it is of.
"""

from __future__ import annotations

from .._reading import Window, cut_windows
from ..columns.table import Table
from .questions import EventQuestion

__all__ = ["LARGE", "cut_question"]

SLICE_BYTES = 16 << 20  # of all streams together, at least
LARGE = 2 * SLICE_BYTES  # what is worth cutting


def cut_question(question: EventQuestion, most: int) -> list[Window]:
    """Windows of about equal work, rising, in ns; one where time cannot be relied on."""
    table = question.whole
    whole: list[Window] = [(0, None)]
    count = min(most, question.stored // SLICE_BYTES)
    if not isinstance(table, Table) or not question.by_time or count < 2:
        return whole
    if not question.is_early():
        return whole
    request = table._scan.request._replace(threads=2)
    return cut_windows(request, -(-question.stored // count))
