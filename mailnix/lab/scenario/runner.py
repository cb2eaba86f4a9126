"""Running checks; each ends in a verdict, whatever happens inside."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Final

from mailnix.errors import MailnixError
from mailnix.lab.scenario.scene import Scene
from mailnix.lab.scenario.values import Check, Outcome, Report, Verdict

AT_ONCE: Final = 3
"""Checks that run beside each other where they may: one waits for the internet, one for a proxy, one for Mailcow."""


def run_check(check: Check, scene: Scene, now: Callable[[], float] = time.monotonic) -> Outcome:
    """Run one check. A machine that does not answer, or answers what nobody expected, fails it too."""
    began = now()
    try:
        verdict, evidence = Verdict.PASS, check.look(scene)
    except MailnixError as error:
        verdict, evidence = Verdict.FAIL, error.message + (f" ({error.hint})" if error.hint else "")
    except Exception as error:  # answers come from machines: whatever is wrong with one must not end the others
        verdict, evidence = Verdict.FAIL, f"the check could not read an answer: {type(error).__name__}: {error}"
    return Outcome(check.id, check.group, check.title, verdict, evidence, round(now() - began, 1))


def run_checks(
    checks: Iterable[Check],
    scene: Scene,
    on_outcome: Callable[[Outcome], None],
    begun: float,
    now: Callable[[], float] = time.monotonic,
) -> Report:
    """Run every check of a lab that was begun at `begun` and is ready; `on_outcome` gets each outcome, in order."""
    ready = exchanged = now() - begun
    outcomes = []
    for outcome in _answers(checks, lambda check: run_check(check, scene, now)):
        outcomes.append(outcome)
        on_outcome(outcome)
        if outcome.group.is_mail:
            exchanged = now() - begun
    return Report(tuple(outcomes), ready, exchanged, now() - begun)


class Asking:
    """The outcomes of checks for who wants one after the other, as pytest does: those that may overlap, do.

    Nothing is asked before somebody wants it, or what it may overlap with.
    """

    def __init__(self, checks: Iterable[Check], scene: Scene) -> None:
        self._answers = _answers(checks, lambda check: run_check(check, scene))
        self._known: dict[str, Outcome] = {}

    def outcome(self, check: Check) -> Outcome:
        """What came of one of the checks, and of those before it."""
        while check.id not in self._known:
            answer = next(self._answers)
            self._known[answer.id] = answer
        return self._known[check.id]

    def close(self) -> None:
        """Ask nothing more."""
        self._answers.close()


def _answers(checks: Iterable[Check], ask: Callable[[Check], Outcome]) -> Generator[Outcome, None, None]:
    """The outcomes in the order of the checks; those that may overlap are asked a few at a time."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        for overlap, some in groupby(checks, lambda check: check.group.may_overlap):
            asked = pool.map if overlap else map
            yield from asked(ask, some)
    finally:
        # Not waiting: where somebody ends the lab, the machines that these wait for are about to be killed.
        pool.shutdown(wait=False, cancel_futures=True)
