"""What a finding shows is fit for a terminal, whoever said it."""

from __future__ import annotations

import pytest

from mailnix.doctor.values import SHOWN, Answer, Check, Severity, Vantage, Verdict


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("554 go\r\naway", "554 go away"),
        ("220 \x1b[2J\x1b]0;title\x07mx", "220 [2J ]0;title mx"),
        ("a\u202eb", "a b"),
        ("grüße", "grüße"),
        ("", ""),
    ],
)
def test_evidence_is_one_line_without_control_codes(said: str, shown: str) -> None:
    check: Check[None] = Check("a.b", "It is.", Severity.FAILURE, Vantage.HERE, lambda _facts: ())
    assert check.finding(Verdict("x", Answer.WRONG, said)).evidence == shown


def test_no_part_of_a_finding_has_control_codes_or_megabytes_of_others() -> None:
    check: Check[None] = Check("a.b", "It is.", Severity.FAILURE, Vantage.HERE, lambda _facts: ())
    code = "\x1b]0;title\x07"
    found = check.finding(Verdict(f"x{code}", Answer.WRONG, "a" * 2**20, f"remove v=spf1 {code}-all\nand more"))
    assert "".join((found.subject, found.evidence, found.advice)).isprintable()
    assert len(found.evidence) < 2000


def test_a_subject_and_advice_are_as_short_as_evidence() -> None:
    check: Check[None] = Check("a.b", "It is.", Severity.FAILURE, Vantage.HERE, lambda _facts: ())
    found = check.finding(Verdict("x" * 9999, Answer.WRONG, "y" * 9999, "z" * 9999))
    assert len(found.subject) == len(found.advice) == len(found.evidence) == SHOWN + 1
