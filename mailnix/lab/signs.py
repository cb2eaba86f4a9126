"""What shows from outside that a machine works: what its console printed, and what its QEMU computes.

The kernel counts for each thread how long it ran and how long it wanted to run and others did (schedstat, see the
kernel's Documentation/scheduler/sched-stats.rst). Both together tell a guest that a busy host holds up, which wants the
processor all the time, from one that waits for something, which hardly ever does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

PROC: Final = Path("/proc")
BUSY: Final = 0.3
"""Share of the time that the busiest thread of a guest at work runs or wants to. Idle guests stay below a tenth."""
SLOWEST: Final = 8.0
"""No pace is above this; who waits that much longer than planned has no use for waiting at all."""
FRESH: Final = 10.0
"""Seconds over which the pace is measured."""
LOOP: Final = 200_000
LOOP_SECONDS: Final = 0.0085
"""What `LOOP` turns of Python take on the processor that the lab's times were measured on."""


@frozen
class Thread:
    """Seconds that a thread of a QEMU ran, and seconds that it stood in line for a processor."""

    ran: float
    stood: float

    @property
    def wanted(self) -> float:
        """Seconds for which it had something to do."""
        return self.ran + self.stood

    def since(self, earlier: Thread) -> Thread:
        """What was added."""
        return Thread(self.ran - earlier.ran, self.stood - earlier.stood)


@frozen
class Signs:
    """One look at some machines: bytes on all their consoles, and every thread of their QEMUs by its id."""

    printed: int = 0
    threads: Mapping[int, Thread] = field(factory=dict)

    def since(self, earlier: Signs) -> Signs:
        """What was added; a thread that is new begins with nothing."""
        nothing = Thread(0.0, 0.0)
        threads = {id: thread.since(earlier.threads.get(id, nothing)) for id, thread in self.threads.items()}
        return Signs(self.printed - earlier.printed, threads)

    def busiest(self) -> Thread:
        """The thread that had most to do."""
        return max(self.threads.values(), key=lambda thread: thread.wanted, default=Thread(0.0, 0.0))


def nothing() -> Signs:
    """The signs of what cannot be looked at."""
    return Signs()


def together(looks: Iterable[Signs]) -> Signs:
    """The signs of several machines as one: who waits for one of them may really wait for another."""
    found = tuple(looks)
    threads = {id: thread for look in found for id, thread in look.threads.items()}
    return Signs(sum(look.printed for look in found), threads)


def read(pid: int | None, console: Path, proc: Path = PROC) -> Signs:
    """Look at a machine; what is not there, or goes while it is looked at, counts as nothing."""
    try:
        printed = console.stat().st_size
    except OSError:
        printed = 0
    return Signs(printed, {} if pid is None else dict(_threads(proc / str(pid) / "task")))


def _threads(tasks: Path) -> Iterable[tuple[int, Thread]]:
    try:
        ids = sorted(int(task.name) for task in tasks.iterdir())
    except OSError:
        return
    for id in ids:
        try:
            ran, stood, *_ = (tasks / str(id) / "schedstat").read_text().split()
        except (OSError, ValueError):
            continue
        yield id, Thread(int(ran) / 1e9, int(stood) / 1e9)


@define
class Pace:
    """How many times slower than planned the machines are now: their host's processor, and who else uses it.

    1.0 where all is as it was when the lab's times were chosen; programs inside of guests, which cannot see their host,
    are given so much more time.
    """

    signs: Callable[[], Signs]
    now: Callable[[], float] = time.monotonic
    processor: float = 1.0
    _seen: Signs = field(factory=Signs, init=False)
    _when: float = field(default=float("-inf"), init=False)
    _held_up: float = field(default=1.0, init=False)

    def __call__(self) -> float:
        """The pace over the last seconds, or since the machines were switched on, where nobody has asked yet."""
        if self.now() - self._when >= FRESH:
            seen = self.signs()
            busiest = seen.since(self._seen).busiest()
            if busiest.ran > 0:
                self._held_up = busiest.wanted / busiest.ran
            self._seen, self._when = seen, self.now()
        return max(1.0, min(SLOWEST, self.processor * self._held_up))


def slowness(clock: Callable[[], float] = time.thread_time) -> float:
    """How many times slower this processor is than the one that times were measured on; the best of a few looks.

    In time that this thread ran: who else wants the processor is seen by `Pace`.
    """
    return max(1.0, min(_loop(clock) for _ in range(5)) / LOOP_SECONDS)


def _loop(clock: Callable[[], float]) -> float:
    began = clock()
    total = 0
    for number in range(LOOP):
        total += number & 3
    return clock() - began
