"""Records as columns: Arrow out of the core, and thin ways to pandas, Polars and NumPy."""

from .batch import RecordBatch
from .choice import usual_names
from .layout import Layout, Times
from .make import make_table
from .rows import BATCH_ROWS, Rows
from .table import Table
from .tables import Tables

__all__ = [
    "BATCH_ROWS",
    "Layout",
    "RecordBatch",
    "Rows",
    "Table",
    "Tables",
    "Times",
    "make_table",
    "usual_names",
]
