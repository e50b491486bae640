"""What trace-cmd split makes of small recordings: tests/data/splits.json, and what made it.

``python -m tests.recordings.made_splits`` runs the installed trace-cmd (3.4) and writes it anew.
For each case there are the files that it wrote, and of each how many records, and a digest of them.

Left out are cases in which trace-cmd 3.4 loses or doubles records: with -r it loses the next record
of a CPU that has none in a file, and what other CPUs still have when one comes to the end; and it
doubles the first record of a CPU that comes after the start. So are recordings that it writes
wrong, with times that are not theirs: those of big-endian machines, and some of large pages.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypedDict

import tracecmd

from ..raw_records import Row, raw_records
from . import corpus, reference

SPLITS = corpus.DATA / "splits.json"
NAMES = (
    "arm64-16k-inst.dat",
    "arm64-16k-subbuf64.dat",
    "armhf-marker.dat",
    "i386-lost.dat",
    "i386-v6.dat",
    "ppc64el-64k-inst.dat",
    "s390x-k72-kprobe.dat",
    "s390x-tc331-inst-none.dat",
    "s390x-tc331-v6.dat",
    "sessions/kvm-small/trace.dat",
    "sessions/kvm-small/trace-Guest1.dat",
)


class Case(TypedDict):
    file: str
    arguments: list[str]
    files: dict[str, list[int | str]]  # name after OUT: number of records, digest


def cases(rows: Sequence[Row], instances: Sequence[str]) -> list[list[str]]:
    """Arguments to split a recording with, but for the files."""
    times = [row[3] for row in rows]
    first, second = (seconds(times[len(times) * part // 8]) for part in (2, 5))
    micros = str(max((times[-1] - times[0]) // 7000, 1))
    count = str(len(rows) // 5)
    some: list[list[str]] = [[], [first], [first, second], ["0.0", second]]
    counted = [
        ["-u", micros],
        ["-e", count],
        ["-c", "-u", micros],
        ["-c", "-e", count],
        ["-p", "1"],
    ]
    some += [[*limit, *window] for limit in counted for window in ([], [first], [first, second])]
    some += [["-r", *limit, *window] for limit in counted[:-1] for window in ([], [first])]
    some += [["-r", *limit, first, second] for limit in counted[:2]]
    some += [["-C", "0"], ["-C", "1", "-e", count, first]]
    for name in instances:
        some += [["-B", name], ["-B", name, "-t"], ["--top", "-B", name], ["-B", name, "-e", "50"]]
    if instances:
        some += [
            ["--top"],
            ["--top", "-b", "old"],
            ["-B", instances[0], "-t", "--top", "-b", "old"],
        ]
    return some


def seconds(ns: int) -> str:
    """A time as trace-cmd takes it."""
    return f"{ns // 10**9}.{ns % 10**9:09d}"


def digest(rows: Iterable[Row]) -> list[int | str]:
    """Number of records, and of what they are: buffer, CPU, time, losses, payload; CPU by CPU."""
    lines = [f"{row[1]} {row[2]} {row[3]} {row[5]} {row[6].hex()}" for row in rows]
    by_stream = sorted(lines, key=lambda line: line.split(" ")[:2])
    return [len(lines), hashlib.sha256("\n".join(by_stream).encode()).hexdigest()[:16]]


def records_of(path: Path) -> list[Row]:
    """All records of a file."""
    with tracecmd.open(path) as trace:
        return raw_records(trace)


class WrongError(Exception):
    """Trace-cmd wrote records that are not in the recording."""


def run(path: Path, arguments: Sequence[str], folder: Path) -> Case | None:
    """What trace-cmd makes; None if it fails, or loses or doubles something.

    Raises:
        WrongError: it wrote something else than what is there.
    """
    done = reference.trace_cmd("split", "-i", path, "-o", folder / "out", *arguments)
    if done is None or done.returncode:
        return None
    written = {file.name[len("out") :]: records_of(file) for file in sorted(folder.iterdir())}
    rows = records_of(path)
    before, after = (
        Counter(map(_key, rows)),
        Counter(_key(r) for rs in written.values() for r in rs),
    )
    if after.keys() - before.keys():
        raise WrongError(path.name)
    if after - before or _has_gaps(rows, after):
        return None
    files = {name: digest(rows) for name, rows in written.items() if rows or "-r" not in arguments}
    name = str(path.relative_to(corpus.DATA))
    return {"file": name, "arguments": list(arguments), "files": files}


def _key(row: Row) -> tuple[int, int, bytes]:
    """What tells a record from others, in whatever buffer it is."""
    return row[2], row[3], row[6]


def _has_gaps(rows: Iterable[Row], found: Counter[tuple[int, int, bytes]]) -> bool:
    """Whether some records of a CPU are there, but not all between the first and the last."""
    streams: dict[tuple[str, int], list[bool]] = {}
    for row in rows:
        streams.setdefault(row[1:3], []).append(_key(row) in found)
    return any(
        not all(there[there.index(True) : len(there) - there[::-1].index(True)])
        for there in streams.values()
        if any(there)
    )


def _in_folder(path: Path, arguments: Sequence[str]) -> Case | None:
    with tempfile.TemporaryDirectory() as folder:
        return run(path, arguments, Path(folder))


def main() -> None:
    """Write the file anew."""
    made: list[Case] = []
    for name in NAMES:
        path = corpus.DATA / name
        with tracecmd.open(path) as trace:
            rows, instances = raw_records(trace), [b.name for b in trace.buffers if b.name]
        try:
            of_file = [_in_folder(path, arguments) for arguments in cases(rows, instances)]
        except WrongError:
            print(name, "is written wrong")
            continue
        made += [case for case in of_file if case is not None]
        print(name, f"{len(of_file)} cases, {of_file.count(None)} left out")
    lines = ",\n".join(json.dumps(case) for case in made)
    SPLITS.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
