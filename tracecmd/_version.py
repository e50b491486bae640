"""The one place that knows the package's version."""

__version__ = "0.1.0"
