"""Waiting: for one named thing, for a limited time, giving up at once where it can no longer happen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from attrs import frozen

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.5


@frozen
class Clock:
    """Time as code here sees it; tests pass one that does not sleep."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


REAL_CLOCK = Clock()


def attempts(
    timeout: float, clock: Clock = REAL_CLOCK, longest: float = LONGEST_PAUSE, patience: float = 0.0
) -> Iterator[float]:
    """Yield the seconds left, again and again with growing pauses, until `timeout` seconds are over; at least once.

    Pauses grow up to `longest` seconds, or to the share `patience` of what was waited already, where that is more:
    asking costs an emulated machine dear, and who waited a minute may hear of it three seconds late.
    """
    began = clock.now()
    deadline = began + timeout
    pause = FIRST_PAUSE
    while True:
        left = deadline - clock.now()
        yield max(left, 0.0)
        left = deadline - clock.now()
        if left <= 0:
            return
        clock.sleep(min(pause, left))
        pause = min(pause * 1.5, max(longest, patience * (clock.now() - began)))
