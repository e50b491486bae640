"""The recordings to test on, and what the reference tools said of each.

Those in tests/data are always there; TRACECMD_TRACES may name folders with more, put together
like those of PATH. Beside NAME.dat stand NAME.dat.KIND.txt[.xz] as made by the reference: dump,
session, records, report, reportN, reportR. Most are of trace-cmd 3.3.1, and the same by 3.4;
where 3.4 gives another text, or is the first to read the recording, it is 3.4's. A text in
tests/data goes before one beside the recording, which may be older. Those named k72-* are parts of
longer recordings of kernel 7.2, with the symbols that their texts name. A folder below sessions/ is
one traced session.
"""

from __future__ import annotations

import lzma
import os
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
_MORE = os.environ.get("TRACECMD_TRACES")
FOLDERS = [DATA, *map(Path, _MORE.split(os.pathsep) if _MORE else [])]


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


def read_bytes(path: Path) -> bytes | None:
    """Read PATH or PATH.xz as it is; None if neither is there."""
    packed = path.with_name(path.name + ".xz")
    if packed.exists():
        return lzma.decompress(packed.read_bytes())
    return path.read_bytes() if path.exists() else None


def read_text(path: Path) -> str | None:
    """Read PATH or PATH.xz, line ends as they are; None if neither is there."""
    data = read_bytes(path)
    return None if data is None else data.decode(encoding="utf-8", errors="surrogateescape")


def _oracle_path(path: Path, kind: str) -> Path:
    name = f"{path.name}.{kind}.txt"
    known = path in SINGLE and any((DATA / (name + end)).exists() for end in ("", ".xz"))
    return DATA / name if known else path.with_name(name)


_LONG = {"v7-zstd-4cpu.dat", "ptp-small/trace.dat"}
SHORT = [path for path in ALL if name_of(path) not in _LONG]
"""For tests that look at each record several times in Python: a million would take minutes."""


def least_symbols(path: Path) -> int:
    """How many symbols a recording has at least: parts of k72-* have those that texts name."""
    return 0 if path.name.startswith("k72-") else 2001


def has_oracle(path: Path, kind: str) -> bool:
    """Say whether there is such a text."""
    text = _oracle_path(path, kind)
    return text.exists() or text.with_name(text.name + ".xz").exists()


def oracle(path: Path, kind: str) -> str | None:
    """Give the reference's text of one kind about a recording."""
    return read_text(_oracle_path(path, kind))


def oracle_bytes(path: Path, kind: str) -> bytes | None:
    """Give the same as it is: texts of raw markers hold carriage returns and worse."""
    return read_bytes(_oracle_path(path, kind))
