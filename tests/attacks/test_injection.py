"""Bytes that end a line, hide or colour something for whoever reads it next: Mailcow, or a person."""

from __future__ import annotations

import re

import pytest

from rig import Haraka, Postfix, Sink
from tests.attacks.dialogue import EHLO, MAIL, RCPT, Dialogue, params, play, unsafe
from tests.attacks.marks import Kind, attack

LINES = "RFC 5321 2.3.8, 4.1.2: CR, LF and NUL in no command"
ASCII = "RFC 5321 4.1.2; 8-bit only with SMTPUTF8 (RFC 6531), which is not offered"
LOG = "GHSA-4gxg-q43p-hfr2"
INNER = b"RCPT TO:<victim@example.com>"
ANY = "250 or 4xx or 5xx or hangs up"


def sender(name: str, path: bytes, source: str, right: str = "5xx or 4xx", postfix: str = ANY) -> Dialogue:
    """A sender's address; then a recipient of ours, so that Mailcow is told of both where the first is taken."""
    return Dialogue(f"MAIL: {name}", (EHLO, b"MAIL FROM:<" + path + b">\r\n", RCPT), right, source, postfix=postfix)


def recipient(name: str, path: bytes, source: str, postfix: str = ANY) -> Dialogue:
    """A recipient's address."""
    return Dialogue(
        f"RCPT: {name}", (EHLO, MAIL, b"RCPT TO:<" + path + b">\r\n"), "5xx or 4xx", source, postfix=postfix
    )


def hello(name: str, argument: bytes, source: str, right: str = ANY) -> Dialogue:
    """A name in EHLO; Mailcow is told it when a mail follows."""
    return Dialogue(f"EHLO: {name}", (b"EHLO " + argument + b"\r\n", MAIL, RCPT), right, source, postfix="")


INJECTED = (
    sender("CR and a command", b"a@example.net\r" + INNER, LINES),
    sender("LF and a command", b"a@example.net>\n" + INNER + b"\n", LINES, right=ANY),
    sender("quoted CR and a command", b'"a\r' + INNER + b'"@example.net', LINES),
    sender("NUL", b"a\0@example.net", LINES),
    sender("escape sequence", b"a\x1b[2J@example.net", LINES),
    sender("DEL", b"a\x7f@example.net", LINES),
    sender("tab", b"a\tb@example.net", LINES),
    sender("U+010A and a command", b"a\xc4\x8a" + INNER + b"@example.net", ASCII),
    sender("Latin-1", b"ren\xe9@example.net", ASCII),
    sender("UTF-8", b"ren\xc3\xa9@example.net", ASCII),
    sender("second address", b"a@example.net> <b@example.net", "RFC 5321 4.1.2", postfix="5xx"),
    sender("XCLIENT's separator", b"a@example.net ADDR=127.0.0.99", "RFC 5321 4.1.2"),
    recipient("CR and a command", b"alice@example.org\r" + INNER, LINES, "5xx"),
    recipient("CR within quotes", b'"al\rice"@example.org', LINES, "5xx"),
    recipient("escape sequence", b"alice\x1b[2J@example.org", LINES, "5xx"),
    recipient("tab", b"ali\tce@example.org", LINES, "5xx"),
    recipient("Latin-1", b"ren\xe9@example.org", ASCII, "5xx"),
    recipient("UTF-8", b"ren\xc3\xa9@example.org", ASCII, "5xx"),
    recipient("U+0100, NUL when cut to a byte", b"alice\xc4\x80@example.org", ASCII, "5xx"),
    hello("CR and a command", b"a.example.net\rXCLIENT ADDR=127.0.0.99", LINES),
    hello("LF and a command", b"a.example.net\n" + INNER, LINES),
    hello("NUL", b"a\0.example.net", LINES),
    hello("escape sequence", b"\x1b]0;owned\x07.example.net", LINES),
    hello("Latin-1", b"\xe9.example.net", ASCII),
    hello("UTF-8", b"\xc3\xa9.example.net", ASCII),
    hello("XCLIENT's separator", b"a.example.net ADDR=127.0.0.99 LOGIN=alice", "Postfix XCLIENT_README: xtext"),
    hello("nothing", b"", "RFC 5321 4.1.1.1"),
    hello("1,900 bytes", b"x" * 1900, "RFC 5321 4.5.3.1.4: 512 octets"),
)


@pytest.mark.parametrize("dialogue", params(Kind.INJECTION, INJECTED))
def test_no_byte_of_a_command_is_read_as_more(
    proxy: Haraka, backend: Sink, postfix: Postfix, dialogue: Dialogue
) -> None:
    messages, commands = len(backend.messages), len(backend.commands)
    heard = play(proxy.port, dialogue.steps)
    assert heard.is_any_of(dialogue.right), heard
    assert len(backend.messages) == messages
    asked = backend.commands[commands:]
    assert unsafe(asked) == []
    assert not any("ADDR=127.0.0.99" in line for line in asked if line.startswith("XCLIENT"))
    if dialogue.right_of_postfix:
        alone = play(postfix.port, dialogue.steps)
        assert alone.is_any_of(dialogue.right_of_postfix), alone


FORGED = b"[INFO] [-] [core] forged by a client"


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        pytest.param(
            name,
            steps,
            id=name,
            marks=attack(
                Kind.INJECTION, what=f"log: {name}", right="no line of the log, no control character", source=LOG
            ),
        )
        for name, steps in (
            ("CR in EHLO", (b"EHLO a.example.net\r" + FORGED + b"\r\n",)),
            ("LF in EHLO", (b"EHLO a.example.net\n" + FORGED + b"\r\n",)),
            ("CR in MAIL", (EHLO, b'MAIL FROM:<"a\r' + FORGED + b'"@example.net>\r\n')),
            ("CR in RCPT", (EHLO, MAIL, b'RCPT TO:<"a\r' + FORGED + b'"@example.org>\r\n')),
            ("escape sequence in EHLO", (b"EHLO \x1b[2J\x1b]0;owned\x07\r\n", MAIL)),
            ("escape sequence in a command", (b"\x1b[2Jwhat\r\n",)),
            ("U+2028 and U+0085 in EHLO", (b"EHLO a\xe2\x80\xa8" + FORGED + b"\xc2\x85" + FORGED + b"\r\n", MAIL)),
        )
    ],
)
def test_nobody_writes_lines_of_our_log(proxy: Haraka, name: str, steps: tuple[bytes, ...]) -> None:
    before = len(proxy.log)
    play(proxy.port, steps)
    written = proxy.log[before:]
    assert not re.search(rf"^{re.escape(FORGED.decode())}", written, re.MULTILINE)
    assert not re.search(r"[\0-\x08\x0b-\x1f\x7f\x85\u2028\u2029]", written), written
