"""Many recordings as one set of Parquet files: a lake.

``run`` looks through the recordings and has each written, by several processes; ``source`` is one
recording's way into the lake; ``types`` finds types that hold what all of them have; ``state`` is
what of it is on disk.
"""

from .run import Lake, lake

__all__ = ["Lake", "lake"]
