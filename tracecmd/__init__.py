"""Linux trace recordings in Python: trace.dat files as trace-cmd makes them.

``open`` reads one file, ``open_session`` a host and its guests recorded together::

    with tracecmd.open("trace.dat") as trace:
        print(trace.uname, trace.clock, trace.cpus)

    with tracecmd.open_session("trace.dat", "trace-Guest1.dat") as session:
        for vcpu in session.vcpus:
            print(vcpu.guest, vcpu.vcpu, vcpu.host_pid)
"""

from ._version import __version__
from .analysis import CpuCount, Stat
from .budget import Budget
from .buffer import Buffer, CpuArea
from .columns import RecordBatch, Table, Tables, UnknownFieldError
from .errors import (
    ClosedError,
    CorruptError,
    LimitError,
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
from .event import Event
from .events import EventFormat, Events, Field, UnknownEventError
from .filter import FilterError
from .opening import open
from .options import (
    CpuStat,
    Guest,
    GuestCpuMap,
    Hook,
    HookFlags,
    HookSide,
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
from .session import Joined, Peer, Session, VCpu, open_session
from .session.vcpu_timeline import Interval, Timeline, VCpuSummary
from .trace import Trace
from .trace_file import FormatText

__all__ = [
    "Budget",
    "Buffer",
    "ClosedError",
    "CorruptError",
    "CpuArea",
    "CpuCount",
    "CpuStat",
    "Event",
    "EventFormat",
    "Events",
    "Field",
    "FilterError",
    "FormatText",
    "Guest",
    "GuestCpuMap",
    "Hook",
    "HookFlags",
    "HookSide",
    "Interval",
    "Joined",
    "LimitError",
    "MissingPackageError",
    "NotATraceError",
    "Option",
    "OptionId",
    "Options",
    "Peer",
    "ProcMap",
    "ProcMapRegion",
    "RecordBatch",
    "ReportOptions",
    "Session",
    "SessionError",
    "Stat",
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
]
