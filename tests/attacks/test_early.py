"""Whoever talks before the greeting is no mail server: nothing is taken, and the next one is served."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from rig import Haraka, Sink, Stand
from tests.attacks.dialogue import BODY, DATA, DOT, EHLO, MAIL, RCPT, TO_DATA, play
from tests.attacks.marks import Kind, attack
from tests.services.haraka.incoming import Raw, haraka_in

HELLO = b"\x16\x03\x01\x00\x2e\x01\x00\x00\x2a\x03\x03" + b"\x01" * 35
EARLY = {
    "EHLO": EHLO,
    "a whole mail at once": EHLO + MAIL + RCPT + DATA + BODY + DOT + b"QUIT\r\n",
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: mail.example.org\r\n\r\n",
    "an HTTP request with a mail in it": b"POST / HTTP/1.1\r\n\r\n" + EHLO + MAIL + RCPT + DATA + BODY + DOT,
    "a TLS hello": HELLO,
    "a PROXY line": b"PROXY TCP4 127.0.0.99 127.0.0.1 40000 25\r\n",
    "an empty line": b"\r\n",
    "one byte": b"x",
    "64 KiB without a line's end": b"x" * 65536,
}


@pytest.fixture(scope="module")
def slow(stand: Stand, backend: Sink) -> Iterator[Haraka]:
    """Its greeting takes a second, for which it waits for a name server that says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        with haraka_in(stand, backend.port, nameserver=f"127.0.0.1:{silent.getsockname()[1]}") as running:
            yield running


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            id=name,
            marks=attack(
                Kind.EARLY, what=name, right="554 and the end", source="RFC 5321 3.1; Postfix postscreen_greet_banner"
            ),
        )
        for name in EARLY
    ],
)
def test_who_talks_early_is_turned_away(slow: Haraka, backend: Sink, name: str) -> None:
    messages = len(backend.messages)
    with Raw.connected(slow.port, f"127.0.8.{1 + list(EARLY).index(name)}") as session:
        session.send(EARLY[name])
        assert [reply[:3] for reply in session.replies()] in (["554"], [])
    assert len(backend.messages) == messages


@attack(Kind.EARLY, right="250", source="RFC 5321 3.1")
def test_who_waits_for_the_greeting_is_served(slow: Haraka) -> None:
    assert play(slow.port, (*TO_DATA, BODY + DOT)).answer[:3] == "250"
