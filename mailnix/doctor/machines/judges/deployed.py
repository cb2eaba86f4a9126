"""Is what mailnix brought still there as it was brought?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mailnix.doctor.machines.facts import Drift, Generation
from mailnix.doctor.machines.seen import Asking, Seen
from mailnix.doctor.values import Answer, Severity, Verdict

SHOWN: Final = 3  # paths in one line of evidence


def drift(seen: Seen, said: Drift) -> Iterator[Verdict]:
    """Nobody has changed by hand what a deploy would lay again."""
    waits = seen.facts is not None and seen.facts.generation is not None and seen.facts.generation.pending is not None
    if waits:  # it is being changed just now
        yield seen.well("a generation waits to be confirmed")
        return
    changed = [f"{path} was changed" for path in said.changed]
    gone = [f"{path} is gone" for path in said.gone]
    if changed or gone:
        more = len(changed) + len(gone) - SHOWN
        text = ", ".join((*gone, *changed)[:SHOWN]) + (f" and {more} more" if more > 0 else "")
        answer = Answer.WRONG if changed else Answer.ABSENT
        yield Verdict(seen.name, answer, text, f"describe it so, or lay them again: mailnix deploy CONFIG {seen.name}")
    else:
        yield seen.well("every file is as it was laid")


def pending(seen: Seen, said: Generation) -> Iterator[Verdict]:
    """No change waits for somebody to confirm it."""
    if said.pending is not None:
        text = f"generation {said.pending} waits to be confirmed, and goes back otherwise"
        advice = f"wait for that deploy, or run it again: mailnix deploy CONFIG {seen.name}"
        yield Verdict(seen.name, Answer.WRONG, text, advice)
    else:
        yield seen.well("none")


def deployed(seen: Seen, said: Generation) -> Iterator[Verdict]:
    """The last deploy stayed."""
    if said.end == "back":
        text = f"the last deploy was taken back: {said.why or 'nobody confirmed it'}"
        yield Verdict(seen.name, Answer.WRONG, text, f"mailnix deploy CONFIG {seen.name}")
    elif said.current is None:
        yield seen.well("it is as its image was made")
    else:
        yield seen.well(f"generation {said.current}" + (f", made {said.made}" if said.made else ""))


CHECKS: Final = (
    Asking("drift", "Its files are as they were laid.", Severity.WARNING, "drift", drift, ("generation",)),
    Asking("pending", "No change waits to be confirmed.", Severity.WARNING, "generation", pending),
    Asking("deployed", "The last deploy stayed.", Severity.WARNING, "generation", deployed),
)
