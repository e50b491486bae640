"""Compressed streams: trace-cmd.dat.v7(5), "Compression of the data"."""

from __future__ import annotations

import importlib
import zlib
from typing import Any, Literal

zstandard: Any
try:
    zstandard = importlib.import_module("zstandard")
except ImportError:  # frames that hold their bytes as they are need no library: zstd_frame()
    zstandard = None

Compression = Literal["none", "zlib", "zstd"]


def zstd_frame(data: bytes) -> bytes:
    """One zstd frame without the size of its content, as trace-cmd writes them (RFC 8878)."""
    if zstandard is not None:
        return bytes(zstandard.ZstdCompressor(write_content_size=False).compress(data))
    frame = bytearray(b"\x28\xb5\x2f\xfd")
    frame += b"\x00"  # no content size, no checksum, not a single segment, no dictionary
    frame += b"\x38"  # window of 128 KiB
    pieces = [data[at : at + (1 << 17)] for at in range(0, len(data), 1 << 17)] or [b""]
    for number, piece in enumerate(pieces, 1):
        header = len(piece) << 3 | (number == len(pieces))  # type 0: stored
        frame += header.to_bytes(3, "little") + piece
    return bytes(frame)


def pack_block(compression: Compression, data: bytes) -> bytes:
    if compression == "zlib":
        return zlib.compress(data)
    return zstd_frame(data)
