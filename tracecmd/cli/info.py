"""``tracecmd info``: what a file holds, as ``trace-cmd dump --summary`` and ``--options`` tell."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

from .._texts import one_line
from ..options import Guest, Option, OptionId, TimeShift
from ..trace import Trace
from ._common import add_files, describe_files, trace_id_text, warn_problems

SECTIONS = {
    OptionId.HEADER_INFO: "header_page, header_event",
    OptionId.FTRACE_EVENTS: "ftrace event formats",
    OptionId.EVENT_FORMATS: "event formats",
    OptionId.KALLSYMS: "kallsyms",
    OptionId.PRINTK: "printk_formats",
    OptionId.CMDLINES: "saved_cmdlines",
    OptionId.BTF_FILE: "types (BTF)",
    OptionId.MODULES_FILE: "modules",
}


EXAMPLES = """examples:
  tracecmd info trace.dat
  tracecmd info --options --json trace.dat        # every option, for programs
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "info",
        help="tell what a trace file holds",
        description="Tell what trace files hold: format, machine, clock, peers, buffers, sections.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--options", action="store_true", help="list every option, too")
    add_files(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Describe each file."""

    def look(trace: Trace) -> dict[str, Any]:
        warn_problems([trace])
        return describe(trace, options=arguments.options)

    return describe_files(arguments, look, print_text)


# What there is to tell -----------------------------------------------------------------------


def describe(trace: Trace, *, options: bool) -> dict[str, Any]:
    """Collect everything as plain values."""
    description = {
        "path": trace.path,
        "size": trace.file_size,
        "version": trace.version,
        "byteorder": trace.byteorder,
        "long_size": trace.long_size,
        "page_size": trace.page_size,
        "compression": trace.compression,
        "compression_version": trace.compression_version,
        "uname": trace.uname,
        "recorder": trace.recorder,
        "cpus": trace.cpus,
        "clock": trace.clock,
        "trace_id": trace_id_text(trace.trace_id) if trace.trace_id else None,
        "tsc2nsec": trace.tsc2nsec._asdict() if trace.tsc2nsec else None,
        "date_offset": trace.date_offset,
        "ts_offset": trace.ts_offset,
        "time_shift": _time_shift(trace),
        "guests": [
            {
                "name": guest.name,
                "trace_id": trace_id_text(guest.trace_id),
                "cpu_pid": list(guest.cpu_pid),
            }
            for guest in trace.guests
        ],
        "buffers": [
            {
                "name": buffer.name,
                "clock": buffer.clock,
                "page_size": buffer.page_size,
                "text": buffer.is_text,
                "offset": buffer.offset,
                "size": buffer.size,
                "cpus": [area._asdict() for area in buffer.cpus],
            }
            for buffer in trace.buffers
        ],
        "sections": _sections(trace),
        "problems": [str(problem) for problem in trace.problems],
    }
    if options:
        description["options"] = _options(trace)
    return description


def _time_shift(trace: Trace) -> dict[str, Any] | None:
    shift = trace.time_shift
    if shift is None:
        return None
    return {
        "peer_trace_id": trace_id_text(shift.peer_trace_id),
        "interpolate": shift.interpolate,
        "samples": [len(cpu) for cpu in shift.cpus],
    }


def _sections(trace: Trace) -> list[dict[str, Any]]:
    """Sizes as dump --summary gives them: bytes of a text, number of events or systems."""
    formats = trace.event_formats
    systems = {entry.system for entry in formats} - {"ftrace"}
    sizes = {
        OptionId.HEADER_INFO: f"{len(trace.header_page)} and {len(trace.header_event)} bytes",
        OptionId.FTRACE_EVENTS: f"{sum(f.system == 'ftrace' for f in formats)} events",
        OptionId.EVENT_FORMATS: (
            f"{sum(f.system != 'ftrace' for f in formats)} events of {len(systems)} systems"
        ),
        OptionId.KALLSYMS: f"{len(trace.kallsyms)} bytes",
        OptionId.PRINTK: f"{len(trace.printk_formats)} bytes",
        OptionId.CMDLINES: f"{len(trace.saved_cmdlines)} bytes",
    }
    if trace.options.count(OptionId.BTF_FILE):
        types = f"{len(trace.btf)} types" if trace.btf else "unreadable"
        sizes[OptionId.BTF_FILE] = types
    if trace.options.count(OptionId.MODULES_FILE):
        sizes[OptionId.MODULES_FILE] = f"{len(trace.modules)} modules"
    return [{"name": SECTIONS[section], "size": size} for section, size in sizes.items()]


def _options(trace: Trace) -> list[dict[str, Any]]:
    seen: Counter[int] = Counter()
    listed = []
    for option in trace.options:
        listed.append(
            {
                "id": int(option.id),
                "name": option.name,
                "offset": option.offset,
                "size": len(option.data),
                "value": _value(trace, option, seen[option.id]),
            }
        )
        seen[option.id] += 1
    return listed


def _value(trace: Trace, option: Option, occurrence: int) -> str:
    """An option's payload as people read it: text, number, or hexadecimal bytes."""
    texts = {
        OptionId.DATE, OptionId.CPUSTAT, OptionId.TRACECLOCK, OptionId.UNAME, OptionId.HOOK,
        OptionId.OFFSET, OptionId.VERSION, OptionId.PROCMAPS, OptionId.LAST_BOOT_INFO,
    }  # fmt: skip
    numbers = {OptionId.CPUCOUNT, *SECTIONS}
    if option.id in texts:
        return option.data.split(b"\0", 1)[0].decode(errors="backslashreplace").strip("\n")
    if option.id == OptionId.TRACEID:
        return f"{int.from_bytes(option.data[:8], trace.byteorder):#x}"
    if option.id in numbers:
        return str(int.from_bytes(option.data[:8], trace.byteorder))
    if option.id == OptionId.GUEST and len(trace.guests) == trace.options.count(OptionId.GUEST):
        return _guest_value(trace.guests[occurrence])
    if option.id == OptionId.TSC2NSEC and trace.tsc2nsec:
        return "mult {}, shift {}, offset {}".format(*trace.tsc2nsec)
    if option.id == OptionId.TIME_SHIFT and trace.time_shift:
        return _time_shift_value(trace.time_shift)
    return option.data.hex(" ") if len(option.data) <= 64 else option.data[:64].hex(" ") + " ..."


def _guest_value(guest: Guest) -> str:
    lines = [f"{guest.name}, trace ID {trace_id_text(guest.trace_id)}"]
    return "\n".join(lines + [f"vCPU {i}: host PID {pid}" for i, pid in enumerate(guest.cpu_pid)])


def _time_shift_value(shift: TimeShift) -> str:
    lines = [f"against {trace_id_text(shift.peer_trace_id)}"]
    for cpu, samples in enumerate(shift.cpus):
        lines += [
            f"CPU {cpu}: time {s.time}, offset {s.offset}, scaling {s.scaling}, "
            f"fraction {s.fraction}"
            for s in samples
        ]
    return "\n".join(lines)


# How it is printed ---------------------------------------------------------------------------


def print_text(description: dict[str, Any]) -> None:
    """Print a description for people."""
    print(one_line(description["path"]))
    for name, value in _facts(description):
        print(f"  {name + ':':<14}{one_line(value)}")
    _print_guests(description)
    _print_buffers(description)
    print("  sections:")
    for section in description["sections"]:
        print(f"    {section['name']:<26} {section['size']}")
    if "options" in description:
        _print_options(description)


def _facts(description: dict[str, Any]) -> list[tuple[str, str]]:
    compression = f"{description['compression']} {description['compression_version']}".strip()
    facts = [
        (
            "format",
            f"version {description['version']}, {description['byteorder']}-endian, "
            f"{description['long_size']}-byte long, {description['page_size']}-byte pages, "
            f"compression {compression}",
        ),
        ("size", f"{description['size']} bytes"),
        ("machine", description["uname"] or "not recorded"),
        ("recorder", f"trace-cmd {description['recorder']}" if description["recorder"] else "?"),
        ("cpus", str(description["cpus"])),
        ("clock", description["clock"] or "not recorded"),
        ("trace ID", description["trace_id"] or "none"),
    ]
    tsc = description["tsc2nsec"]
    if tsc:
        facts.append(("tsc2nsec", f"mult {tsc['mult']}, shift {tsc['shift']}"))
    for name, key in (("date offset", "date_offset"), ("time offset", "ts_offset")):
        if description[key]:
            facts.append((name, f"{description[key]} ns"))
    shift = description["time_shift"]
    if shift:
        facts.append(
            (
                "time shift",
                f"against {shift['peer_trace_id']}, samples per CPU: "
                f"{', '.join(map(str, shift['samples']))}"
                + (", interpolated" if shift["interpolate"] else ""),
            )
        )
    return facts


def _print_guests(description: dict[str, Any]) -> None:
    if not description["guests"]:
        return
    print("  guests:")
    for guest in description["guests"]:
        pids = ", ".join(map(str, guest["cpu_pid"])) or "not recorded"
        print(f"    {one_line(guest['name'])}  {guest['trace_id']}  host threads: {pids}")


def _print_buffers(description: dict[str, Any]) -> None:
    print("  buffers:")
    for buffer in description["buffers"]:
        name = one_line(buffer["name"]) or "(top)"
        clock = f", clock {one_line(buffer['clock'])}" if buffer["clock"] else ""
        if buffer["text"]:
            print(f"    {name}{clock}: text of a latency tracer, {buffer['size']} bytes")
            continue
        print(f"    {name}{clock}, {buffer['page_size']}-byte pages:")
        if not buffer["cpus"]:
            print("      no data")
        for area in buffer["cpus"]:
            print(f"      CPU {area['cpu']}: {area['size']} bytes at {area['offset']}")


def _print_options(description: dict[str, Any]) -> None:
    print("  options:")
    for option in description["options"]:
        place = f"{option['size']} bytes at {option['offset']}"
        print(f"    {option['id']:>3} {option['name']}, {place}")
        for line in option["value"].splitlines():
            print(f"          {one_line(line)}")
