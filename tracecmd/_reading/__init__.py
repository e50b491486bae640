"""From a selection to records: files made ready, streams chosen, time cut into windows.

``selection`` says what is to be read, ``sources`` finds what that is in files that are open
(``reader``), ``request`` is the outcome; ``windows`` cuts its time for threads, and ``records``
walks through it.
"""

from .event_batch import EventBatch
from .event_texts import report_file
from .problems import Problems
from .progress import Progress, Report, reporter
from .reader import Reader
from .records import (
    Watched,
    add_missed,
    make_walk,
    read_batches,
    read_events,
    read_selected,
    read_window,
    watch,
)
from .request import Request
from .selection import (
    THREADS_MAX,
    Excluded,
    Names,
    Numbers,
    ReadOptions,
    Recording,
    RecordingPart,
    Selection,
    Time,
    split_part,
)
from .side_by_side import one_after_another
from .sources import Choice, FileChoice, Source, choose, id_bitmap
from .wall import require_wall
from .where import make_filters, wanted_sources
from .windows import Window, cut_windows, in_order, read_windows
from .workers import workers

__all__ = [
    "THREADS_MAX",
    "Choice",
    "EventBatch",
    "Excluded",
    "FileChoice",
    "Names",
    "Numbers",
    "Problems",
    "Progress",
    "ReadOptions",
    "Reader",
    "Recording",
    "RecordingPart",
    "Report",
    "Request",
    "Selection",
    "Source",
    "Time",
    "Watched",
    "Window",
    "add_missed",
    "choose",
    "cut_windows",
    "id_bitmap",
    "in_order",
    "make_filters",
    "make_walk",
    "one_after_another",
    "read_batches",
    "read_events",
    "read_selected",
    "read_window",
    "read_windows",
    "report_file",
    "reporter",
    "require_wall",
    "split_part",
    "wanted_sources",
    "watch",
    "workers",
]
