"""Signals that ask a program to end become an exception, so that it first ends what it has started, as on Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SHELLS: Final = 128
"""Shells report a program that a signal ended as this and the signal's number."""
ENDING: Final = (signal.SIGTERM, signal.SIGHUP)
"""What systemd and `kill` send, and a terminal that closes."""


class Ended(BaseException):
    """A signal came. No Exception, for nothing that takes trouble lightly may take this so."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.name = number.name
        self.status = SHELLS + number


@contextmanager
def heeded() -> Iterator[None]:
    """Within it, the first of them raises Ended in the main thread, and further ones do not disturb the clearing up.

    What is ignored (nohup(1)), or somebody else's to handle, stays so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [number for number in ENDING if signal.getsignal(number) is signal.SIG_DFL]

    def end(number: int, _frame: object) -> None:
        for each in ours:
            signal.signal(each, _again)
        raise Ended(signal.Signals(number))

    for each in ours:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each in ours:
            signal.signal(each, signal.SIG_DFL)


def _again(_number: int, _frame: object) -> None:
    """Not SIG_IGN: programs that are run to clear up would inherit that."""
