"""What is computed from records."""

from .answer import Answer
from .methods import Analyses
from .stat import CpuCount, Stat, count

__all__ = ["Analyses", "Answer", "CpuCount", "Stat", "count"]
