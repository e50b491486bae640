"""The text of ``trace-cmd report``, byte for byte."""

from .text import ReportOptions, Symbols, make_filters, make_symbols, report

__all__ = ["ReportOptions", "Symbols", "make_filters", "make_symbols", "report"]
