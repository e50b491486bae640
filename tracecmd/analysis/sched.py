"""What tasks did, from the scheduler's events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from .. import _arguments, _lowlevel
from .._reading import Names, Numbers, Progress, Reader, Recording, Selection, Time
from .answer import BATCH_ROWS, Answer, Asked, Times, all_sources, ask
from .meanwhile import Meanwhile
from .needs import of_one_buffer, require
from .wakers import Wakers

__all__ = ["Latencies", "Sched"]

SWITCH = "sched:sched_switch"
WAKES = ("sched:sched_waking", "sched:sched_wakeup")
Readers = Callable[[Selection], Sequence[Reader]]


class Sched:
    """Questions about tasks: :attr:`Trace.sched`, :attr:`Session.sched`.

    They are answered from ``sched_switch``, and as far as they were recorded ``sched_waking``,
    ``sched_wakeup``, ``sched_wakeup_new``, ``sched_migrate_task``, ``task_rename`` and
    ``sched_process_exec``. All take:

    Args:
        start, end: times in ns, the window that is looked at, ``start <= ts < end``; None: from
            the first record on, until the last. Only records in it are read.
        cpus: rows of these; None for all. Records of all CPUs are read.
        pids: rows of these tasks; None for all.
        buffer: name of the buffer whose events count, "" for the top one; None: the first, in
            each file, that has a ``sched_switch``.
        ts: type of the columns of times, as for :meth:`Trace.table`.
        batch_rows: about how many rows a batch has.
        peers, threads: of a session; see :class:`Session`.
        progress: called now and then with work done and all work, in pages.

    and raise:

    Raises:
        MissingEventError: (a KeyError) an event that is needed was not recorded. Of a session
            files without it have no rows; it is raised where all lack it.
        KeyError: no buffer of that name.
        LimitError: what is known at once takes more memory than the file's budget.
        TypeError, ValueError: an argument cannot be what it is; the message names it.
        TraceError: the data cannot be read.

    Nothing is guessed. A task's state is known from a record until the next one of it, and on a
    CPU that has lost nothing the task that it leaves ran since the records began. Where a CPU
    lost events, what it ran is unknown until its next ``sched_switch`` says; and so is, from then
    on until their own next record, what all tasks did that ran nowhere, as the CPU may have woken
    or run them. A wake-up of a task in an unknown state counts only where it is known what all
    CPUs run: the task may be running. Where records contradict each other, what lies between them
    is unknown.

    A task's name is the one it had when the row ended, from ``sched_switch`` and the others; where
    no record tells, the saved one.
    """

    def __init__(self, recording: Recording, readers: Readers) -> None:
        self._recording = recording
        self._answering = readers

    def states(
        self,
        *,
        start: Time = None,
        end: Time = None,
        cpus: Numbers = None,
        pids: Numbers = None,
        buffer: str | None = None,
        ts: Times = "timestamp",
        batch_rows: int = BATCH_ROWS,
        peers: Names = None,
        threads: int | None = None,
        progress: Progress = None,
    ) -> Answer:
        """What each task did when.

            >>> with tracecmd.open("tests/data/i386-v6.dat") as trace:
            ...     states = trace.sched.states(pids=238, ts="uint64").to_numpy()
            >>> states["state"][:3].tolist(), states["duration"][:3].tolist()
            (['running', 'sleeping', 'runnable'], [15447352, 1310580, 337674])

        Columns:
            ``pid`` int32; ``name`` text; ``state`` text: ``unknown``, ``running``, ``runnable``
            (woken, or gave way to others), ``preempted``, ``sleeping``, ``blocked``
            (uninterruptible), ``stopped``, ``traced``, ``dead``, ``zombie``, ``parked`` or
            ``idle`` (a kernel thread's sleep that is no load); ``start``, ``end`` times;
            ``duration`` uint64 ns, never 0; ``cpu`` uint32, that the task runs on, waits for, or
            ran on, as far as that is known, null in rows of ``unknown``; ``waker`` int32, in rows
            of ``runnable`` the task that was running where it was woken, else null.

            The rows of each task fill the window. So do for each CPU its rows of ``running``, to
            which the idle task's belong (``pid`` 0), with rows whose ``pid`` and ``name`` are null
            and whose state is ``unknown``. Without wake-ups in the recording ``sleeping`` lasts
            until the task runs.

        See :class:`Sched` for arguments and errors. It needs ``sched_switch``.
        """
        asked = Asked(start, end, cpus, pids, buffer, ts, batch_rows, progress, peers, threads)
        return self._ask("states", asked)

    def tasks(
        self,
        *,
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
        """What each task did altogether: sums of :meth:`states`, the longest running first.

        Columns:
            ``pid`` int32; ``name`` text, its last; ``running``, ``runnable``, ``preempted``,
            ``sleeping`` (``idle`` included), ``blocked``, ``other``, ``unknown``: uint64 ns, whose
            sum is the window (with ``cpus`` what is of these); ``slices`` uint64, how often it
            began to run, ``migrations`` uint64, how often on another CPU than the time before.
            The idle task has no row.

        See :class:`Sched` for arguments and errors. It needs ``sched_switch``.
        """
        asked = Asked(
            start, end, cpus, pids, buffer, "timestamp", batch_rows, progress, peers, threads
        )
        return self._ask("tasks", asked)

    def latency(
        self,
        *,
        start: Time = None,
        end: Time = None,
        cpus: Numbers = None,
        pids: Numbers = None,
        buffer: str | None = None,
        ts: Times = "timestamp",
        batch_rows: int = BATCH_ROWS,
        peers: Names = None,
        threads: int | None = None,
        progress: Progress = None,
    ) -> Latencies:
        """How long tasks waited for a CPU after they were woken.

            >>> with tracecmd.open("tests/data/i386-v6.dat") as trace:
            ...     worst = trace.sched.latency(ts="uint64").worst(2).to_numpy()
            >>> worst["name"].tolist(), worst["latency"].tolist()
            (['work.sh', 'rcu_preempt'], [4340054, 4084265])

        Columns:
            ``pid`` int32; ``name`` text; ``waker`` int32, as for :meth:`states`; ``cpu`` uint32,
            on which it ran then; ``woken``, ``run`` times; ``latency`` uint64 ns between them.
            Waits that events were lost in are not among them.

        See :class:`Sched` for arguments and errors. It needs ``sched_switch``, and
        ``sched_waking`` or ``sched_wakeup``.
        """
        asked = Asked(start, end, cpus, pids, buffer, ts, batch_rows, progress, peers, threads)
        whole = self._ask("latency", asked, WAKES)
        return Latencies(whole._question, "latency", whole._threads)

    def wakers(
        self,
        *,
        start: Time = None,
        end: Time = None,
        cpus: Numbers = None,
        pids: Numbers = None,
        buffer: str | None = None,
        ts: Times = "timestamp",
        batch_rows: int = BATCH_ROWS,
        peers: Names = None,
        threads: int | None = None,
        progress: Progress = None,
    ) -> Wakers:
        """Who woke whom: a row for each time that a task was awake.

            >>> with tracecmd.open("tests/data/i386-v6.dat") as trace:
            ...     woken = trace.sched.wakers(pids=238, ts="uint64").to_numpy()
            >>> [woken[name][1].item() for name in ("waker", "latency")], woken["context"][1]
            ([239, 337674], 'task')

        Columns:
            ``pid`` int32, ``name`` text; ``start`` time of the wake-up, or, where it is not known
            who woke it, from when it is known to be awake; ``run`` time when it first ran then;
            ``latency`` uint64 ns from a wake-up to ``run``; ``end`` time when it went to sleep or
            died, null: it is awake when the window ends; ``lost`` bool: at ``end`` it did neither,
            but from then on nobody knows what it did; ``cpu`` uint32 on which it first ran.

            Of the wake-up, all null where it is not known: ``target_cpu`` uint32, as the record
            says; ``waker`` int32 and ``waker_name`` text, the task that ran where the record was
            made, ``waker_cpu`` uint32, that CPU; ``context`` text, ``task``, ``softirq``,
            ``hardirq`` or ``nmi``: unless it is ``task`` that task was only interrupted, and woke
            nobody; ``event`` text, ``sched_waking``, or where that was not recorded
            ``sched_wakeup``, which may be recorded on another CPU than that of the waker, or
            ``sched_wakeup_new``, a new task.

            ``run`` and ``cpu`` are null of what did not run meanwhile, or of which nobody knows
            when it began. Rows come in the order in which they ended.

        See :class:`Sched` for arguments and errors; ``cpus`` are those of the column ``cpu``. It
        needs ``sched_switch``, and ``sched_waking`` or ``sched_wakeup``.
        """
        asked = Asked(start, end, cpus, pids, buffer, ts, batch_rows, progress, peers, threads)
        whole = self._ask("wakers", asked, WAKES)
        return Wakers(whole._question, "wakers", whole._threads)

    def nr_running(
        self,
        *,
        start: Time = None,
        end: Time = None,
        cpus: Numbers = None,
        buffer: str | None = None,
        ts: Times = "timestamp",
        batch_rows: int = BATCH_ROWS,
        peers: Names = None,
        threads: int | None = None,
        progress: Progress = None,
    ) -> Answer:
        """How many tasks each CPU had to run: the one that runs and those that wait for it.

        Columns:
            ``cpu`` uint32; ``start``, ``end`` times; ``duration`` uint64 ns, never 0;
            ``nr_running`` uint32; ``exact`` bool: that is all of them, else those that are known
            of: at the beginning, and after a loss, until the CPU was idle. The rows of each CPU
            fill the window.

        See :class:`Sched` for arguments and errors. It needs ``sched_switch``, ``sched_waking`` or
        ``sched_wakeup``, ``sched_wakeup_new`` and ``sched_migrate_task``.
        """
        asked = Asked(start, end, cpus, None, buffer, ts, batch_rows, progress, peers, threads)
        new, moved = ("sched:sched_wakeup_new",), ("sched:sched_migrate_task",)
        return self._ask("nr_running", asked, WAKES, new, moved)

    def _ask(self, kind: str, asked: Asked, *needs: tuple[str, ...]) -> Answer:
        selection = asked.selection(self._recording)
        readers = self._answering(selection)
        for choices in ((SWITCH,), *needs):
            require(readers, f"sched.{kind}()", *choices)
            # Of the others too much would be guessed.
            readers = [r for r in readers if any(name in r.events for name in choices)]
        sources = of_one_buffer(all_sources(readers, selection), SWITCH, selection)
        make = partial(_lowlevel.analyses.sched, kind=kind)
        return ask(readers, sources, selection, asked, kind, make)


class Latencies(Answer):
    """How long tasks waited, in the order in which they ran: :meth:`Sched.latency`."""

    def worst(self, count: int, *, meanwhile: bool = False) -> Answer:
        """The longest of them, the longest first; of equal ones the first to run.

        Of a session it is of all peers, in one pass.

            >>> with tracecmd.open("tests/data/i386-v6.dat") as trace:
            ...     held = trace.sched.latency().worst(1, meanwhile=True).to_numpy()
            >>> held["by_name"].tolist(), held["held"].tolist()
            (['md5sum', 'work.sh'], [2740772, 1599282])

        Args:
            count: how many.
            meanwhile: instead of each wait who held the CPU while it lasted. Columns: ``rank``
                uint32, from 1 on, and the wait's own; ``by_pid`` int32 and ``by_name`` text, the
                task that ran on the CPU that this one waited for, 0 and ``<idle>`` where that did
                nothing, null where it is not known; ``held`` uint64 ns, the longest first. Those
                of each wait add up to its latency. Which CPU it waited for at each time
                ``target_cpu`` and ``sched_migrate_task`` say; between ``sched_waking`` and
                ``sched_wakeup``, when that is being chosen, it is the chosen one. Records are read
                once more, those of the waits and up to 0.1 s after each.

        Raises:
            TypeError, ValueError: count is not a number from 1 to a million.
        """
        most = _arguments.number("count", count, 1, 1_000_000)
        make = partial(_lowlevel.analyses.sched, kind="latency", most=most)
        worst = Answer(self._question._replace(make=make), f"worst {most}")
        return Meanwhile(worst) if meanwhile else worst
