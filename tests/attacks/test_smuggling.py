"""A message goes on after something that only some servers read as its end: never two messages."""

from __future__ import annotations

import pytest

from mailnix.lab.scenario import smuggling
from rig import Haraka, Postfix, Sink
from tests.attacks.dialogue import LIKEWISE, TO_DATA, Dialogue, escaped, params, play, taken_by_postfix, unsafe
from tests.attacks.marks import Kind

CARRIER = b"From: carol@example.net\r\nSubject: carrier\r\n\r\nbody"
SMUGGLED = (
    b"MAIL FROM:<smuggled@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"
    b"Subject: smuggled\r\n\r\nsmuggled\r\n.\r\n"
)
BARE_LF = "RFC 5321 2.3.8, 4.1.1.4; Postfix smtpd_forbid_bare_newline; CVE-2023-51764, CVE-2024-27305"
BARE_CR = "RFC 5321 2.3.8: CR only before LF; CVE-2023-51765, CVE-2023-51766"
NOT_A_DOT = "RFC 5321 4.1.1.4: only a line of one dot ends it"


def after(ending: bytes, right: str, source: str, postfix: str = LIKEWISE, name: str = "") -> Dialogue:
    """A mail in which this ending stands before what would be the next mail."""
    return Dialogue(
        name or escaped(ending), (*TO_DATA, CARRIER + ending + SMUGGLED), right, source, accepted=1, postfix=postfix
    )


ENDINGS = (
    after(b"\n.\n", "4xx or 5xx", BARE_LF),
    after(b"\n.\r\n", "4xx or 5xx", BARE_LF),
    after(b"\r\n.\n", "4xx or 5xx", BARE_LF),
    after(b"\n\n.\r\n", "4xx or 5xx", BARE_LF),
    after(b"\r.\r", "250 or 4xx or 5xx", BARE_CR),
    after(b"\r.\r\n", "250 or 4xx or 5xx", BARE_CR),
    after(b"\r\n.\r", "250 or 4xx or 5xx", BARE_CR),
    after(b"\r\n.\r\r\n", "250 or 4xx or 5xx", BARE_CR),
    after(b"\r\r\n.\r\r\n", "250 or 4xx or 5xx", BARE_CR),
    after(b"\r\n\0.\r\n", "250 or 4xx or 5xx", NOT_A_DOT),
    after(b"\r\n.\0\r\n", "250 or 4xx or 5xx", NOT_A_DOT),
    after(b"\r\n. \r\n", "250 or 4xx or 5xx", NOT_A_DOT),
    after(b"\r\n .\r\n", "250 or 4xx or 5xx", NOT_A_DOT),
    after(b"\r\n..\r\n", "250 or 4xx or 5xx", "RFC 5321 4.5.2: two dots are one, in a line of the message"),
    after(b"\r\n.\x0b\r\n", "250 or 4xx or 5xx", NOT_A_DOT),
    after(b"\r\n\xe2\x80\xa4\r\n", "250 or 4xx or 5xx", NOT_A_DOT, name="U+2024, a dot to some"),
    after(b"\xe2\x80\xa8.\xe2\x80\xa8", "250 or 4xx or 5xx", NOT_A_DOT, name="U+2028, a line's end to some"),
    after(b"\xc2\x85.\xc2\x85", "250 or 4xx or 5xx", NOT_A_DOT, name="U+0085, a line's end to some"),
)


@pytest.mark.parametrize("dialogue", params(Kind.SMUGGLING, ENDINGS))
def test_one_message_never_becomes_two(proxy: Haraka, backend: Sink, postfix: Postfix, dialogue: Dialogue) -> None:
    before, commands = len(backend.messages), len(backend.commands)
    heard = play(proxy.port, dialogue.steps)
    assert heard.is_any_of(dialogue.right), heard
    assert len(backend.messages) - before <= dialogue.accepted
    assert "MAIL FROM:<smuggled" not in "".join(backend.commands[commands:])
    assert unsafe(backend.commands[commands:]) == []
    alone = play(postfix.port, dialogue.steps)
    assert alone.is_any_of(dialogue.right_of_postfix), alone
    assert taken_by_postfix(alone) <= dialogue.accepted


def test_what_the_lab_sends_to_booted_machines_is_tried_here_too() -> None:
    assert {escaped(ending) for ending in smuggling.ENDINGS} <= {dialogue.name for dialogue in ENDINGS}
