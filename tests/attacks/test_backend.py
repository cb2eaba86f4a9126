"""Mailcow refuses, closes, resets or hangs at each verb: nothing is lost, and nothing is taken that it did not take.

A permanent refusal is handed on only where it is about this sender, recipient or message; all else is temporary.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attrs import frozen

import rig as stands
from mailnix.services.haraka.values import Timing
from rig import MUTE, RESET, Haraka, Sink, Stand
from tests.attacks.dialogue import BODY, DOT, TO_DATA, play
from tests.attacks.marks import Kind, attacks
from tests.services.haraka.incoming import XCLIENT, haraka_in

CLOSE = ""
GREETING, HELLO, IDENTITY, SECOND_HELLO, FINAL_DOT = "", "EHLO", "XCLIENT", "EHLO after XCLIENT", "final dot"
PER_MAIL = ("MAIL", "RCPT", "DATA", FINAL_DOT)


@frozen
class Fault:
    """What the mail host does at a verb, and the code that the sender hears last begins with."""

    verb: str
    does: str
    right: str

    @property
    def name(self) -> str:
        """In words."""
        deeds = {CLOSE: "it hangs up", RESET: "it resets the connection", MUTE: "it never answers"}
        return f"{self.verb or 'greeting'}: {deeds.get(self.does, self.does)}"


BROKEN = (CLOSE, RESET, MUTE)
FAULTS = (
    *(Fault(GREETING, does, "4") for does in (*BROKEN, "421 busy", "554 no service", "SSH-2.0-OpenSSH", "2")),
    *(Fault(HELLO, does, "4") for does in (*BROKEN, "500 no", "421 bye", "250 no extension")),
    *(Fault(IDENTITY, does, "4") for does in (*BROKEN, "501 5.5.4 bad", "550 5.7.0 no", "421 bye", "450 later")),
    *(Fault(SECOND_HELLO, does, "4") for does in (*BROKEN, "421 bye", "550 no")),
    *(Fault(verb, does, "4") for verb in PER_MAIL for does in (*BROKEN, "451 4.3.0 later", "421 4.3.2 closing")),
    *(Fault(verb, "550 5.7.1 no", "5") for verb in PER_MAIL),
    Fault("DATA", "250 what?", "4"),
    Fault(FINAL_DOT, "250 2.0.0 kept", "2"),
)


@pytest.fixture(scope="module")
def mail_host() -> Iterator[Sink]:
    with stands.sink() as running:
        yield running


@pytest.fixture(scope="module")
def hasty(stand: Stand, mail_host: Sink) -> Iterator[Haraka]:
    """Waits a second or two, where a proxy waits eleven minutes."""
    timing = Timing(connect=1, patience=1, proxy=2, dns=1)
    with haraka_in(stand, mail_host.port, timing=timing) as running:
        yield running


def misbehave(host: Sink, fault: Fault) -> None:
    """From the next command on."""
    host.messages.clear()
    host.on_command = lambda _line: None
    host.dot, host.replies = "250 2.0.0 kept", {**XCLIENT}
    match fault.verb:
        case "final dot":
            host.dot = fault.does
        case "EHLO after XCLIENT":
            after = {"EHLO": fault.does, "HELO": fault.does}
            host.on_command = lambda line: host.replies.update(after if line.startswith("XCLIENT") else {})
        case verb:
            host.replies[verb] = fault.does


@pytest.mark.parametrize(
    "fault",
    attacks(
        Kind.BACKEND,
        FAULTS,
        name=lambda fault: fault.name,
        right=lambda fault: f"{fault.right}xx",
        source="RFC 5321 4.2.1, 4.2.5; Postfix smtpd_proxy_filter",
    ),
)
def test_the_sender_hears_what_became_of_the_mail(hasty: Haraka, mail_host: Sink, fault: Fault) -> None:
    misbehave(mail_host, fault)
    heard = play(hasty.port, (*TO_DATA, BODY + DOT), polite=True)
    assert heard.answer[:1] == fault.right, (heard, hasty.log[-2000:])
    if fault.verb != FINAL_DOT:
        assert mail_host.messages == []
