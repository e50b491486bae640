"""Protobuf messages as bytes, and the numbers of Perfetto's fields.

protobuf.dev/programming-guides/encoding; perfetto.dev's ``perfetto_trace.proto``.
"""

from __future__ import annotations

# Numbers of fields in perfetto_trace.proto.
TRACE_PACKET = 1
PACKET_FTRACE_EVENTS, PACKET_PROCESS_TREE, PACKET_CLOCK_SNAPSHOT, PACKET_TIMESTAMP = 1, 2, 6, 8
PACKET_SEQUENCE_ID, PACKET_SYSTEM_INFO, PACKET_MACHINE_ID = 10, 45, 98
PACKET_REMOTE_CLOCK_SYNC = 107
SYNC_SYNCED_CLOCKS, SYNCED_CLIENT_CLOCKS, SYNCED_HOST_CLOCKS = 1, 2, 3
BUNDLE_CPU, BUNDLE_EVENT, BUNDLE_LOST_EVENTS = 1, 2, 3
EVENT_TIMESTAMP, EVENT_PID, EVENT_GENERIC = 1, 2, 327
GENERIC_NAME, GENERIC_FIELD = 1, 2
VALUE_NAME, VALUE_STR, VALUE_INT, VALUE_UINT = 1, 3, 4, 5
TREE_PROCESSES, PROCESS_PID, PROCESS_CMDLINE, PROCESS_CMDLINE_IS_COMM = 1, 1, 3, 9
TREE_THREADS, THREAD_TID, THREAD_NAME, THREAD_TGID = 2, 1, 2, 3
SNAPSHOT_CLOCKS, SNAPSHOT_PRIMARY, CLOCK_ID, CLOCK_TIMESTAMP = 1, 2, 1, 2
SYSTEM_UTSNAME, SYSTEM_NUM_CPUS, SYSTEM_MACHINE_NAME = 1, 8, 17
UTSNAME_SYSNAME, UTSNAME_RELEASE, UTSNAME_MACHINE = 1, 3, 4
CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME = 3, 5, 6


def _long_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_SHORT = [_long_varint(value) for value in range(1 << 12)]


def varint(value: int) -> bytes:
    """Encode an integer; negative ones as 64 bits of two's complement."""
    return _SHORT[value] if 0 <= value < 1 << 12 else _long_varint(value & (1 << 64) - 1)


def tag_varint(number: int) -> bytes:
    """What stands before a field that is an integer."""
    return varint(number << 3)


def tag_bytes(number: int) -> bytes:
    """What stands before the length of a field that is a text or a message."""
    return varint(number << 3 | 2)


def integer(number: int, value: int) -> bytes:
    """Encode a field that is an integer."""
    return tag_varint(number) + varint(value)


def nested(number: int, content: bytes | bytearray) -> bytes:
    """Encode a field that is bytes, or a message."""
    return tag_bytes(number) + varint(len(content)) + content


def string(number: int, text: str) -> bytes:
    """Encode a field that is a text; what is not text in it becomes question marks."""
    return nested(number, text.encode(errors="replace"))
