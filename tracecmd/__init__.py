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
from .analysis import Answer, CpuCount, Stat
from .btf import Btf, Parameter, Prototype
from .budget import Budget
from .buffer import Buffer, CpuArea
from .columns import RecordBatch, Table, Tables
from .errors import (
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
from .report import ReportOptions
from .trace import Trace
from .trace_file import FormatText, Symbol

if TYPE_CHECKING:
    from .session import (
        Interval,
        Joined,
        Peer,
        Session,
        Timeline,
        VCpu,
        VCpuSummary,
        open_session,
    )

__all__ = [
    "Answer",
    "BootPart",
    "Btf",
    "Budget",
    "Buffer",
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
    "FormatText",
    "Guest",
    "GuestCpuMap",
    "Hook",
    "HookFlags",
    "HookSide",
    "Interval",
    "Joined",
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
    "Peer",
    "ProcMap",
    "ProcMapRegion",
    "Prototype",
    "RecordBatch",
    "ReportOptions",
    "Session",
    "SessionError",
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
    "VCpuSummary",
    "__version__",
    "open",
    "open_session",
    "parse_format",
]

_OF_SESSIONS = {
    "Interval",
    "Joined",
    "Peer",
    "Session",
    "Timeline",
    "VCpu",
    "VCpuSummary",
    "open_session",
}


def __getattr__(name: str) -> Any:
    """Import sessions when somebody asks for them: most scripts read a single file."""
    if name not in _OF_SESSIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.session"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
