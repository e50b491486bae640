"""What is computed from records."""

from .answer import Answer
from .flame import Flame
from .methods import Analyses
from .stat import CpuCount, Stat, count, count_selected

__all__ = ["Analyses", "Answer", "CpuCount", "Flame", "Stat", "count", "count_selected"]
