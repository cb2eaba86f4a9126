"""Running checks one after another; each ends in a verdict, whatever happens inside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from mailnix.errors import MailnixError
from mailnix.lab.scenario.scene import Scene
from mailnix.lab.scenario.values import Check, Outcome, Report, Verdict


def run_check(check: Check, scene: Scene, now: Callable[[], float] = time.monotonic) -> Outcome:
    """Ask one question. A machine that cannot be asked, or answers what nobody expected, fails the check too."""
    began = now()
    try:
        verdict, evidence = Verdict.PASS, check.question(scene)
    except MailnixError as error:
        verdict, evidence = Verdict.FAIL, error.message + (f" ({error.hint})" if error.hint else "")
    except Exception as error:  # answers come from machines: whatever is wrong with one must not end the others
        verdict, evidence = Verdict.FAIL, f"the check could not read an answer: {type(error).__name__}: {error}"
    return Outcome(check.id, check.group, check.title, verdict, evidence, round(now() - began, 1))


def run_checks(
    checks: Iterable[Check],
    scene: Scene,
    told: Callable[[Outcome], None],
    begun: float,
    now: Callable[[], float] = time.monotonic,
) -> Report:
    """Ask every question, in order, of a lab that was begun at `begun` and is ready; `told` hears each outcome."""
    ready = exchanged = now() - begun
    outcomes = []
    for check in checks:
        outcomes.append(run_check(check, scene, now))
        told(outcomes[-1])
        if check.group.is_mail:
            exchanged = now() - begun
    return Report(tuple(outcomes), ready, exchanged, now() - begun)
