"""What tasks and vCPUs did when, to look at: a page for browsers, PNG or SVG."""

from .plot import FORMATS, Plot

__all__ = ["FORMATS", "Plot"]
