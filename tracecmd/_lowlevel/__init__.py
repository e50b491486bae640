"""The only package that knows CFFI: calls into the C core, converts, turns errors into exceptions.

Everything it gives out is a plain Python value; no pointer leaves it. The classes mirror
``csrc/tracecmd.h``, where each function is described.
"""

from . import _analysis as analyses
from ._analysis import Analysis, AnalysisOptions, AnalysisSource, SpanPart
from ._arrow import Array, Memory, Schema, Stream, array_capsule, schema_capsule
from ._base import GO_ON, GoOn, NotFoundError, SourceProblem
from ._columns import (
    COLUMN_KINDS,
    Column,
    Columns,
    ColumnSet,
    ColumnsOptions,
    ColumnsSource,
    ColumnTable,
    Filter,
    JoinedFilter,
)
from ._data import Batch, Clock, Count, Counts, Damage, Data, Payloads, StreamInfo, Walk, WalkSource
from ._fields import FieldReader, Value
from ._file import (
    BTF_FILE,
    BUDGET_MEMORY,
    BUDGET_WORK,
    BUFFER_TEXT,
    OPTION_NAMES,
    SECTION_IDS,
    BufferInfo,
    File,
    Guest,
    Header,
    Option,
    Text,
)
from ._handle import Handle
from ._metadata import EventInfo, FieldInfo, Metadata, ValueList
from ._report import (
    AGAIN,
    EVENTS_PLAIN,
    EVENTS_RAW,
    IN_ONE,
    JOINED,
    REPORT_FLAGS,
    Report,
    ReportFile,
)
from ._symbols import BtfKind, BtfType, Symbols

__all__ = [
    "AGAIN",
    "BTF_FILE",
    "BUDGET_MEMORY",
    "BUDGET_WORK",
    "BUFFER_TEXT",
    "COLUMN_KINDS",
    "EVENTS_PLAIN",
    "EVENTS_RAW",
    "GO_ON",
    "IN_ONE",
    "JOINED",
    "OPTION_NAMES",
    "REPORT_FLAGS",
    "SECTION_IDS",
    "Analysis",
    "AnalysisOptions",
    "AnalysisSource",
    "Array",
    "Batch",
    "BtfKind",
    "BtfType",
    "BufferInfo",
    "Clock",
    "Column",
    "ColumnSet",
    "ColumnTable",
    "Columns",
    "ColumnsOptions",
    "ColumnsSource",
    "Count",
    "Counts",
    "Damage",
    "Data",
    "EventInfo",
    "FieldInfo",
    "FieldReader",
    "File",
    "Filter",
    "GoOn",
    "Guest",
    "Handle",
    "Header",
    "JoinedFilter",
    "Memory",
    "Metadata",
    "NotFoundError",
    "Option",
    "Payloads",
    "Report",
    "ReportFile",
    "Schema",
    "SourceProblem",
    "SpanPart",
    "Stream",
    "StreamInfo",
    "Symbols",
    "Text",
    "Value",
    "ValueList",
    "Walk",
    "WalkSource",
    "analyses",
    "array_capsule",
    "schema_capsule",
]
