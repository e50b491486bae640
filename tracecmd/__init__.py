"""Linux trace recordings in Python: trace.dat files as trace-cmd makes them.

``open`` reads one file, ``open_session`` a host and its guests recorded together::

    with tracecmd.open("trace.dat") as trace:
        print(trace.uname, trace.clock, trace.cpus)

    with tracecmd.open_session("trace.dat", "trace-Guest1.dat") as session:
        for vcpu in session.vcpus:
            print(vcpu.guest, vcpu.vcpu, vcpu.host_pid)
"""

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__
from .analysis import Answer, CpuCount, Flame, Stat
from .btf import Btf, Parameter, Prototype
from .budget import Budget
from .buffer import Buffer, CpuArea
from .columns import RecordBatch, Table, Tables
from .errors import (
    ChangedError,
    ClosedError,
    CorruptError,
    LimitError,
    MissingEventError,
    NotATraceError,
    SessionError,
    TraceError,
    TraceFileNotFoundError,
    TraceIsADirectoryError,
    TraceOSError,
    TracePermissionError,
    TruncatedError,
    UnknownGuestError,
    UnknownOptionError,
    UnsupportedError,
)
from .event import Event, EventFields
from .events import EventFormat, Events, Field, UnknownEventError, UnknownFieldError, parse_format
from .filter import Filter, FilterError
from .opening import open
from .options import (
    BootPart,
    CpuStat,
    Guest,
    GuestCpuMap,
    Hook,
    HookFlags,
    HookSide,
    LastBoot,
    Module,
    Option,
    OptionId,
    Options,
    ProcMap,
    ProcMapRegion,
    TimeSample,
    TimeShift,
    Tsc2nsec,
)
from .packages import MissingPackageError
from .plot import Plot
from .report import ReportOptions
from .trace import Trace
from .trace_file import FormatText, Symbol

if TYPE_CHECKING:
    from .export.lake import Lake, lake
    from .partitions import Partition, make_partitions
    from .scanning import scan, scan_answer, sql
    from .session import (
        Interval,
        Joined,
        Peer,
        Session,
        Timeline,
        VCpu,
        VCpuExits,
        VCpuSteal,
        VCpuSummary,
        VCpuUnknown,
        open_session,
    )
    from .writing.attach import Attached, Shift, attach
    from .writing.restore import Restored, open_raw, restore, write_head

__all__ = [
    "Answer",
    "Attached",
    "BootPart",
    "Btf",
    "Budget",
    "Buffer",
    "ChangedError",
    "ClosedError",
    "CorruptError",
    "CpuArea",
    "CpuCount",
    "CpuStat",
    "Event",
    "EventFields",
    "EventFormat",
    "Events",
    "Field",
    "Filter",
    "FilterError",
    "Flame",
    "FormatText",
    "Guest",
    "GuestCpuMap",
    "Hook",
    "HookFlags",
    "HookSide",
    "Interval",
    "Joined",
    "Lake",
    "LastBoot",
    "LimitError",
    "MissingEventError",
    "MissingPackageError",
    "Module",
    "NotATraceError",
    "Option",
    "OptionId",
    "Options",
    "Parameter",
    "Partition",
    "Peer",
    "Plot",
    "ProcMap",
    "ProcMapRegion",
    "Prototype",
    "RecordBatch",
    "ReportOptions",
    "Restored",
    "Session",
    "SessionError",
    "Shift",
    "Stat",
    "Symbol",
    "Table",
    "Tables",
    "TimeSample",
    "TimeShift",
    "Timeline",
    "Trace",
    "TraceError",
    "TraceFileNotFoundError",
    "TraceIsADirectoryError",
    "TraceOSError",
    "TracePermissionError",
    "TruncatedError",
    "Tsc2nsec",
    "UnknownEventError",
    "UnknownFieldError",
    "UnknownGuestError",
    "UnknownOptionError",
    "UnsupportedError",
    "VCpu",
    "VCpuExits",
    "VCpuSteal",
    "VCpuSummary",
    "VCpuUnknown",
    "__version__",
    "attach",
    "lake",
    "make_partitions",
    "open",
    "open_raw",
    "open_session",
    "parse_format",
    "restore",
    "scan",
    "scan_answer",
    "sql",
    "write_head",
]

_LATER = {
    "Attached": "writing.attach",
    "Interval": "session",
    "Joined": "session",
    "Lake": "export.lake",
    "Partition": "partitions",
    "Peer": "session",
    "Restored": "writing.restore",
    "Session": "session",
    "Shift": "writing.attach",
    "Timeline": "session",
    "VCpu": "session",
    "VCpuExits": "session",
    "VCpuSteal": "session",
    "VCpuSummary": "session",
    "VCpuUnknown": "session",
    "attach": "writing.attach",
    "lake": "export.lake",
    "make_partitions": "partitions",
    "open_raw": "writing.restore",
    "open_session": "session",
    "restore": "writing.restore",
    "scan": "scanning",
    "scan_answer": "scanning",
    "sql": "scanning",
    "write_head": "writing.restore",
}


def __getattr__(name: str) -> Any:
    """Import sessions and the like when somebody asks for them: most scripts read a single file."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_LATER[name]}")
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
