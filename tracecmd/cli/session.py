"""``tracecmd session``: who took part in a traced session, and what each vCPU did."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, Literal

from .._texts import one_line
from ..packages import MissingPackageError
from ._common import complain, print_json, trace_id_text, warn, warn_problems
from ._progress import Bar
from ._terminal import fit
from ._times import UsageError, add_window, warn_outside, window_of
from .plot import require_format

if TYPE_CHECKING:
    from ..session import Peer, Session, VCpuSummary


EXAMPLES = """examples:
  tracecmd session trace.dat trace-guest.dat      # who is host, who is guest
  tracecmd session --vcpus .                      # all files of a folder
  tracecmd session . --plot vcpus.html --start 205 --end 206.5
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "session",
        help="name the peers of a traced session: host, guests, vCPU threads",
        description="Open the files of one traced session, in any order, and say who is who, "
        "and what each vCPU did.",
        epilog=EXAMPLES,
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="trace files, or a folder of them")
    parser.add_argument(
        "--skip-strangers",
        action="store_true",
        help="leave files of other sessions out instead of refusing them",
    )
    parser.add_argument(
        "--vcpus",
        action="store_true",
        help="sum up each vCPU: time in each state, exits by reason, longest preemption",
    )
    parser.add_argument(
        "--plot",
        metavar="OUT",
        help="draw host CPUs, vCPUs and guests' tasks on one time axis, as tracecmd plot does: "
        "OUT.html, or OUT.png, OUT.svg (these need matplotlib: pip install 'tracecmd[plot]')",
    )
    add_window(parser, " of the plot")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Open and describe the session."""
    # Other commands start faster without.
    from ..session import open_session  # noqa: PLC0415
    from ..session.vcpu_timeline import not_recorded, summarize, unit_of  # noqa: PLC0415

    strangers: Literal["skip", "error"] = "skip" if arguments.skip_strangers else "error"
    try:
        window = window_of(arguments)
        if arguments.plot is not None:
            require_format(arguments.plot)
    except UsageError as error:
        complain(error)
        return 2
    code = 0
    with open_session(*arguments.files, strangers=strangers) as session:
        warn_problems(peer.trace for peer in session.peers)
        for path in session.strangers:
            warn(f"{path}: left out, of another session")
        description = describe(session)
        if arguments.vcpus:
            unit = "ns" if session.host is None else unit_of(session.host)
            with Bar(True) as bar:
                summaries = summarize(session, progress=bar.show)
            description["vcpu_states"] = [_vcpu(summary, unit) for summary in summaries]
            description["not_recorded"] = [each._asdict() for each in not_recorded(session)]
        if arguments.plot is not None:
            warn_outside(session, arguments.files[0], **window)
            try:
                with Bar(True) as bar:
                    session.plot(progress=bar.show, **window).save(arguments.plot)
            except (MissingPackageError, ValueError) as error:
                complain(error)
                code = 1
    if arguments.json:
        print_json(description)
    else:
        print_text(description)
    return code


def describe(session: Session) -> dict[str, Any]:
    """Collect everything as plain values."""
    return {
        "peers": [_peer(session, peer) for peer in session.peers],
        "vcpus": [vcpu._asdict() for vcpu in session.vcpus],
        "missing": list(session.missing),
        "strangers": list(session.strangers),
        "notes": list(session.notes),
    }


def _peer(session: Session, peer: Peer) -> dict[str, Any]:
    trace = peer.trace
    shift = trace.time_shift
    return {
        "name": peer.name,
        "role": peer.role,
        "path": trace.path,
        "trace_id": trace_id_text(trace.trace_id) if trace.trace_id else None,
        "clock": trace.clock,
        "cpus": trace.cpus,
        "uname": trace.uname,
        "synchronised_with": trace_id_text(shift.peer_trace_id) if shift else None,
        "vcpus": [
            {"vcpu": vcpu.vcpu, "host_pid": vcpu.host_pid}
            for vcpu in session.vcpus
            if peer.role == "guest" and vcpu.guest == peer.name
        ],
    }


def _vcpu(summary: VCpuSummary, unit: str) -> dict[str, Any]:
    longest = summary.longest_preemption
    return {
        **summary.vcpu._asdict(),
        "unit": unit,
        "traced": summary.traced,
        "states": dict(summary.states),
        "exits": dict(summary.exits),
        "longest_preemption": longest and {"start": longest[0], "duration": longest[1]},
        "guest_records": {"inside": summary.inside, "checkable": summary.checkable},
    }


def print_text(description: dict[str, Any]) -> None:
    """Print a description for people."""
    for peer in description["peers"]:
        title = "host" if peer["role"] == "host" else f"guest {one_line(peer['name'])}"
        print(f"{title}: {one_line(peer['path'])}")
        clock = one_line(peer["clock"]) or "not recorded"
        print(f"  trace ID {peer['trace_id'] or 'none'}, clock {clock}, CPUs: {peer['cpus']}")
        if peer["role"] == "guest":
            sync = peer["synchronised_with"]
            print(f"  time {'synchronised with ' + sync if sync else 'not synchronised'}")
        for vcpu in peer["vcpus"]:
            print(f"  vCPU {vcpu['vcpu']} -> host PID {vcpu['host_pid']}")
    for note in description["notes"]:
        print(f"note: {one_line(note)}")
    for vcpu in description.get("vcpu_states", ()):
        _print_vcpu(vcpu)
    for missing in description.get("not_recorded", ()):
        who = "the host" if missing["peer"] == "host" else f"guest {one_line(missing['peer'])}"
        print(
            fit(
                f"note: {who} did not record {' or '.join(missing['events'])}: record "
                f"{'it' if len(missing['events']) == 1 else 'them'} to know {missing['tells']}",
                sys.stdout,
            )
        )


def _print_vcpu(vcpu: dict[str, Any]) -> None:
    def length(value: int) -> str:
        return f"{value} cycles" if vcpu["unit"] == "cycles" else f"{value / 1e9:.9f} s"

    traced = vcpu["traced"]
    print(
        f"{one_line(vcpu['guest'])} vCPU {vcpu['vcpu']} (host PID {vcpu['host_pid']}): "
        f"traced {length(traced)}"
    )
    for state, time in vcpu["states"].items():
        print(f"  {state:<17}{time / traced if traced else 0:8.2%}  {length(time)}")
    exits = vcpu["exits"]
    listed = ", ".join(f"{one_line(reason)} {count}" for reason, count in exits.items())
    print(f"  exits: {sum(exits.values())}{f' ({listed})' if listed else ''}")
    longest = vcpu["longest_preemption"]
    if longest is None:
        print("  longest preemption: none")
    else:
        seconds, ns = divmod(longest["start"], 10**9)
        at = longest["start"] if vcpu["unit"] == "cycles" else f"{seconds}.{ns:09d}"
        print(f"  longest preemption: {length(longest['duration'])} at {at}")
    records = vcpu["guest_records"]
    print(
        f"  guest records between its KVM events: {records['checkable']}, "
        f"{records['inside']} of them between kvm_entry and kvm_exit"
    )
