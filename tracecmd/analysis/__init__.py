"""What is computed from records."""

from .stat import CpuCount, Stat, count

__all__ = ["CpuCount", "Stat", "count"]
