"""Tables to files: Parquet, Arrow IPC (feather), CSV and JSON lines; :mod:`.perfetto` apart."""

from .files import FORMATS, GROUP_ROWS, replacing, write_parquet, write_table, write_tables

__all__ = ["FORMATS", "GROUP_ROWS", "replacing", "write_parquet", "write_table", "write_tables"]
