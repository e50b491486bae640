"""Recordings for Perfetto's UI and trace_processor: protobuf traces of a file or a whole session.

What is written, by the names of perfetto.dev's ``perfetto_trace.proto``: a ``FtraceEventBundle``
per stretch of a CPU's records, typed where the schema has the event with all of its fields, else
as ``GenericFtraceEvent``; a ``ProcessTree`` of the saved command lines, as far as names are known
(trace.dat files do not say which threads make a process, so that each task stands for itself);
``SystemInfo`` and ``ClockSnapshot``. Each guest is a machine of its own (``machine_id``), its time
stamps on the host's clock, which stands as the boot-time clock of all machines;
``RemoteClockSync`` says so. The flags and the preempt count of records are left out: the schema has
a ``common_flags``, but trace processor takes it for an event of its own, without a name.

The file is written as it is read: memory does not depend on the size of the recording.
"""

from .events import NATIVE
from .packets import machine_ids, write

__all__ = ["NATIVE", "machine_ids", "write"]
