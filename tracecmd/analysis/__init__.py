"""What is computed from records."""

from .stat import CpuCount, Stat

__all__ = ["CpuCount", "Stat"]
