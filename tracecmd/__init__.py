"""Linux trace recordings in Python: trace.dat files as trace-cmd makes them.

``open`` reads one file, ``open_session`` a host and its guests recorded together::

    with tracecmd.open("trace.dat") as trace:
        print(trace.uname, trace.clock, trace.cpus)

    with tracecmd.open_session("trace.dat", "trace-Guest1.dat") as session:
        for vcpu in session.vcpus:
            print(vcpu.guest, vcpu.vcpu, vcpu.host_pid)
"""

from ._version import __version__
from .btf import Btf, Parameter, Prototype
from .budget import Budget
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
from .event import Event, EventFormat, Events, Field, UnknownEventError
from .filter import FilterError
from .join import Joined
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
from .report import ReportOptions
from .session import Peer, Session, VCpu, open_session
from .stat import CpuCount, Stat
from .table import (
    MissingPackageError,
    RecordBatch,
    Table,
    Tables,
    UnknownFieldError,
)
from .trace import Buffer, CpuArea, FormatText, Trace, open
from .vcpu_timeline import Interval, Timeline, VCpuSummary

__all__ = [
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
    "LastBoot",
    "LimitError",
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
