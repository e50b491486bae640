"""Protobuf messages as bytes, and the numbers of Perfetto's fields.

Of what stands in a trace a few times; records become packets in the core (csrc/perfetto).
protobuf.dev/programming-guides/encoding; perfetto.dev's ``perfetto_trace.proto``.
"""

from __future__ import annotations

# Numbers of fields in perfetto_trace.proto.
TRACE_PACKET = 1
PACKET_PROCESS_TREE, PACKET_CLOCK_SNAPSHOT, PACKET_TIMESTAMP = 2, 6, 8
PACKET_SEQUENCE_ID, PACKET_TRACK_EVENT, PACKET_SYSTEM_INFO = 10, 11, 45
PACKET_TRACK_DESCRIPTOR, PACKET_MACHINE_ID, PACKET_REMOTE_CLOCK_SYNC = 60, 98, 107
SYNC_SYNCED_CLOCKS, SYNCED_CLIENT_CLOCKS, SYNCED_HOST_CLOCKS = 1, 2, 3
TREE_PROCESSES, PROCESS_PID, PROCESS_CMDLINE, PROCESS_CMDLINE_IS_COMM = 1, 1, 3, 9
TREE_THREADS, THREAD_TID, THREAD_NAME, THREAD_TGID = 2, 1, 2, 3
SNAPSHOT_CLOCKS, SNAPSHOT_PRIMARY, CLOCK_ID, CLOCK_TIMESTAMP = 1, 2, 1, 2
SYSTEM_UTSNAME, SYSTEM_NUM_CPUS, SYSTEM_MACHINE_NAME = 1, 8, 17
UTSNAME_SYSNAME, UTSNAME_VERSION, UTSNAME_RELEASE, UTSNAME_MACHINE = 1, 2, 3, 4
DESCRIPTOR_UUID, DESCRIPTOR_NAME, DESCRIPTOR_PARENT_UUID = 1, 2, 5
DESCRIPTOR_DESCRIPTION = 14
TRACK_TYPE, TRACK_TRACK_UUID, TRACK_NAME, TRACK_DEBUG_ANNOTATIONS = 9, 11, 23, 4
ANNOTATION_INT, ANNOTATION_STRING, ANNOTATION_NAME = 4, 6, 10
# Values of enums.
CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME = 3, 5, 6
TYPE_SLICE_BEGIN, TYPE_SLICE_END, TYPE_INSTANT = 1, 2, 3


def varint(value: int) -> bytes:
    """Encode an integer; negative ones as 64 bits of two's complement."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer(number: int, value: int) -> bytes:
    """Encode a field that is an integer."""
    return varint(number << 3) + varint(value)


def nested(number: int, content: bytes | bytearray) -> bytes:
    """Encode a field that is bytes, or a message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def string(number: int, text: str) -> bytes:
    """Encode a field that is a text; what is not text in it becomes U+FFFD."""
    raw = text.encode(errors="surrogateescape")
    return nested(number, raw.decode(errors="replace").encode())
