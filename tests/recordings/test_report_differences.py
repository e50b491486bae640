"""Where the text is not trace-cmd's on purpose: docs/report-differences.md, by made files.

What trace-cmd 3.4 makes of them is asserted where that is the one installed.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .. import writer
from ..writer import TICK, Buffer, Discarded, Event, Field, Hook, Page, TimeExtend, TimeStamp
from . import made, reference

MACHINE = writer.Machine(False, 8)
UNKNOWN = "[UNKNOWN EVENT][UNKNOWN EVENT][UNKNOWN EVENT] (NULL):               [UNKNOWN EVENT]"


def tick(n: int) -> writer.Values:
    return TICK.values(pid=17, n=n)


def ticks(**more: object) -> bytes:
    pages = writer.fill_pages([(1000, tick(1)), (2000, tick(2))], MACHINE)
    return writer.Trace(buffers=[Buffer(cpus={0: pages})], **more).write().data


def ours(*arguments: str | Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tracecmd", "report", "-q", *arguments],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def theirs(*arguments: str | Path) -> list[str] | None:
    """None: no trace-cmd of version 3.4 or later is installed."""
    version = reference.tool_version()
    if version is None or version < (3, 4):
        return None
    done = reference.trace_cmd("report", *arguments)
    return done.stdout.decode().splitlines() if done else None


@pytest.mark.parametrize("lost", [5, -1])
@pytest.mark.parametrize(
    "start",
    [TimeExtend(1 << 28), TimeStamp(5000), Discarded(5, 16)],
    ids=lambda r: type(r).__name__,
)
def test_losses_before_what_is_no_event(
    start: TimeExtend | TimeStamp | Discarded, lost: int, tmp_path: Path
) -> None:
    """The reference forgets them where a page begins with something else."""
    pages = [Page(1000, [Event(0, tick(1))]), Page(2000, [start, Event(10, tick(2))], lost=lost)]
    path = tmp_path / "lost.dat"
    path.write_bytes(writer.Trace(buffers=[Buffer(cpus={0: pages})]).write().data)
    told = "CPU:0 [5 EVENTS DROPPED]" if lost > 0 else "CPU:0 [EVENTS DROPPED]"
    lines = ours("-i", path)
    assert lines.pop(2) == told
    assert theirs("-i", path) in (None, lines)


def test_hooks(tmp_path: Path) -> None:
    """The reference shows what `record -H` was told, above all."""
    path = tmp_path / "hooks.dat"
    hook = Hook("sched:sched_switch,next_pid,0/sched:sched_wakeup,pid,0")
    path.write_bytes(ticks(options=[hook]))
    lines = ours("-i", path)
    assert lines[0] == "cpus=1"
    shown = theirs("-i", path)
    assert shown is None or shown == [
        "start sched:sched_switch:next_pid (0) end sched:sched_wakeup:pid (0)", *lines
    ]  # fmt: skip


def test_filters_with_the_kernels_patterns(tmp_path: Path) -> None:
    """``~`` compares with a pattern of the shell, as the kernel's filters do."""
    records = [
        (1000, writer.SCHED_SWITCH.values(pid=17, prev_pid=17, next_pid=1, next_comm=b"bash")),
        (2000, writer.SCHED_SWITCH.values(pid=17, prev_pid=17, next_pid=2, next_comm=b"sh")),
    ]
    path = tmp_path / "switches.dat"
    path.write_bytes(made.one_cpu(records))
    arguments = ("-i", path, "-F", 'sched_switch:next_comm ~ "b*"')
    assert [line.split("==> ")[1] for line in ours(*arguments)[1:]] == ["bash:1 [0]"]
    assert theirs(*arguments) in (None, ["cpus=1"])


def test_offset_of_one_file(tmp_path: Path) -> None:
    """``--ts-offset`` is for the file before it, the first one among them."""
    one, two = tmp_path / "one.dat", tmp_path / "two.dat"
    one.write_bytes(ticks())
    two.write_bytes(ticks())

    def times(lines: list[str]) -> list[str]:
        return [" ".join(re.findall(r"^\w+|\d\.\d{6}(?=:)", line)) for line in lines[2:]]

    arguments = ("-i", one, "--ts-offset", "5000", "-i", two)
    assert times(ours(*arguments)) == [
        "two 0.000001", "two 0.000002", "one 0.000006", "one 0.000007",
    ]  # fmt: skip
    shown = theirs(*arguments)
    assert shown is None or times(shown) == [
        "one 0.000001", "two 0.000001", "one 0.000002", "two 0.000002",
    ]  # fmt: skip


def test_instances_alone(tmp_path: Path) -> None:
    """A version 6 file whose top buffer has no CPU at all."""
    pages = writer.fill_pages([(1000, tick(1))], MACHINE)
    buffers = [Buffer(name="a", cpus={0: pages}, cpu_count=1)]
    path = tmp_path / "instance.dat"
    path.write_bytes(writer.Trace(version=6, buffers=buffers, cpu_count=0).write().data)
    lines = ours("-i", path)
    assert lines[0] == "cpus=0"
    assert lines[1].startswith("a: ")
    shown = theirs("-i", path)
    assert shown is None or shown[0].startswith("File possibly truncated.")


def test_fields_that_cannot_be_read(tmp_path: Path) -> None:
    """To libtraceevent 1.9 that is no event; to us it has its other fields."""
    event = writer.EventFormat(
        "made",
        "half",
        1000,
        (Field("int a", 4, signed=True), Field("u16[][3] b", 4)),
        '"%d", REC->a',
    )
    path = tmp_path / "half.dat"
    text = event.text(MACHINE)
    records = [(1000, writer.EventFormat("made", "half", 1000, event.fields[:1], "").values(a=3))]
    pages = writer.fill_pages(records, MACHINE)
    buffers = [Buffer(cpus={0: pages})]
    path.write_bytes(writer.Trace(extra_formats={"made": [text]}, buffers=buffers).write().data)
    assert ours("-i", path)[1].endswith(": half:                 [FAILED TO PARSE] a=3")
    assert theirs("-i", path) in (None, ["cpus=1", UNKNOWN])


def test_elements_on_the_right(tmp_path: Path) -> None:
    """Libtraceevent 1.9 gives up an element behind an operator, which those before knew."""
    event = writer.EventFormat(
        "made", "sum", 1000, (Field("int a", 4, signed=True), Field("u8 r[4]", 4)),
        '"%d", REC->a + REC->r[1]',
    )  # fmt: skip
    pages = writer.fill_pages([(1000, event.values(a=3, r=b"\1\2\3\4"))], MACHINE)
    path = tmp_path / "sum.dat"
    trace = writer.Trace(events=[event], buffers=[Buffer(cpus={0: pages})])
    path.write_bytes(trace.write().data)
    line = ours("-i", path)[1]
    assert line.endswith(": sum:                  5")
    failed = line.removesuffix("5") + "[FAILED TO PARSE] a=3 r=ARRAY[01, 02, 03, 04]"
    assert theirs("-i", path) in (None, ["cpus=1", failed])


@pytest.mark.parametrize(("print_fmt", "value"), [
    ('"%d", REC->a ? 1 : 2 )', "1"), ('"%d", REC->a + 2 )', "5"),
    ('"%s", REC->a > 1 ? "x" : "y" )', "x"),
])  # fmt: skip
def test_a_parenthesis_too_many(print_fmt: str, value: str, tmp_path: Path) -> None:
    """Behind an operator the reference does not take it for the end, as it does behind a field."""
    event = writer.EventFormat("made", "stray", 1000, (Field("int a", 4, signed=True),), print_fmt)
    pages = writer.fill_pages([(1000, event.values(a=3))], MACHINE)
    path = tmp_path / "stray.dat"
    trace = writer.Trace(events=[event], buffers=[Buffer(cpus={0: pages})])
    path.write_bytes(trace.write().data)
    line = ours("-i", path)[1]
    assert line.endswith(f": stray:                {value}")
    assert ours("--kernel-text", "-i", path)[1] == line
    done = reference.trace_cmd("report", "-i", path)
    if done is not None:
        assert done.stdout.decode().splitlines()[-1].endswith("[FAILED TO PARSE] a=3")
