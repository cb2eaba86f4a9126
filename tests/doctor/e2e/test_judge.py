"""A mail each way: what arrived, what was made of it, and how long it took."""

from __future__ import annotations

import pytest

from mailnix.doctor.e2e.judge import CHECKS, Trip, Trips
from mailnix.doctor.values import Answer, Finding, Severity

WRONG, ABSENT, UNASKED, WELL = Answer.WRONG, Answer.ABSENT, Answer.UNASKED, Answer.WELL
FAR = "mx.far.example"
PASSED = "spf=pass smtp.mailfrom=alice@example.org; dkim=pass header.d=example.org; dmarc=pass header.from=example.org"


def mail(said: str, server: str = FAR, author: str = "alice@example.org") -> bytes:
    return f"Authentication-Results: {server}; {said}\nFrom: {author}\n\nhello\n".encode()


def out(said: str, *, seconds: float = 7.0, spf: bool = True, strict: bool = False) -> list[Finding]:
    return judged(
        Trips(out=Trip("alice@example.org", "you@far.example", "", mail(said), "", seconds, FAR, spf, strict))
    )


def judged(trips: Trips) -> list[Finding]:
    return [check.finding(verdict) for check in CHECKS for verdict in check.judge(trips)]


def test_a_mail_that_is_taken_for_ours_is_well() -> None:
    (found,) = out(PASSED)
    assert (found.id, found.answer, found.evidence) == ("e2e.out", WELL, "spf=pass dkim=pass dmarc=pass, in 7 seconds")


def test_one_good_signature_of_two_is_enough() -> None:
    assert [each.answer for each in out(f"dkim=fail header.d=list.example; {PASSED}")] == [WELL]


OURS = (
    ("spf=fail; dkim=pass header.d=example.org; dmarc=pass", [("spf", WRONG)]),
    ("spf=softfail; dkim=pass header.d=example.org; dmarc=pass", [("spf", WRONG)]),
    ("spf=none; dkim=pass header.d=example.org; dmarc=pass", [("spf", ABSENT)]),
    ("spf=temperror; dkim=pass header.d=example.org; dmarc=pass", [("spf", UNASKED)]),
    ("spf=pass; dkim=none; dmarc=pass", [("dkim", ABSENT)]),
    ("spf=pass; dmarc=pass", [("dkim", ABSENT)]),
    ("spf=pass; dkim=fail header.d=example.org; dmarc=pass", [("dkim", WRONG)]),
    ("spf=pass; dkim=pass header.d=other.example; dmarc=pass", [("dkim", WRONG)]),
    ("spf=pass smtp.mailfrom=x@other.example; dkim=pass header.d=example.org; dmarc=pass", [("spf", WRONG)]),
    ("spf=pass; dkim=pass header.d=example.org; dmarc=none", [("dmarc", ABSENT)]),
    ("spf=pass; dkim=pass header.d=example.org; dmarc=fail", [("dmarc", WRONG)]),
    ("spf=permerror; dkim=pass header.d=example.org; dmarc=fail", [("spf", WRONG), ("dmarc", WRONG)]),
)


@pytest.mark.parametrize(("said", "expected"), OURS, ids=[said for said, _ in OURS])
def test_what_does_not_pass_is_found_by_its_method_and_nothing_else_is(
    said: str, expected: list[tuple[str, Answer]]
) -> None:
    found = out(said)
    assert [(each.subject.rpartition(", ")[2], each.answer) for each in found] == expected
    assert all(each.advice and each.id == "e2e.out" for each in found)


def test_where_a_relay_sends_for_us_spf_is_its_own() -> None:
    said = "spf=fail; dkim=pass header.d=example.org; dmarc=pass"
    assert [each.answer for each in out(said, spf=False)] == [WELL]


@pytest.mark.parametrize(("strict", "answer"), [(False, WELL), (True, WRONG)])
def test_a_signature_of_a_sub_domain_counts_unless_alignment_is_strict(strict: bool, answer: Answer) -> None:
    said = "spf=pass; dkim=pass header.d=mail.example.org; dmarc=pass"
    assert [each.answer for each in out(said, strict=strict)] == [answer]


def test_a_receiver_that_judges_nothing_cannot_be_asked() -> None:
    (found,) = out("x-foo=pass")
    assert (found.answer, found.evidence) == (UNASKED, f"{FAR} says nothing of SPF, DKIM and DMARC")


def test_a_slow_mail_is_a_warning() -> None:
    (found,) = out(PASSED, seconds=400.0)
    assert (found.answer, found.severity, found.evidence) == (WRONG, Severity.WARNING, "it took 400 seconds")


def test_a_mail_that_never_arrives_is_absent() -> None:
    (found,) = judged(Trips(out=Trip("alice@example.org", "you@far.example", seconds=300.0)))
    assert (found.answer, found.evidence) == (ABSENT, "it did not arrive within 300 seconds")


def test_a_mail_that_could_not_be_sent_says_nothing_of_those_that_can() -> None:
    (found,) = judged(Trips(out=Trip("alice@example.org", "you@far.example", "postfix-mailcow does not run")))
    assert (found.answer, found.evidence) == (UNASKED, "postfix-mailcow does not run")


def test_a_mailbox_that_is_not_ours_to_read_has_taken_it() -> None:
    (found,) = judged(Trips(out=Trip("a@example.org", "b@far.example", taken="250 2.0.0 OK 17645 gsmtp", seconds=3.0)))
    assert found.answer is WELL
    assert found.evidence.startswith("taken in 3 seconds: 250 2.0.0 OK")


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("spf=pass; dkim=none; dmarc=none", WELL),
        ("spf=fail; dkim=pass; dmarc=pass", WELL),
        ("spf=none; dkim=none; dmarc=none", WELL),
        ("spf=fail; dkim=none; dmarc=none", WRONG),
        ("spf=softfail; dkim=fail; dmarc=fail", WRONG),
        ("x=y", ABSENT),
    ],
)
def test_what_comes_in_is_judged_by_its_sender(said: str, answer: Answer) -> None:
    raw = mail(said, "mail.example.org", "you@far.example")
    (found,) = judged(Trips(back=Trip("you@far.example", "alice@example.org", "", raw, "", 5.0, "mail.example.org")))
    assert (found.id, found.answer) == ("e2e.in", answer)


def test_without_a_mail_nothing_is_said() -> None:
    assert judged(Trips()) == []
