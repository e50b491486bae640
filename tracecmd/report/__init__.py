"""The text of ``trace-cmd report``, byte for byte."""

from .filters import Filters, filtered, make_filters
from .options import ReportOptions
from .symbols import Symbols, make_symbols
from .text import report, write_report

__all__ = [
    "Filters",
    "ReportOptions",
    "Symbols",
    "filtered",
    "make_filters",
    "make_symbols",
    "report",
    "write_report",
]
