"""Records are compared by what they say."""

from __future__ import annotations

from mailnix import resolve


def test_records_are_the_same_whatever_their_case_and_wherever_a_text_is_cut() -> None:
    assert resolve.same("MX", "10 Mail.Example.org.", "10 mail.example.org.")
    assert not resolve.same("MX", "20 mail.example.org.", "10 mail.example.org.")
    assert resolve.same("TXT", '"v=DKIM1; p=AAAA" "BBBB"', '"v=DKIM1; p=AA" "AABBBB"')
    assert not resolve.same("TXT", '"a b"', '"ab"')
    assert resolve.text_of('"v=spf1 " "-all"') == "v=spf1 -all"
