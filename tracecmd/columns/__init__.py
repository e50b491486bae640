"""Records as columns: Arrow out of the core, and thin ways to pandas, Polars and NumPy."""

from .batch import RecordBatch
from .layout import Layout
from .make import make_table
from .table import BATCH_ROWS, Table
from .tables import Tables

__all__ = [
    "BATCH_ROWS",
    "Layout",
    "RecordBatch",
    "Table",
    "Tables",
    "make_table",
]
