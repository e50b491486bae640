"""Who is who: which of some files is the host's, which are its guests', which of neither."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from .. import errors
from .._reading import Recording
from ..trace import Trace
from .claims import Claims, claim_notes
from .session import Session

__all__ = ["assemble"]

NO_CLAIMS = Claims({}, ())


def _listed(trace: Trace) -> set[int]:
    return {guest.trace_id for guest in trace.guests}


def _peer_id(trace: Trace) -> int:
    """Trace ID of the host that a guest's clock was compared with; 0 if it was not."""
    return 0 if trace.time_shift is None else trace.time_shift.peer_trace_id


def _belongs(trace: Trace, host: Trace) -> bool:
    if trace.trace_id == 0:
        return False
    return trace.trace_id in _listed(host) or (
        host.trace_id != 0 and _peer_id(trace) == host.trace_id
    )


def _find_host(traces: list[Trace]) -> Trace | None:
    """Find the file that knows others as its guests; None if none does.

    Raises:
        SessionError: several do, and none of them is above the others.
    """
    hosts = [t for t in traces if any(_belongs(g, t) for g in traces if g is not t)]
    if not hosts:  # a host whose guests' files were not given, or are all strangers
        hosts = [t for t in traces if t.guests]
    top = [t for t in hosts if not any(_belongs(t, h) for h in hosts if h is not t)]
    if len(top) > 1:
        raise errors.SessionError(
            f"this file and {top[0].path} both are hosts of guests", path=top[1].path
        )
    return top[0] if top else None


def _split(traces: list[Trace], host: Trace | None) -> tuple[list[Trace], list[Trace]]:
    """Divide all but the host into its guests and strangers."""
    others = [t for t in traces if t is not host]
    if host is not None:
        guests = [t for t in others if _belongs(t, host)]
    else:
        # No host's file: guests whose clocks were compared with one host make the session. Of
        # several such groups the largest counts, of equal ones the first in order of file name.
        groups: dict[int, list[Trace]] = {}
        for trace in sorted(others, key=lambda t: t.path):
            groups.setdefault(_peer_id(trace), []).append(trace)
        known = [group for peer, group in groups.items() if peer]
        guests = max(known, key=len) if known else []
    return guests, [t for t in others if t not in guests]


def _check_twins(traces: list[Trace]) -> None:
    """Refuse the same recording given twice: no answer about it would be clear."""
    seen: dict[int, Trace] = {}
    for trace in traces:
        if trace.trace_id and trace.trace_id in seen:
            first = seen[trace.trace_id].path
            raise errors.SessionError(
                f"has the same trace ID {trace.trace_id:#x} as {first}", path=trace.path
            )
        seen[trace.trace_id] = trace


def _file_name(trace: Trace) -> str:
    """Guest's name by its file, as trace-cmd names it: trace-NAME.dat."""
    return Path(trace.path).stem.removeprefix("trace-")


def _name_guests(host: Trace | None, guests: list[Trace]) -> dict[str, Trace]:
    """Name the guests as the host's options do, or by file; in the order of their files' names.

    Of two guests of one name the one that the host lists first keeps it.
    """
    listed = {guest.trace_id: i for i, guest in enumerate(host.guests)} if host else {}
    names: dict[str, Trace] = {}
    for trace in sorted(guests, key=lambda t: (listed.get(t.trace_id, len(listed)), t.path)):
        name = ""
        if host is not None and trace.trace_id in listed:
            name = host.guest_cpumap(trace.trace_id).name
        name = name or _file_name(trace)
        while name in names:  # the trace ID tells them apart
            name = f"{name}@{trace.trace_id:x}"
        names[name] = trace
    return dict(sorted(names.items(), key=lambda item: item[1].path))


def _notes(host: Trace | None, guests: Mapping[str, Trace], missing: Iterable[str]) -> list[str]:
    notes = []
    if host is None:
        notes.append("no host's file: vCPUs cannot be mapped to host threads")
    elif not guests:
        notes.append("no guest's file: a host alone")
    notes += [f"guest {name!r}: its file is not here" for name in missing]
    for name, trace in guests.items():
        if host is not None and trace.trace_id not in _listed(host):
            notes.append(f"guest {name!r}: known by its clock only, the host does not list it")
        elif host is not None and not host.guest_cpumap(trace.trace_id).vcpu_count:
            notes.append(f"guest {name!r}: which host threads ran its vCPUs is not recorded")
        if trace.time_shift is None:
            notes.append(f"guest {name!r}: no time synchronisation, its clock stands alone")
        elif host is not None and _peer_id(trace) != host.trace_id:
            notes.append(f"guest {name!r}: its clock was compared with another host's")
        if not trace.path.startswith("<fd ") and name != _file_name(trace):
            notes.append(f"guest {name!r}: its file is named {Path(trace.path).name!r}")
    return notes


def _name_others(others: Iterable[Trace], taken: Iterable[str]) -> dict[str, Trace]:
    """Name files of no session by their own names, in the order given."""
    names = {"host", *taken}
    named: dict[str, Trace] = {}
    for trace in others:
        first = _file_name(trace)
        name = next(
            each
            for each in itertools.chain([first], (f"{first}-{n}" for n in itertools.count(2)))
            if each not in names
        )
        names.add(name)
        named[name] = trace
    return named


def _refuse_strangers(host: Trace | None, guests: list[Trace], others: list[Trace]) -> None:
    if host is None and not guests:
        raise errors.SessionError(
            "no file of a session: none lists guests, none was synchronised with a host",
            path=others[0].path,
        )
    if others:
        raise errors.SessionError(
            f"trace ID {others[0].trace_id:#x} does not belong to the session of "
            f"{(host or guests[0]).path}",
            path=others[0].path,
        )


def assemble(
    traces: list[Trace],
    recording: Recording,
    strangers: Literal["error", "skip", "include"],
    *,
    sync: bool,
    claims: Claims = NO_CLAIMS,
) -> Session:
    """Make a session of files that are open; those that do not belong to it are closed or included.

    Raises:
        SessionError: they do not make one session.
    """
    _check_twins(traces)
    host = _find_host(traces)
    guests, others = _split(traces, host)
    if host is None and not guests and len(traces) == 1:
        host, others = traces[0], []  # a recording without guests is a session of one
    if strangers == "error" or (strangers == "skip" and host is None and not guests):
        _refuse_strangers(host, guests, others)
    if strangers == "skip":
        for trace in others:
            trace.close()
    here = {trace.trace_id for trace in guests}
    missing = [g.name for g in host.guests if g.trace_id not in here] if host else []
    named = _name_guests(host, guests)
    if claims.vcpus and host is None:
        raise errors.SessionError("vcpus: there is no file of the host")
    notes = _notes(host, named, missing) if host or named else []
    included = _name_others(others, named) if strangers == "include" else {}
    return Session(
        host,
        named,
        recording,
        others=included,
        strangers=[] if included else [trace.path for trace in others],
        missing=missing,
        notes=[*notes, *claim_notes(traces, claims)],
        sync=sync,
        claimed=claims.offsets,
        vcpus=claims.vcpus,
    )
