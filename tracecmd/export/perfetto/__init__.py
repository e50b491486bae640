"""Recordings for Perfetto's UI and trace_processor: protobuf traces of a file or a whole session.

What is written, by the names of perfetto.dev's ``perfetto_trace.proto``: a ``FtraceEventBundle``
per stretch of a CPU's records, typed where the schema has the event (:data:`NATIVE`), else as
generic events with descriptors; switches and wake-ups as ``CompactSched`` where trace processor
infers from it what the records say. Addresses of functions are interned symbols. What an instance
recorded once more is not typed but on a track of the instance's name. A ``ProcessTree`` has the
saved command lines, as far as names are known (trace.dat files do not say which threads make a
process, so that each task stands for itself); ``SystemInfo`` and ``ClockSnapshot`` describe the
machine. Each guest is a machine of its own (``machine_id``), its time stamps on the host's clock,
which stands as the boot-time clock of all machines; ``RemoteClockSync`` says so. Tracks show what
vCPUs did (:meth:`tracecmd.Session.timeline`), where events were lost, and notes. The flags and the
preempt count of records are left out, but for wake-ups: the schema has a ``common_flags``, but
trace processor takes it for an event of its own, without a name.

Records become packets in the core (``csrc/perfetto``). The file is written as it is read: memory
does not depend on the size of the recording.
"""

from collections.abc import Mapping
from types import MappingProxyType

from ..._lowlevel import perfetto_events
from .machines import machine_ids
from .packets import write

__all__ = ["NATIVE", "machine_ids", "write"]

NATIVE: Mapping[str, tuple[int, str]] = MappingProxyType(perfetto_events())
"""Events that the schema has, by name: number in FtraceEvent, and fields with number and type.

``i`` int32, ``I`` int64, ``u`` uint32, ``U`` uint64, ``s`` string, ``*``: there may be several. A
record is written so with those of its fields that the schema has, if there is one of them at all.
"""
