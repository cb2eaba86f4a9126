"""Findings as text for people and as values for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from attrs import frozen

from mailnix.doctor.values import Answer, Exit, Finding, Severity, exit_status

_STATES: Final = {Exit.WELL: "well", Exit.WARNINGS: "warnings", Exit.FAILURES: "failures", Exit.UNASKED: "unasked"}


@frozen
class Report:
    """What a program reads: the whole in one word, and every finding; `error` where nothing could be looked at."""

    state: str
    findings: tuple[Finding, ...]
    error: str = ""


def report(findings: Iterable[Finding], error: str = "") -> Report:
    """The findings of a run."""
    found = tuple(findings)
    return Report(_STATES[Exit.UNASKED if error else exit_status(found)], found, error)


def word(finding: Finding) -> str:
    """How bad it is, in a word or two."""
    match finding.answer:
        case Answer.WELL | Answer.UNASKED | Answer.PENDING:
            return str(finding.answer.value)
        case _:
            return str(finding.severity.value)


def lines(finding: Finding) -> Iterator[str]:
    """A finding's text after its word: where, what was seen and from where, what to do."""
    yield f"{finding.id}: {finding.subject}"
    yield f"    {finding.evidence} [{finding.vantage.value}]"
    if finding.advice:
        yield f"    → {finding.advice}"


def summary(findings: Collection[Finding], well: str = "well") -> str:
    """How many of each, the worst first; `well` is what those are called that are."""
    counted = Counter(_counted(each) for each in findings)
    parts = (_number(counted[each], well if each == _WELL else each) for each in _ORDER if counted[each])
    return ", ".join(parts) or "nothing was looked at"


def weight(finding: Finding) -> int:
    """Sorts findings: the worst first."""
    return _ORDER.index(_counted(finding))


def _number(count: int, what: str) -> str:
    return f"{count} {what.removesuffix('s') if count == 1 else what}"


_WELL: Final = Answer.WELL.value
_ORDER: Final = ("failures", "warnings", Answer.PENDING.value, "could not be asked", _WELL)


def _counted(finding: Finding) -> str:
    match finding.answer:
        case Answer.UNASKED:
            return "could not be asked"
        case Answer.WELL | Answer.PENDING:
            return str(finding.answer.value)
        case _:
            return "failures" if finding.severity is Severity.FAILURE else "warnings"
