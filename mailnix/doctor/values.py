"""What a check of a live system is, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum, IntEnum
from typing import Final, Generic, TypeVar

from attrs import frozen

from mailnix.errors import one_line

Facts = TypeVar("Facts")
SHOWN: Final = 1000
"""Characters of a subject, of evidence, of advice: others may have said megabytes."""


class Vantage(Enum):
    """Where a question was asked from."""

    HERE = "here"
    RESOLVER = "a recursive resolver"
    AUTHORITATIVE = "the authoritative servers"
    PROXY = "the proxy"
    HOME = "home"


class Severity(Enum):
    """What it means when the answer is not as described."""

    WARNING = "warning"
    FAILURE = "failure"


class Answer(Enum):
    """How a question ended; only WELL leaves nothing to do."""

    WELL = "well"
    WRONG = "wrong"
    ABSENT = "absent"
    PENDING = "not yet propagated"
    UNASKED = "could not ask"


class Exit(IntEnum):
    """The exit status of `mailnix doctor`: a failure outweighs an unanswered question, and that a warning.

    UNTOLD outweighs all: whoever relies on notices hears of nothing, however well all is.
    """

    WELL = 0
    WARNINGS = 1
    FAILURES = 2
    UNASKED = 3
    UNTOLD = 4


@frozen
class Finding:
    """One answer: `id` is the check's (dns.mx, proxy.units), `subject` what it is about (a name, a host, a unit).

    `evidence` is what was seen, in one line; `advice` what to do next, empty where the answer is WELL.
    """

    id: str
    subject: str
    vantage: Vantage
    severity: Severity
    answer: Answer
    evidence: str
    advice: str = ""


@frozen
class Verdict:
    """What a judge says of one subject; its check knows the rest.

    `vantage` and `severity` are given only where they are not the check's.
    """

    subject: str
    answer: Answer
    evidence: str
    advice: str = ""
    vantage: Vantage | None = None
    severity: Severity | None = None


@frozen
class Check(Generic[Facts]):
    """A question with an id that never changes; `judge` is pure and turns what was gathered into verdicts.

    `title` says in a sentence what holds where all is well. `severity` and `vantage` are those of its findings, where a
    verdict does not say others.
    """

    id: str
    title: str
    severity: Severity
    vantage: Vantage
    judge: Callable[[Facts], Iterable[Verdict]]

    def finding(self, verdict: Verdict) -> Finding:
        """A verdict as a finding of this check."""
        return Finding(
            self.id,
            one_line(verdict.subject, SHOWN),
            verdict.vantage or self.vantage,
            verdict.severity or self.severity,
            verdict.answer,
            one_line(verdict.evidence, SHOWN),
            one_line(verdict.advice, SHOWN),
        )


def exit_status(findings: Iterable[Finding]) -> Exit:
    """The worst of `findings` as an exit status: failures, then questions that could not be asked, then warnings."""
    found = set(_weights(findings))
    for each in (Exit.FAILURES, Exit.UNASKED, Exit.WARNINGS):
        if each in found:
            return each
    return Exit.WELL


def _weights(findings: Iterable[Finding]) -> Iterator[Exit]:
    for each in findings:
        if each.answer is Answer.UNASKED:
            yield Exit.UNASKED
        elif each.answer is Answer.PENDING:
            yield Exit.WARNINGS
        elif each.answer is not Answer.WELL:
            yield Exit.FAILURES if each.severity is Severity.FAILURE else Exit.WARNINGS
