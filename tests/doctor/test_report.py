"""Findings as people read them."""

from __future__ import annotations

import pytest

from mailnix.doctor.report import lines, report, summary, word
from mailnix.doctor.values import Answer, Finding, Severity, Vantage


def finding(answer: Answer, severity: Severity = Severity.FAILURE, advice: str = "do it") -> Finding:
    return Finding("dns.mx", "example.org MX", Vantage.RESOLVER, severity, answer, "has none", advice)


@pytest.mark.parametrize(
    ("answer", "severity", "said"),
    [
        (Answer.WRONG, Severity.FAILURE, "failure"),
        (Answer.ABSENT, Severity.WARNING, "warning"),
        (Answer.PENDING, Severity.FAILURE, "not yet propagated"),
        (Answer.UNASKED, Severity.FAILURE, "could not ask"),
        (Answer.WELL, Severity.FAILURE, "well"),
    ],
)
def test_how_bad_it_is_comes_first(answer: Answer, severity: Severity, said: str) -> None:
    assert word(finding(answer, severity)) == said


def test_a_finding_says_where_what_was_seen_from_where_and_what_to_do() -> None:
    assert list(lines(finding(Answer.WRONG))) == [
        "dns.mx: example.org MX",
        "    has none [a recursive resolver]",
        "    → do it",
    ]
    assert len(list(lines(finding(Answer.WELL, advice="")))) == 2


def test_the_last_line_counts() -> None:
    found = [finding(each) for each in (Answer.WRONG, Answer.WELL, Answer.WELL, Answer.UNASKED)]
    assert summary(found) == "1 failure, 1 could not be asked, 2 well"
    assert summary([]) == "nothing was looked at"


def test_a_program_reads_how_it_ended_also_where_nothing_could_be_looked_at() -> None:
    assert report([finding(Answer.PENDING)]).state == "warnings"
    assert report([], "no such file").state == "unasked"
