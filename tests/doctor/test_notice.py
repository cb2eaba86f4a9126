"""A notice is a short mail that says what has changed, and that no program answers."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default

from mailnix.doctor.notice import MOST, notice
from mailnix.doctor.values import Answer, Finding, Severity, Vantage

NOW = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)
MX = Finding(
    "dns.mx", "example.org MX", Vantage.AUTHORITATIVE, Severity.FAILURE, Answer.WRONG, "has MX 5 mx.evil.", "remove it"
)
CLOCK = Finding("proxy.clock", "proxy", Vantage.PROXY, Severity.WARNING, Answer.WRONG, "90 s off", "set it")
WELL = Finding("dns.ptr", "192.0.2.1", Vantage.RESOLVER, Severity.FAILURE, Answer.WELL, "mail.example.org.")


def sent(*news: Finding, sender: str = "me@provider.example") -> EmailMessage:
    """As it arrives."""
    made = notice("mail.example.org", news, "you@example.net", sender, "mailnix doctor 'my mail.py'", NOW)
    arrived = message_from_bytes(made.as_bytes(policy=SMTP), policy=default)
    assert isinstance(arrived, EmailMessage)
    return arrived


def test_the_subject_has_the_host_and_how_many_of_each() -> None:
    assert sent(WELL, CLOCK, MX)["Subject"] == "[mail.example.org] 1 failure, 1 warning, 1 well again"


def test_the_text_has_the_worst_first_with_id_evidence_and_what_to_do() -> None:
    assert sent(WELL, CLOCK, MX).get_content().splitlines() == [
        "What has changed at mail.example.org since mailnix doctor last looked:",
        "",
        "failure: dns.mx: example.org MX",
        "    has MX 5 mx.evil. [the authoritative servers]",
        "    → remove it",
        "",
        "warning: proxy.clock: proxy",
        "    90 s off [the proxy]",
        "    → set it",
        "",
        "well again: dns.ptr: 192.0.2.1",
        "    mail.example.org. [a recursive resolver]",
        "",
        "How all of it is now:",
        "    mailnix doctor 'my mail.py'",
    ]


def test_its_headers_say_that_a_program_wrote_it() -> None:
    mail = sent(MX)
    assert (mail["Auto-Submitted"], mail["To"], mail["From"]) == (
        "auto-generated",
        "you@example.net",
        "mailnix doctor <me@provider.example>",
    )
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"].endswith("@mail.example.org>")
    assert mail.get_content_type() == "text/plain"


def test_every_server_can_take_its_bytes() -> None:
    raw = notice("mail.example.org", [MX] * 200, "you@example.net", "", "mailnix doctor", NOW).as_bytes(policy=SMTP)
    assert raw.isascii()
    assert max(map(len, raw.splitlines())) <= 998  # RFC 5322 2.1.1


def test_a_zone_that_is_lost_makes_no_endless_mail() -> None:
    text = sent(*[MX] * (MOST + 5)).get_content()
    assert text.count("dns.mx") == MOST
    assert "… and 5 more." in text


def test_sendmail_is_left_to_say_who_runs_it() -> None:
    assert sent(MX, sender="")["From"] is None
