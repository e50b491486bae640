"""What is drawn of a session: host CPUs, and of each vCPU its state and the guest's task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._reading import Names, Progress, reporter
from .._texts import one_line
from ..errors import MissingEventError
from ..plot.colours import IDLE, OTHER, REST, TASKS, Shade
from ..plot.columns import batches_of
from ..plot.machine import LOSSES, RUN, RUNNING, Asked, losses_of, states_of, within
from ..plot.scene import Detail, Kind, Lane, Rule, Scene, Section, Table
from .vcpu_timeline import Timeline

if TYPE_CHECKING:
    from .session import Session, VCpu

__all__ = ["scene_of"]

COLUMNS = ("guest", "vcpu", "host_pid", "host_cpu", "start", "end", "state", "guest_pid",
           "guest_comm", "exit_reason")  # fmt: skip
ROWS = 65536  # read at once
PICTURED = 200  # lanes of vCPUs in a picture: more cannot be told apart

STATES = {
    "running-in-guest": Shade("running in the guest", "green"),
    "running-in-host": Shade("running in the host", "sky"),
    "preempted": Shade("preempted", "vermillion"),
    "blocked": Shade("blocked: nothing to do", "idle"),
    "unknown": REST,
}
VCPU = (
    Detail("vCPU", "vcpu"),
    Detail("guest", "guest"),
    Detail("state", "state"),
    Detail("left the guest for", "exit_reason"),
    Detail("host CPU", "host_cpu"),
    Detail("guest task", "guest_comm"),
    Detail("guest PID", "guest_pid"),
)


def scene_of(session: Session, guests: Names, asked: Asked) -> Scene:
    """Find what is to be drawn.

    Raises:
        ValueError: there is nothing to draw: no host, no records, or none at those times.
        UnknownGuestError, TypeError, TraceError: as :meth:`Session.timeline` does.
    """
    host = session.host
    whole = session.timeline(guests=guests)._question()
    vcpus, asks = whole.vcpus, whole.asked
    if host is None or not vcpus:
        raise ValueError("nothing to draw: no records of a host that knows its guests' vCPUs")
    start, end = within(asked, asks.start, asks.end)
    tables = [_timeline(session, guests, start, end, asked.progress)]
    kinds = [_STATES, _tasks(session, vcpus)]
    sources = [source for source in whole.sources if source.reader is host._reader]
    if asks.switches:
        states = host.sched.states(start=start, end=end, ts="uint64")
        sources = [*states._question.request.sources]
        tables.append(states_of(states, RUNNING))
        others = [vcpu for vcpu in session.vcpus if vcpu not in vcpus]
        kinds.append(_cpus([*vcpus, *others]))
    else:
        kinds.append(_cpus_by_kvm(vcpus))
    tables.append(losses_of(host, start, end, sources[0].buffer))
    kinds.append(LOSSES._replace(table=len(tables) - 1))
    cpus = sorted({source.cpu for source in sources})
    return Scene(
        ", ".join(["host", *map(one_line, dict.fromkeys(v.guest for v in vcpus))]),
        start,
        end,
        host._time_unit,
        tuple(tables),
        tuple(kinds),
        (
            Section("Host", tuple(Lane(f"host CPU {cpu}", 2, (cpu,), 3) for cpu in cpus)),
            Section("vCPUs", tuple(_lanes(vcpus)), PICTURED),
        ),
    )


def _timeline(session: Session, guests: Names, start: int, end: int, progress: Progress) -> Table:
    timeline = Timeline(session, guests=guests, start=start, end=end)
    question = timeline._question(raw_values=True)
    schema = question.schema()
    return Table(lambda: batches_of(schema, question.arrays(ROWS, reporter(progress)), COLUMNS))


def _lanes(vcpus: Sequence[VCpu]) -> list[Lane]:
    """Of each vCPU two: its state, and the guest's task."""
    lanes = []
    for vcpu in vcpus:
        name = f"{one_line(vcpu.guest)}/{vcpu.vcpu}"
        key = (one_line(vcpu.guest), vcpu.vcpu)
        lanes += [Lane(f"{name} state", 0, key), Lane(f"{name} task", 1, key)]
    return lanes


_STATES = Kind(
    "A vCPU is",
    0,
    ("guest", "vcpu"),
    None,
    tuple(STATES.values()),
    (Rule("state", tuple((state, place) for place, state in enumerate(STATES))),),
    list(STATES).index("unknown"),
    "exit_reason",
    VCPU,
)


def _tasks(session: Session, vcpus: Sequence[VCpu]) -> Kind:
    """What vCPUs ran in the guest, in the colours of the tasks that ran longest in all."""
    ran: Counter[str] = Counter()
    for guest in dict.fromkeys(vcpu.guest for vcpu in vcpus):
        try:
            sums = session.guests[guest].sched.tasks()
        except MissingEventError:
            continue
        for row in sums.values():
            ran[one_line(row[1])] += row[2]
    names = [name for name, _ in ran.most_common(len(TASKS))]
    shades = [Shade(name, colour) for name, colour in zip(names, TASKS, strict=False)]
    shades += [OTHER, IDLE, REST]
    other, idle, rest = range(len(names), len(shades))
    return Kind(
        "Guest task",
        0,
        ("guest", "vcpu"),
        None,
        tuple(shades),
        (
            Rule("guest_pid", ((0, idle), (None, rest))),
            Rule("guest_comm", tuple((name, place) for place, name in enumerate(names)), other),
        ),
        rest,
        "guest_comm",
        VCPU,
        ("guest_comm", "guest_pid"),
    )


def _vcpu_shades(vcpus: Sequence[VCpu]) -> list[Shade]:
    shades = [
        Shade(f"{one_line(vcpu.guest)}/{vcpu.vcpu}", colour)
        for vcpu, colour in zip(vcpus, TASKS, strict=False)
    ]
    if len(vcpus) > len(TASKS):  # the last colour is for all others
        shades[-1] = Shade("other vCPUs", TASKS[-1])
    return shades


def _cpus(vcpus: Sequence[VCpu]) -> Kind:
    """What host CPUs ran: the thread of one of all vCPUs, or there was no vCPU there."""
    shades = _vcpu_shades(vcpus)
    last = len(shades) - 1
    threads = {vcpu.host_pid: min(place, last) for place, vcpu in enumerate(vcpus)}
    other, idle, rest = range(len(shades), len(shades) + 3)
    shades += [
        Shade("no vCPU here: another task", OTHER.colour),
        Shade("no vCPU here: idle", IDLE.colour),
        REST,
    ]
    rules = (Rule("pid", (*threads.items(), (0, idle), (None, rest)), other),)
    return Kind(
        "On a host CPU", 1, ("cpu",), RUNNING, tuple(shades), rules, rest, "name", RUN,
        ("name", "pid"),
    )  # fmt: skip


def _cpus_by_kvm(vcpus: Sequence[VCpu]) -> Kind:
    """The same where the host recorded no switches: what else ran is not known."""
    shades = _vcpu_shades(vcpus)
    last = len(shades) - 1
    threads = {vcpu.host_pid: min(place, last) for place, vcpu in enumerate(vcpus)}
    return Kind(
        "On a host CPU",
        0,
        ("host_cpu",),
        None,
        (*shades, REST),
        (Rule("host_pid", tuple(threads.items()), last),),
        len(shades),
        "guest",
        VCPU,
    )
