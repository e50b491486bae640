"""Signals that end the command: what it was writing is taken away first, then it dies of them."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
from collections.abc import Iterator

__all__ = ["ENDING", "Stopped", "die_of", "stoppable"]


ENDING = {
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
}


class Stopped(BaseException):
    """The process was told to end.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """End by an exception when the process is told to end, so that no half file stays.

    What is ignored (as nohup wants it) or handled already is left so. Ctrl-C is Python's own.
    """

    def stop(number: int, frame: object) -> None:
        raise Stopped(number)

    ours = []
    try:
        for number in ENDING - {signal.SIGINT}:
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, stop)
                ours.append(number)
    except ValueError:  # not the main thread, which alone gets signals
        pass
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def die_of(number: int) -> None:
    """End as the signal does: a shell's loop then ends, too, as it would not by an exit code.

    Finalizers do not run any more; what was interrupted between two steps is cleaned up before.
    """
    gc.collect()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
