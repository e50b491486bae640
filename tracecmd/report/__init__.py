"""The text of ``trace-cmd report``, byte for byte."""

from .filters import Filters, filtered, make_filters
from .options import ReportOptions
from .profile import ProfileOptions, Profiles, write_profile
from .symbols import Symbols, make_symbols
from .text import report, write_report

__all__ = [
    "Filters",
    "ProfileOptions",
    "Profiles",
    "ReportOptions",
    "Symbols",
    "filtered",
    "make_filters",
    "make_symbols",
    "report",
    "write_profile",
    "write_report",
]
