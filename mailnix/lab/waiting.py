"""Waiting: for one named thing, as long as something moves, giving up at once where it can no longer happen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from attrs import define, field, frozen

from mailnix.lab.signs import BUSY, Signs, nothing

FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.5
STRETCH: Final = 8.0
"""However much moves, a wait for `timeout` seconds is over after this many times as long."""
LOOK: Final = 5.0
"""Seconds between two looks at what a machine computes: fewer would count a timer's tick as work."""


@frozen
class Clock:
    """Time as code here sees it; tests pass one that does not sleep."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


REAL_CLOCK = Clock()


@define
class Wait:
    """One wait that begins now: over after `timeout` seconds in which nothing moved, or `STRETCH` times as many in all.

    What moves is what `signs` shows: a console that prints, or a QEMU that computes or stands in line to. Without signs
    it is over after `timeout` seconds.
    """

    timeout: float
    clock: Clock = REAL_CLOCK
    signs: Callable[[], Signs] = nothing
    _began: float = field(init=False)
    _moved: float = field(init=False)
    _looked: float = field(init=False)
    _seen: Signs = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._began = self._moved = self._looked = self.clock.now()
        self._seen = self.signs()

    def left(self) -> float:
        """Seconds until it is over if nothing moves from now on; 0 or less where it is over."""
        now = self.clock.now()
        # The last look comes when time would be over, so that a short wait has one, too.
        if now - self._looked >= min(LOOK, self.timeout) > 0:
            self._look(now)
        return min(self._moved + self.timeout, self._began + self.timeout * STRETCH) - now

    def waited(self) -> float:
        """Seconds since it began."""
        return self.clock.now() - self._began

    def attempts(self, longest: float = LONGEST_PAUSE, patience: float = 0.0) -> Iterator[float]:
        """Yield the seconds left, again and again with growing pauses, until it is over; at least once.

        Pauses grow up to `longest` seconds, or to the share `patience` of what was waited already, where that is more:
        each look costs an emulated machine dear, and after a minute three seconds more make little difference.
        """
        pause = FIRST_PAUSE
        while True:
            yield max(self.left(), 0.0)
            left = self.left()
            if left <= 0:
                return
            self.clock.sleep(min(pause, left))
            pause = min(pause * 1.5, max(longest, patience * self.waited()))

    def _look(self, now: float) -> None:
        seen = self.signs()
        added = seen.since(self._seen)
        if added.printed > 0 or added.busiest().wanted >= BUSY * (now - self._looked):
            self._moved = now
        self._seen, self._looked = seen, now


def attempts(
    timeout: float, clock: Clock = REAL_CLOCK, longest: float = LONGEST_PAUSE, patience: float = 0.0
) -> Iterator[float]:
    """The attempts of a wait for something that shows no signs."""
    return Wait(timeout, clock).attempts(longest, patience)
