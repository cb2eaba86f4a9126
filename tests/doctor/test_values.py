"""What a finding shows is fit for a terminal, whoever said it."""

from __future__ import annotations

import pytest

from mailnix.doctor.values import Answer, Check, Severity, Vantage, Verdict


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
