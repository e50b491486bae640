"""What functions took, and in which stacks: calls, samples, time off the CPU."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Literal

from .. import _lowlevel, errors
from .._reading import Names, Numbers, Progress, Reader, Recording, Selection, Time
from .answer import BATCH_ROWS, Answer, Asked, all_sources, ask
from .flame import Flame
from .needs import find_event, of_one_buffer

__all__ = ["Calls", "Weight"]

Weight = Literal["self", "offcpu", "samples"]

_GRAPH = "ftrace:funcgraph_entry,ftrace:fgraph_retaddr_entry,ftrace:funcgraph_exit"
_NEEDS = {
    "functions": (_GRAPH + ",ftrace:function", "-p function_graph"),
    "self": (_GRAPH, "-p function_graph"),
    "offcpu": ("sched:sched_switch", "-e sched:sched_switch -T"),
    "samples": ("ftrace:kernel_stack", "-T"),
}


class Calls:
    """Answers from what the function tracers and stacks tell."""

    _recording: Recording

    def _answering(self, selection: Selection) -> Sequence[Reader]:
        """The files that the selection is of."""
        raise NotImplementedError

    def functions(
        self,
        *,
        by: str | Iterable[str] = (),
        start: Time = None,
        end: Time = None,
        cpus: Numbers = None,
        pids: Numbers = None,
        buffer: str | None = None,
        batch_rows: int = BATCH_ROWS,
        peers: Names = None,
        threads: int | None = None,
        progress: Progress = None,
    ) -> Answer:
        """What functions took, from the ``function_graph`` tracer; that of the most time first.

        A call counts where its entry and its exit are there, and no events were lost between them
        on any CPU (of an idle task, on its own). Nothing else is guessed: what was cut by losses
        or by the window's edges is counted apart.

            >>> with tracecmd.open("tests/data/k72-fgraph.dat") as trace:
            ...     name, _, calls, total, own, *_ = next(trace.functions().values())
            >>> name, calls, total, own
            ('do_sys_openat2', 6, 1736079, 122893)

        Columns:
            ``name`` text, of the kernel's symbol, else the address in hex; ``address`` uint64;
            with ``by="parent"`` ``parent`` text and ``parent_address`` uint64, the function that
            called it, null: there is none, or it is not known; with ``by="task"`` ``pid`` int32
            and ``task`` text, its saved name; with ``by="cpu"`` ``cpu`` uint32, where calls began;
            ``calls`` uint64; of these, in ns and uint64, ``total``, ``self`` (without the callees
            that were traced), ``min``, ``max``, and the percentiles ``p50``, ``p90`` and ``p99``
            (of the nearest rank, within 1/128 of the exact number, and exact below 128 ns);
            ``unmatched`` uint64, entries without exit, and exits without entry; ``lost`` uint64,
            calls with both, but maybe not with all events between.

            A call takes what the kernel measured: from ``calltime`` to ``rettime``. The
            ``function`` tracer tells calls alone, with parents: rows of its own, in which all
            from ``total`` on is null.

        Args:
            by: a row for each ``"parent"``, ``"task"`` or ``"cpu"`` of a function, or several.
            start, end: times in ns, the window that is looked at, ``start <= ts < end``; None: from
                the first record on, until the last. Only records in it are read.
            cpus: calls that began on these; None for all.
            pids: calls of these tasks; None for all.
            buffer: name of the buffer whose events count, "" for the top one; None: the first, in
                each file, that has such events.
            batch_rows, peers, threads, progress: as for :meth:`losses`.

        Raises:
            MissingEventError: (a KeyError) no file knows such events.
            KeyError: no buffer of that name.
            LimitError: what is known at once takes more memory than the file's budget.
            TypeError, ValueError: an argument cannot be what it is; the message names it.
            TraceError: the data cannot be read.
        """
        asked = Asked(
            start, end, cpus, pids, buffer, "timestamp", batch_rows, progress, peers, threads
        )
        return self._calls("functions", _by(by, ("parent", "task", "cpu")), asked)

    def flame(
        self,
        weight: Weight = "self",
        *,
        by: str | Iterable[str] = (),
        start: Time = None,
        end: Time = None,
        cpus: Numbers = None,
        pids: Numbers = None,
        buffer: str | None = None,
        peers: Names = None,
        progress: Progress = None,
    ) -> Flame:
        """Stacks and what they weigh, for flame graphs.

            >>> with tracecmd.open("tests/data/k72-fgraph.dat") as trace:
            ...     flame = trace.flame()
            >>> flame.folded().splitlines()[0]
            'mutex_unlock 842221'

        Args:
            weight: ``"self"``, ns in functions without their callees, from the ``function_graph``
                tracer as :meth:`functions` has them; below ``[unknown]`` where the caller was not
                seen. ``"offcpu"``, ns from a task's leaving a CPU, in ``sched_switch``, until it
                runs again: by the kernel's stack, where the record after says that, else by task.
                ``"samples"``, how often the kernel's stack was recorded, after whatever event.
                What may have lost events meanwhile is left out, and counted in
                :attr:`Flame.lost`.
            by: ``"task"`` or ``"cpu"``, or both: stacks begin with these.
            start, end, cpus, pids, buffer, peers, progress: as for :meth:`functions`.

        Raises:
            As :meth:`functions`.
        """
        if weight not in ("self", "offcpu", "samples"):
            raise ValueError(f"weight={weight!r}; it is 'self', 'offcpu' or 'samples'")
        asked = Asked(start, end, cpus, pids, buffer, "timestamp", BATCH_ROWS, progress, peers)
        answer = self._calls(weight, _by(by, ("task", "cpu")), asked)
        return Flame.of(answer, weight)

    def _calls(self, kind: str, by: Sequence[str], asked: Asked) -> Answer:
        selection = asked.selection(self._recording)
        readers = self._answering(selection)
        events, flags = _NEEDS[kind]
        if readers and not any(find_event(readers, name) for name in events.split(",")):
            raise errors.MissingEventError(
                f"{events.partition(',')[0]} was not recorded; trace-cmd record {flags} does that",
                path=readers[0].path if len(readers) == 1 else None,
            )
        sources = of_one_buffer(all_sources(readers, selection), events, selection)
        symbols = {reader.data: reader.symbols for reader in readers}
        make = partial(_lowlevel.analyses.calls, kind=kind, by=by, symbols=symbols)
        return ask(readers, sources, selection, asked, kind, make)


def _by(by: str | Iterable[str], choices: Sequence[str]) -> tuple[str, ...]:
    """What is asked for, in the order of columns."""
    names = {by} if isinstance(by, str) else set(by)
    if names - set(choices):
        raise ValueError(f"by={by!r}; it is any of {', '.join(choices)}")
    return tuple(name for name in choices if name in names)
