"""trace.dat files out.

The core lays files out and cuts pages (``csrc/write/``). Here is what it is given and where that
goes: ``outline`` is what a file is apart from its records, ``pages`` where its pages come from,
``file`` puts both under a name, and ``cut`` is the part of a recording that a selection asks for.
"""

from .cut import write_selection
from .file import Stream, parse_compression, write_file
from .outline import Outline, OutlineBuffer
from .pages import CutPages, Pages, RawPages
from .parts import Limit
from .split import KeptBuffer, split_selection

__all__ = [
    "CutPages",
    "KeptBuffer",
    "Limit",
    "Outline",
    "OutlineBuffer",
    "Pages",
    "RawPages",
    "Stream",
    "parse_compression",
    "split_selection",
    "write_file",
    "write_selection",
]
