"""Recordings as Dask DataFrames: ``pip install 'tracecmd[dask]'``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from ._reading import Names
from .packages import package
from .partitions import PARTITION_BYTES, Partition, make_partitions
from .session import Session
from .trace import Trace

__all__ = ["read"]

PathName = str | os.PathLike[str]


def read(
    source: Trace | Session | PathName | Iterable[PathName],
    events: Names = None,
    *,
    size: int = PARTITION_BYTES,
    **options: Any,
) -> Any:
    """Read records of many files, or one huge file, as a Dask DataFrame with ``ts`` as its index.

    Each partition is a window of time, and its divisions are known: ``df.loc["2026-11-26":]`` and
    joins by time read what they need. Only where time steps back in a recording they are not.
    Columns have Arrow's types (``int32[pyarrow]``), so that integers with nulls stay integers::

        import tracecmd.dask

        df = tracecmd.dask.read("day/*.dat", "sched_switch")
        df.next_comm.value_counts().compute()

    Args:
        source, events: as for :func:`tracecmd.make_partitions`.
        size: about how many bytes of trace data a partition has.
        options: all else that :func:`tracecmd.make_partitions` takes.

    Raises:
        MissingPackageError: (an ImportError) Dask is not installed.
        KeyError, TraceError, TypeError, ValueError: as for :func:`tracecmd.make_partitions`.
    """
    frames = package("dask.dataframe", "dask")
    parts = make_partitions(source, events, size=size, **options)
    meta = _frame(Partition((), parts[0].layout, parts[0].schema, None, None))
    return frames.from_map(_frame, parts, meta=meta, divisions=_divisions(parts), label="tracecmd")


def _frame(part: Partition) -> Any:
    """A partition in pandas. Its index has NumPy's type: Dask compares divisions with it."""
    frame = part.to_pandas()
    return frame.set_index(frame.pop("ts").astype("datetime64[ns]"))


def _divisions(parts: list[Partition]) -> Any:
    timestamp = package("pandas", "dask").Timestamp
    starts = [part.start for part in parts]
    last = parts[-1].end
    if last is None or None in starts:
        return None
    return tuple(timestamp(ns, unit="ns") for ns in (*starts, last - 1))
