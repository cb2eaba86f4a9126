"""One verdict from the answers of many servers: right, wrong, absent, under way, or not known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from attrs import field, frozen

from mailnix.doctor.dns.facts import Answers, Seen
from mailnix.doctor.values import Answer, Severity, Vantage, Verdict
from mailnix.errors import one_line
from mailnix.resolve import Found, Unasked

WAIT = "wait: resolvers keep what they have until its time to live is over"
NO_DNS = "see whether this machine reaches DNS servers on port 53"
LATER = "ask again later"
SHOWN = 160  # characters of evidence from one server


@frozen
class Fault:
    """What is not as it should be in one server's answers; `answer` is WRONG or ABSENT."""

    answer: Answer
    evidence: str
    advice: str
    severity: Severity | None = None


Right = Callable[[Answers], Fault | None]
"""What is wrong with one server's answers, none of which is Unasked; None where nothing is."""


@frozen
class _Opinions:
    well: dict[str, str] = field(factory=dict)
    faults: dict[str, Fault] = field(factory=dict)
    unasked: dict[str, str] = field(factory=dict)


def settled(subject: str, seen: Seen, kinds: Iterable[str], right: Right) -> Verdict:
    """The verdict on answers to questions of these types.

    What the authoritative servers agree on is what is published; resolvers that say otherwise then have not heard of
    it yet. Where no authoritative server answers, resolvers are believed.
    """
    kinds = tuple(kinds)
    published, cached = _opinions(seen.authoritative, kinds, right), _opinions(seen.recursive, kinds, right)
    for opinions, vantage in ((published, Vantage.AUTHORITATIVE), (cached, Vantage.RESOLVER)):
        if opinions.faults and not opinions.well:
            fault = next(iter(opinions.faults.values()))
            return Verdict(subject, fault.answer, fault.evidence, fault.advice, vantage, fault.severity)
        if opinions.faults:
            return _pending(subject, opinions, vantage)
        if opinions.well and opinions is published and not cached.faults:
            return Verdict(subject, Answer.WELL, next(iter(opinions.well.values())), vantage=vantage)
        if opinions.well and cached.faults:
            return _pending(subject, _Opinions(opinions.well, cached.faults), Vantage.RESOLVER)
        if opinions.well:
            return Verdict(subject, Answer.WELL, next(iter(opinions.well.values())), vantage=vantage)
    why = next(iter((*published.unasked.values(), *cached.unasked.values())), "nobody was asked")
    return Verdict(subject, Answer.UNASKED, why, NO_DNS)


def _opinions(by_server: Mapping[str, Answers], kinds: tuple[str, ...], right: Right) -> _Opinions:
    opinions = _Opinions()
    for server, answers in by_server.items():
        wanted = {kind: answers[kind] for kind in kinds if kind in answers}
        silent = [answer.why for answer in wanted.values() if isinstance(answer, Unasked)]
        if silent or not wanted:
            opinions.unasked[server] = silent[0] if silent else f"{server} was not asked"
        elif (fault := right(wanted)) is not None:
            opinions.faults[server] = fault
        else:
            opinions.well[server] = shown(wanted)
    return opinions


def _pending(subject: str, opinions: _Opinions, vantage: Vantage) -> Verdict:
    server, fault = next(iter(opinions.faults.items()))
    return Verdict(subject, Answer.PENDING, f"published, but {server} says: {fault.evidence}", WAIT, vantage)


def shown(answers: Answers) -> str:
    """What a server said, on a line."""
    found = [each for answer in answers.values() if isinstance(answer, Found) for each in answer.records]
    return one_line("; ".join(found) or "nothing", SHOWN)
