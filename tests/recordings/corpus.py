"""The recordings to test on, and what the reference tools said of each.

Those in tests/data are always there; TRACECMD_TRACES may name a folder with more. Beside
NAME.dat stand NAME.dat.KIND.txt[.xz] as made by Debian 13's trace-cmd 3.3.1: dump, session,
records, report, reportN, reportR. A folder below sessions/ is one traced session.
"""

from __future__ import annotations

import lzma
import os
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
_MORE = os.environ.get("TRACECMD_TRACES")
FOLDERS = [DATA] + ([Path(_MORE)] if _MORE else [])


def _newest(paths: list[Path]) -> list[Path]:
    """Drop what a later folder has under the same name."""
    return sorted({str(p.relative_to(root)): p for root in FOLDERS for p in paths
                   if p.is_relative_to(root)}.values())  # fmt: skip


SINGLE = _newest([p for root in FOLDERS for p in root.glob("*.dat")])
SESSIONS = _newest([p for root in FOLDERS for p in root.glob("sessions/*") if p.is_dir()])
IN_SESSIONS = sorted(p for folder in SESSIONS for p in folder.glob("*.dat"))
ALL = SINGLE + IN_SESSIONS

PROBLEMS = {
    "v6-cut.dat": [r"trace data: the recorder did not finish; 200704 bytes .* CPU 1's"],
    "v7n-cut.dat": [
        r"trace data: the recorder did not finish; 520192 bytes .* CPU 0's",
        r"trace data: the recorder did not finish; 249856 bytes .* CPU 1's",
    ],
    "v7-head-only.dat": [r"trace data: the file ends before it; it has none"],
    # Its argv is "__data_loc char[][3]", which libtraceevent cannot read, either.
    "v7-kprobes.dat": [r"event format kprobes:kp_argv: a declaration that cannot be read"],
}
"""What is wrong with some recordings, found out without reading their data. All others are good."""


def name_of(path: Path) -> str:
    """Name a file in a test's id: with its session's folder, if it is in one."""
    return f"{path.parent.name}/{path.name}" if path in IN_SESSIONS else path.name


def read_text(path: Path) -> str | None:
    """Read PATH or PATH.xz, line ends as they are; None if neither is there."""
    packed = path.with_name(path.name + ".xz")
    if packed.exists():
        data = lzma.decompress(packed.read_bytes())
    elif path.exists():
        data = path.read_bytes()
    else:
        return None
    return data.decode(encoding="utf-8", errors="surrogateescape")


def has_oracle(path: Path, kind: str) -> bool:
    """Say whether there is such a text."""
    return any(path.with_name(f"{path.name}.{kind}.txt{end}").exists() for end in ("", ".xz"))


def oracle(path: Path, kind: str) -> str | None:
    """Give the reference's text of one kind about a recording."""
    return read_text(path.with_name(f"{path.name}.{kind}.txt"))
