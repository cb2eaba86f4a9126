"""What `mailnix doctor` found, read from what it printed as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from mailnix.doctor.values import Answer, Finding, Severity
from mailnix.errors import MailnixError, one_line

_HINT: Final = "write one: mailnix doctor CONFIG --json >doctor.json"
_BY_ANSWER: Final = {
    Answer.WELL: ("well", "✓"),
    Answer.WRONG: ("bad", "✗"),
    Answer.ABSENT: ("bad", "✗"),
    Answer.PENDING: ("wait", "…"),
    Answer.UNASKED: ("wait", "?"),
}


@frozen
class State:
    """An answer as the page shows it: `kind` (well, bad, wait) is its colour; sign and words say it without."""

    kind: str
    sign: str
    answer: str
    finding: Finding


def read(file: Path) -> tuple[Finding, ...]:
    """The findings in a file, alone or in doctor's whole report; raises MailnixError where it is none of doctor's."""
    from cattrs import Converter
    from cattrs.errors import ClassValidationError, IterableValidationError

    try:
        said = json.loads(_text(file))
        found = said["findings"] if isinstance(said, dict) else said
        if not isinstance(found, list):
            raise TypeError("no list")
        findings = Converter().structure(found, tuple[Finding, ...])
    except (ValueError, KeyError, TypeError, RecursionError, ClassValidationError, IterableValidationError) as error:
        raise MailnixError(f"{file} is not what `mailnix doctor --json` prints", _HINT) from error
    if isinstance(said, dict) and said.get("error"):
        raise MailnixError(f"{file} says that nothing could be looked at: {said['error']}", _HINT)
    return tuple(map(_printable, findings))


def _printable(finding: Finding) -> Finding:
    """As doctor writes it, also where the file is not doctor's own: half a character (\\ud800) is in no page."""
    return evolve(
        finding,
        id=one_line(finding.id),
        subject=one_line(finding.subject),
        evidence=one_line(finding.evidence),
        advice=one_line(finding.advice),
    )


def _text(file: Path) -> str:
    """What is in it; raises MailnixError where it cannot be read."""
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise MailnixError(f"{file} cannot be read: {why}", "see whether its name is right") from error


def state(finding: Finding) -> State:
    """A finding, to be shown; a warning is never shown as bad as a failure."""
    kind, sign = _BY_ANSWER[finding.answer]
    if kind == "bad" and finding.severity is Severity.WARNING:
        kind, sign = "wait", "!"
    return State(kind, sign, finding.answer.value, finding)


def to_do(findings: Iterable[Finding]) -> tuple[State, ...]:
    """What is not well, failures first, then in doctor's own order."""
    left = [state(each) for each in findings if each.answer is not Answer.WELL]
    return tuple(sorted(left, key=lambda each: each.kind != "bad"))
