"""Is mail taken for ours, and does it arrive in time?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import frozen

from mailnix.doctor.e2e.authres import Result, aligned, author, parsed, results
from mailnix.doctor.values import Answer, Check, Severity, Vantage, Verdict

SLOW: Final = 300.0
"""Seconds: greeting delays and virus scanners take one or two minutes; people call five slow."""

METHODS: Final = ("spf", "dkim", "dmarc")
PASSING: Final = 60
"""Characters of a receiver's answer that are shown."""

_UNDECIDED: Final = frozenset({"temperror"})
"""Results of a receiver that could not ask (RFC 8601 2.7); DNS is looked at by other checks."""


@frozen
class Trip:
    """A mail's way from one address to another.

    `why` is why it could not be sent or looked for; `raw` is the mail as it was found, in so many `seconds`; `taken` is
    what the receiver said, where its mailbox is nobody's business but its owner's. `server` is who judged it, where
    that is known; `spf` whether SPF can pass by the way that mail leaves.
    `hint` is what to do about `why`.
    """

    sender: str
    to: str
    why: str = ""
    raw: bytes | None = None
    taken: str = ""
    seconds: float = 0.0
    server: str = ""
    spf: bool = True
    strict: bool = False
    hint: str = ""


@frozen
class Trips:
    """Out, and back in; None where nobody asked for it."""

    out: Trip | None = None
    back: Trip | None = None


def out(trips: Trips) -> Iterator[Verdict]:
    """Ours is taken for ours."""
    if trips.out is not None:
        yield from _trip(trips.out, ours=True)


def back(trips: Trips) -> Iterator[Verdict]:
    """Others' is judged by whom it came from."""
    if trips.back is not None:
        yield from _trip(trips.back, ours=False)


def _trip(trip: Trip, *, ours: bool) -> Iterator[Verdict]:
    subject = f"{trip.sender} to {trip.to}"
    if trip.why:
        more = "mailnix doctor CONFIG --only proxy --only internal says more"
        yield Verdict(subject, Answer.UNASKED, trip.why, trip.hint or more)
    elif trip.raw is None and not trip.taken:
        where = "mailnix doctor CONFIG --only proxy.queue --only internal.queue; has it gone to junk?"
        yield Verdict(subject, Answer.ABSENT, f"it did not arrive within {trip.seconds:.0f} seconds", where)
    elif trip.seconds > SLOW:
        advice = "mailnix doctor CONFIG --only proxy.queue --only internal.queue"
        text = f"it took {trip.seconds:.0f} seconds"
        yield Verdict(subject, Answer.WRONG, text, advice, severity=Severity.WARNING)
    elif trip.raw is None:
        text = (
            f"taken in {trip.seconds:.0f} seconds: {trip.taken[:PASSING]}; what was made of it is in its header there"
        )
        yield Verdict(subject, Answer.WELL, text)
    else:
        yield from _judged(trip, subject, trip.raw, ours=ours)


def _judged(trip: Trip, subject: str, raw: bytes, *, ours: bool) -> Iterator[Verdict]:
    message = parsed(raw)
    found = [each for each in results(message, trip.server) if each.method in METHODS]
    if not found:
        who = trip.server or "the receiver"
        if ours:
            yield Verdict(subject, Answer.UNASKED, f"{who} says nothing of SPF, DKIM and DMARC", "name another address")
        else:
            advice = "is rspamd well? mailnix doctor CONFIG --only internal.containers"
            yield Verdict(subject, Answer.ABSENT, f"{who} has not judged it", advice)
        return
    problems = [*(_of_ours(trip, author(message), found) if ours else _of_others(found))]
    for what, answer, text, advice in problems:
        yield Verdict(f"{subject}, {what}", answer, text, advice)
    if not problems:
        said = " ".join(f"{method}={_best(found, method)}" for method in METHODS)
        yield Verdict(subject, Answer.WELL, f"{said}, in {trip.seconds:.0f} seconds")


_Problem = tuple[str, Answer, str, str]


def _best(found: list[Result], method: str) -> str:
    """A method's result; of several signatures the best one counts (RFC 6376 6.1)."""
    said = [each.result for each in found if each.method == method]
    return "pass" if "pass" in said else said[0] if said else "none"


def _of_ours(trip: Trip, domain: str, found: list[Result]) -> Iterator[_Problem]:
    """SPF, DKIM and DMARC pass, and speak for the author's domain."""
    for method in METHODS if trip.spf else METHODS[1:]:
        best = _best(found, method)
        advice = f"mailnix doctor CONFIG --only dns: its records of {domain}"
        if best in _UNDECIDED:
            yield method, Answer.UNASKED, f"the receiver could not ask: {method}={best}", "try again"
        elif best == "none":
            yield method, Answer.ABSENT, f"{method}=none", advice
        elif best != "pass":
            yield method, Answer.WRONG, f"{method}={best}", advice
        elif method != "dmarc" and not _speaks(trip, domain, found, method):
            names = ", ".join(sorted({each.domain for each in found if each.method == method})) or "nobody"
            text = f"{method} passes for {names}, and not for {domain}, from which the mail is"
            yield method, Answer.WRONG, text, f"does {domain} sign, and is its bounce address its own?"


def _speaks(trip: Trip, domain: str, found: list[Result], method: str) -> bool:
    passed = [each for each in found if each.method == method and each.result == "pass"]
    # A receiver need not say of which domain.
    return any(not each.domain or aligned(each.domain, domain, strict=trip.strict) for each in passed)


def _of_others(found: list[Result]) -> Iterator[_Problem]:
    """Whoever sent it is right about itself: where SPF and DKIM both fail, its client's address was likely lost."""
    spf, dkim = _best(found, "spf"), _best(found, "dkim")
    if "pass" in (spf, dkim) or {spf, dkim} <= {"none", *_UNDECIDED}:
        return
    advice = "mailnix doctor CONFIG --only proxy.xclient: does Mailcow see the client's address?"
    yield "spf", Answer.WRONG, f"spf={spf} dkim={dkim}", advice


CHECKS: Final = (
    Check("e2e.out", "Mail from here is taken for ours elsewhere.", Severity.FAILURE, Vantage.HOME, out),
    Check("e2e.in", "Mail from elsewhere arrives, and is judged by its sender.", Severity.FAILURE, Vantage.HOME, back),
)
