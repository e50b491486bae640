"""Tables to files: Parquet, Arrow IPC (feather), CSV and JSON lines.

A format is a module with a writer, which takes batches; ``files`` and ``folders`` put them under
their names. The modules know Arrow's interface, not how tables come about. ``perfetto`` writes
whole recordings, and is imported by those who want it.
"""

from .files import replacing, write_parquet, write_stream, write_table
from .folders import write_tables
from .formats import FORMATS

__all__ = [
    "FORMATS",
    "replacing",
    "write_parquet",
    "write_stream",
    "write_table",
    "write_tables",
]
