"""``tracecmd session``: who took part in a traced session, on which clock, on which threads."""

from __future__ import annotations

import argparse
from typing import Any, Literal

from ..session import Peer, Session, open_session
from ._common import one_line, print_json, trace_id_text, warn, warn_problems


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "session",
        help="name the peers of a traced session: host, guests, vCPU threads",
        description="Open the files of one traced session, in any order, and say who is who.",
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="trace files, or a folder of them")
    parser.add_argument(
        "--skip-strangers",
        action="store_true",
        help="leave files of other sessions out instead of refusing them",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Open and describe the session."""
    strangers: Literal["skip", "error"] = "skip" if arguments.skip_strangers else "error"
    with open_session(*arguments.files, strangers=strangers) as session:
        warn_problems(peer.trace for peer in session.peers)
        for path in session.strangers:
            warn(f"{path}: left out, of another session")
        description = describe(session)
    if arguments.json:
        print_json(description)
    else:
        print_text(description)
    return 0


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
