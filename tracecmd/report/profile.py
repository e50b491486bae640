"""Where tasks spend their time: the tables of ``trace-cmd report --profile``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

from .. import _arguments, _lowlevel
from .._reading import (
    Excluded,
    Numbers,
    Progress,
    Reader,
    ReadOptions,
    Recording,
    Request,
    Selection,
    Time,
    make_walk,
    watch,
)
from ..errors import CorruptError
from ..options import Hook, OptionId
from .options import ReportOptions
from .symbols import Symbols, make_symbols
from .text import begin, chosen, with_stacks

__all__ = ["ProfileOptions", "Profiles", "write_profile"]


class ProfileOptions(NamedTuple):
    """Options of trace-cmd-report(1) for ``--profile``.

    Attributes:
        hooks: -H, pairs of events to be joined, besides those of the file's option HOOK:
            ``[SYSTEM:]EVENT,FIELD[,PID]/[SYSTEM:]EVENT,FIELD[,FLAGS]``. Where one has an event of
            another, the first counts; those of the file go before all.
        interrupts_by_cpu: -G, interrupts belong to CPUs instead of the tasks they come in.
        by_comm: --by-comm, one table for all tasks of a name.
    """

    hooks: Sequence[str | Hook] = ()
    interrupts_by_cpu: bool = False
    by_comm: bool = False


class Profiles:
    """The method that files and sessions have."""

    _recording: Recording

    def _readers(self, selection: Selection) -> Sequence[Reader]:
        """The files that the selection is of."""
        raise NotImplementedError

    def profile(
        self,
        *,
        hooks: str | Hook | Iterable[str | Hook] = (),
        interrupts_by_cpu: bool = False,
        by_comm: bool = False,
        kallsyms: str | os.PathLike[str] | None = None,
        filters: str | Iterable[str] = (),
        filters_out: str | Iterable[str] = (),
        exclude: Excluded = None,
        cpus: Numbers = None,
        start: Time = None,
        end: Time = None,
        progress: Progress = None,
    ) -> Iterator[bytes]:
        """Give what ``trace-cmd report --profile`` prints, piece by piece: trace-cmd-profile(1).

        Of each task its events, and how often they came. Of events that others end (system calls,
        interrupts, functions, waits and the times off a CPU before them) also how long that took,
        altogether, on average, at most and at least, in ns, and when the last two ended; with
        stacks, if there are any, as a tree. Of a session the tables of its files follow each
        other, the last file's first.

            >>> with tracecmd.open("tests/data/i386-v6.dat") as trace:
            ...     lines = b"".join(trace.profile()).decode().splitlines()
            >>> place = lines.index("task: rcu_preempt-15")
            >>> for line in lines[place : place + 4]:
            ...     print(line[:70])
            task: rcu_preempt-15
              Event: sched_switch:K (35) Total: 238657613 Avg: 6818788 Max: 194735
              Event: sched_wakeup:0xf (35) Total: 4282039 Avg: 122343 Max: 1344016
              Event: sched_stat_runtime:0x0 (36)

        Args:
            hooks: pairs of events to be joined, besides those that are known, and those that were
                recorded with ``-H``: ``[SYSTEM:]EVENT,FIELD[,PID]/[SYSTEM:]EVENT,FIELD[,FLAGS]``.
                The fields join them; PID is a field of the first that names the task it is about.
                Flags: ``p``, both are of one CPU; ``g``, of no task.
            interrupts_by_cpu: interrupts belong to CPUs, not to the tasks they come in (-G).
            by_comm: tasks of one name make one table.
            kallsyms: a file like /proc/kallsyms whose symbols are added to those recorded.
            filters, filters_out, exclude, cpus, start, end, progress: as for :meth:`report`.

        Raises:
            FilterError: (a ValueError) a filter cannot be read, or fits no event of a file.
            LimitError: what is open at once takes more than the budget.
            OSError: kallsyms cannot be read.
            ValueError: a hook cannot be read, or is of events or fields that are not there.
        """
        selection = Selection(self._recording, exclude=exclude, cpus=cpus, start=start, end=end)
        readers = self._readers(selection)
        own = make_symbols(readers, ReportOptions(kallsyms=kallsyms))
        sources = chosen(
            readers,
            selection,
            own,
            _arguments.names("filters", filters) or (),
            _arguments.names("filters_out", filters_out) or (),
        )
        request = Request.of(readers, sources, selection, ReadOptions(progress=progress))
        given = (hooks,) if isinstance(hooks, str | Hook) else tuple(hooks)
        options = ProfileOptions(given, interrupts_by_cpu, by_comm)
        return write_profile(request, readers, own, options)


def write_profile(
    request: Request, readers: Sequence[Reader], symbols: Symbols, options: ProfileOptions
) -> Iterator[bytes]:
    """Give the profile piece by piece; arguments as those of write_report().

    Raises:
        ValueError: at once, a hook cannot be read, or is of events or fields that are not there.
    """
    request = with_stacks(request)
    place = {
        id(reader): own or reader.symbols for reader, own in zip(readers, symbols, strict=True)
    }
    profile = _lowlevel.Profile(
        [_lowlevel.AnalysisSource(each.reader.data, each.stream) for each in request.sources],
        [place[id(each.reader)] for each in request.sources],
        by_cpu=options.interrupts_by_cpu,
        by_comm=options.by_comm,
    )
    _add_hooks(profile, request, [_parts(hook) for hook in options.hooks])
    return _pieces(profile, request, begin(request, readers, symbols))


def _parts(hook: str | Hook) -> _lowlevel.HookParts:
    if isinstance(hook, str):
        return _lowlevel.parse_hook(hook)
    if not isinstance(hook, Hook):
        raise TypeError(f"hooks: {hook!r}; it is a text or a Hook")
    return (*hook.start,), (*hook.end,), hook.pid_field, int(hook.flags)


def _add_hooks(
    profile: _lowlevel.Profile, request: Request, hooks: Sequence[_lowlevel.HookParts]
) -> None:
    """Those that were asked for, and each file's own; the last one that has an event counts."""
    firsts = {
        id(source.reader): place for place, source in reversed(list(enumerate(request.sources)))
    }
    for hook in reversed(hooks):
        missing = [error for place in firsts.values() if (error := _add(profile, place, hook))]
        if missing and len(missing) == len(firsts):
            raise missing[0]
    for place in firsts.values():
        for hook in reversed(_recorded(request.sources[place].reader)):
            _add(profile, place, hook)


def _add(profile: _lowlevel.Profile, place: int, hook: _lowlevel.HookParts) -> ValueError | None:
    try:
        profile.add_hook(place, hook)
    except ValueError as error:
        return error
    return None


def _recorded(reader: Reader) -> list[_lowlevel.HookParts]:
    """Hooks of record -H; those that cannot be read are no hooks."""
    hooks = []
    for index in range(reader.file.option_count_id(OptionId.HOOK)):
        try:
            hooks.append(reader.file.hook(index))
        except CorruptError:
            continue
    return hooks


def _pieces(profile: _lowlevel.Profile, request: Request, head: bytes) -> Iterator[bytes]:
    with closing(profile):
        yield head
        with closing(make_walk(request, request.start, request.end)) as walk:
            for _ in watch(request, walk, lambda: profile.next(walk)):
                pass
        while text := profile.text():
            yield text
