"""Whoever claims another address or login, or speaks a word that is not for strangers, is not believed."""

from __future__ import annotations

import base64

import pytest

from rig import Haraka, Postfix, Sink
from tests.attacks.dialogue import (
    BODY,
    DATA,
    DOT,
    EHLO,
    ENVELOPE,
    FOREIGN,
    HANGS_UP,
    LIKEWISE,
    MAIL,
    Dialogue,
    params,
    play,
    unsafe,
)
from tests.attacks.marks import Kind

XCLIENT = "Postfix smtpd_authorized_xclient_hosts"
XFORWARD = "Postfix smtpd_authorized_xforward_hosts"
PROXY = "haproxy proxy-protocol.txt; Postfix smtpd_upstream_proxy_protocol"
CHUNKING = "RFC 3030: only where offered"
AUTH = "RFC 4954 4: only where offered; XCLIENT_README on LOGIN"
UNKNOWN = "RFC 5321 4.2.4: 500 or 502"
SURE = "RFC 5321 3.5.3, 7.3: 252 tells nothing"
RUDE = "221 or 5xx"  # Postfix says goodbye to whoever speaks no SMTP
TRUSTED = b"127.0.0.99"  # Postfix's mynetworks
V2 = b"\r\n\r\n\0\r\nQUIT\n"
V2_TCP4 = V2 + b"\x21\x11\0\x0c" + bytes([127, 0, 0, 99, 127, 0, 0, 1]) + b"\x9c\x40\0\x19"
V2_LOCAL = V2 + b"\x20\0\0\0"


def claim(words: bytes, source: str, name: str = "") -> Dialogue:
    """Claim to be somebody who may relay, then try to."""
    return Dialogue(
        name or words.decode(),
        (EHLO, words + b"\r\n", EHLO, MAIL, FOREIGN),
        "5xx or 421 or hangs up",
        source,
    )


def first(words: bytes, name: str = "") -> Dialogue:
    """Say who one is before anything else, as a proxy before this one would."""
    right = "5xx or 421 or 221 or hangs up"  # 221: version 2 begins with QUIT, so that a server ends the session
    return Dialogue(name or words.decode().strip(), (words, EHLO, MAIL, FOREIGN), right, PROXY)


def word(words: bytes, right: str, source: str, postfix: str = LIKEWISE, name: str = "") -> Dialogue:
    """One command after EHLO."""
    return Dialogue(name or words.decode(), (EHLO, words + b"\r\n"), right, source, postfix=postfix)


PLAIN = base64.b64encode(b"\0alice@example.org\0secret")
CLAIMS = (
    claim(b"XCLIENT ADDR=" + TRUSTED, XCLIENT),
    claim(b"xclient addr=" + TRUSTED, XCLIENT),
    claim(b"XCLIENT ADDR=" + TRUSTED + b" PORT=25 NAME=localhost", XCLIENT),
    claim(b"XCLIENT LOGIN=alice@example.org", XCLIENT),
    claim(b"XCLIENT PROTO=ESMTP HELO=mail.example.org", XCLIENT),
    claim(b"XCLIENT ADDR=IPV6:::1", XCLIENT),
    claim(b"XCLIENT DESTADDR=" + TRUSTED + b" DESTPORT=587", XCLIENT),
    claim(b"XFORWARD ADDR=" + TRUSTED + b" NAME=localhost", XFORWARD),
    claim(b"XFORWARD SOURCE=LOCAL", XFORWARD),
    claim(b"PROXY TCP4 " + TRUSTED + b" 127.0.0.1 40000 25", PROXY, "PROXY TCP4 after EHLO"),
    claim(b"AUTH PLAIN " + PLAIN, AUTH, "AUTH PLAIN with a login"),
    claim(b"AUTH LOGIN", AUTH),
    claim(b"AUTH CRAM-MD5", AUTH),
    claim(b"AUTH EXTERNAL =", AUTH),
    claim(b"AUTH ANONYMOUS", AUTH),
    first(b"PROXY TCP4 " + TRUSTED + b" 127.0.0.1 40000 25\r\n"),
    first(b"PROXY TCP6 ::1 ::1 40000 25\r\n"),
    first(b"PROXY UNKNOWN\r\n"),
    first(b"PROXY\r\n"),
    first(V2_TCP4, "PROXY version 2, TCP4"),
    first(V2_LOCAL, "PROXY version 2, LOCAL"),
    Dialogue("AUTH= on MAIL", (EHLO, MAIL[:-2] + b" AUTH=<>\r\n", FOREIGN), "5xx", "RFC 4954 5"),
    Dialogue("MAIL from our own domain", (EHLO, b"MAIL FROM:<alice@example.org>\r\n", FOREIGN), "5xx", "RFC 5321 7.1"),
    Dialogue("MAIL from nobody", (EHLO, b"MAIL FROM:<>\r\n", FOREIGN), "5xx", "RFC 5321 4.5.5, 7.1"),
    Dialogue("EHLO by our own name", (b"EHLO mail.example.org\r\n", MAIL, FOREIGN), "5xx", "RFC 5321 4.1.4, 7.1"),
    Dialogue("EHLO by loopback's address", (b"EHLO [127.0.0.1]\r\n", MAIL, FOREIGN), "5xx", "RFC 5321 4.1.4, 7.1"),
)
WORDS = (
    word(b"ETRN example.org", "5xx", "RFC 1985: only where offered", "5xx or 4xx"),
    word(b"TURN", "5xx", "RFC 5321 F.1"),
    word(b"ATRN example.org", "5xx", UNKNOWN),
    word(b"EXPN staff", "5xx or 252", SURE),
    word(b"VRFY alice", "5xx or 252", SURE, "5xx or 252"),
    word(b"VRFY nobody-at-all", "5xx or 252", SURE),
    word(b"VRFY x@example.com", "5xx or 252", SURE),
    word(b"SEND FROM:<a@example.net>", "5xx", "RFC 5321 F.6"),
    word(b"SOML FROM:<a@example.net>", "5xx", "RFC 5321 F.6"),
    word(b"SAML FROM:<a@example.net>", "5xx", "RFC 5321 F.6"),
    word(b"INTERNALCMD flushQueue", "5xx", "Haraka's internalcmd: by key only"),
    word(b"INTERNALCMD key:guess flushQueue", "5xx", "Haraka's internalcmd: by key only"),
    word(b"INTERNALCMD key:undefined flushQueue", "5xx", "Haraka's internalcmd: by key only"),
    word(b"DEBUG", "5xx", UNKNOWN),
    word(b"WIZ", "5xx", UNKNOWN),
    word(b"XEXCH50 1 2", "5xx", UNKNOWN),
    word(b"BURL imap://alice@example.org/INBOX LAST", "5xx", "RFC 4468: only where offered"),
    word(b"__proto__", "5xx", "a word that names a property of every JavaScript object", RUDE),
    word(b"constructor x", "5xx", "a word that names a property of every JavaScript object"),
    word(b"GET / HTTP/1.1", f"5xx or 421 or {HANGS_UP}", "Postfix smtpd_forbidden_commands", RUDE),
    word(b"POST / HTTP/1.1", f"5xx or 421 or {HANGS_UP}", "Postfix smtpd_forbidden_commands", RUDE),
    word(b"CONNECT example.com:25 HTTP/1.1", f"5xx or 421 or {HANGS_UP}", "Postfix smtpd_forbidden_commands", RUDE),
)
CHUNKS = (
    Dialogue("BDAT for a message", (*ENVELOPE, b"BDAT 4 LAST\r\nhi\r\n"), "5xx", CHUNKING, postfix="250"),
    Dialogue(
        "BDAT that hides commands",
        (*ENVELOPE, b"BDAT 0\r\n" + DATA + BODY + DOT),
        "5xx",
        CHUNKING,
        accepted=1,
    ),
    Dialogue("BDAT of a negative size", (*ENVELOPE, b"BDAT -1 LAST\r\n"), "5xx", CHUNKING),
    Dialogue("BDAT of 2^64 bytes", (*ENVELOPE, b"BDAT 18446744073709551616\r\n"), "5xx", CHUNKING),
)


@pytest.mark.parametrize("dialogue", params(Kind.FORGERY, (*CLAIMS, *WORDS, *CHUNKS)))
def test_nobody_is_more_than_a_stranger(proxy: Haraka, backend: Sink, postfix: Postfix, dialogue: Dialogue) -> None:
    messages, commands = len(backend.messages), len(backend.commands)
    heard = play(proxy.port, dialogue.steps)
    assert heard.is_any_of(dialogue.right), heard
    assert len(backend.messages) - messages <= dialogue.accepted
    assert unsafe(backend.commands[commands:]) == []
    assert not any(TRUSTED.decode() in line or "LOGIN=" in line for line in backend.commands[commands:])
    if dialogue.right_of_postfix:
        alone = play(postfix.port, dialogue.steps)
        assert alone.is_any_of(dialogue.right_of_postfix), alone
