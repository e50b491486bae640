"""Records as columns: Arrow out of the core, and thin ways to pandas, Polars and NumPy."""

from .choice import UnknownFieldError
from .table import BATCH_ROWS, RecordBatch, Table, Tables, make_table

__all__ = ["BATCH_ROWS", "RecordBatch", "Table", "Tables", "UnknownFieldError", "make_table"]
