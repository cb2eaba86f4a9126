"""What a deploy works with: the plan, machines, somebody to tell, a clock. Tests pass fakes of all but the first."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from attrs import frozen

from mailnix.deploy.checks import HERE, Answer, Check, Question, checks, needs_ipv6, route
from mailnix.deploy.machine import Machine
from mailnix.deploy.reading import read_answers
from mailnix.deploy.remote import LOOK
from mailnix.errors import MailnixError
from mailnix.plan import Plan
from mailnix.run import run

Say = Callable[[str], None]
Here = Callable[[Sequence[Question]], Sequence[Answer]]


class Clock(Protocol):
    """Seconds that only go forwards, and what a clock on the wall will show."""

    def now(self) -> float:
        """Seconds since some moment."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def at(self, seconds: float) -> str:
        """The time of day, so many seconds from now."""
        ...


class Wall:
    """The clock of this machine."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)

    def at(self, seconds: float) -> str:
        """As people here read it."""
        return (datetime.now().astimezone() + timedelta(seconds=seconds)).strftime("%H:%M:%S")


@frozen
class Scene:
    """`machines` are those that are reached, by name; `within` is how many seconds a change waits to be confirmed."""

    plan: Plan
    machines: Mapping[str, Machine]
    within: int
    say: Say
    clock: Clock
    here: Here

    def checks(self, changed: Collection[str]) -> tuple[Check, ...]:
        """What tells whether these machines do their work; from a place without IPv6, which is said, by IPv4 alone."""
        every = checks(self.plan, changed, {*self.machines})
        if check := next(filter(needs_ipv6, every), None):
            ((leads, said),) = self._answers(HERE, [route(check)])
            if not leads:
                self.say(f"this computer has no IPv6 ({said}): from here {', '.join(changed)} is asked by IPv4 alone")
                return tuple(each for each in every if not needs_ipv6(each))
        return every

    def asked(self, every: Sequence[Check]) -> list[tuple[Check, Answer]]:
        """Each machine is asked its questions at once; one that cannot be asked answers so."""
        found: list[tuple[Check, Answer]] = []
        for place in dict.fromkeys(check.asked for check in every):
            here = [check for check in every if check.asked == place]
            found += list(zip(here, self._answers(place, [check.question for check in here]), strict=True))
        return found

    def _answers(self, place: str, questions: Sequence[Question]) -> Sequence[Answer]:
        try:
            return self.machines[place].look(questions) if place else self.here(questions)
        except MailnixError as error:
            return [(False, f"it could not be asked: {error.message}")] * len(questions)


def ask_here(questions: Sequence[Question]) -> Sequence[Answer]:
    """Answers as whoever deploys sees things."""
    return read_answers(run([sys.executable, "-I", "-", json.dumps(questions)], stdin=LOOK.read_bytes(), timeout=120))
