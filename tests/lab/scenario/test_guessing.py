"""The check of guessed passwords sees whose address is logged."""

from __future__ import annotations

import pytest

from mailnix.lab.internet.layout import INTERNET
from mailnix.lab.scenario import CheckFailed, Scene, guessing

from .conftest import Guests

IMAP_GUESS = "imap-login: (auth failed, 1 attempts): rip={}\n"
SMTP_GUESS = "warning: unknown[{}]: SASL PLAIN authentication failed\n"


@pytest.mark.parametrize(
    ("dovecot", "postfix", "why"),
    [
        (IMAP_GUESS.format("10.83.119.1"), SMTP_GUESS.format("198.51.100.66"), "dovecot-mailcow logged others than"),
        (IMAP_GUESS.format("198.51.100.66"), SMTP_GUESS.format("10.83.119.1"), "postfix-mailcow logged others than"),
        ("quiet\n", SMTP_GUESS.format("198.51.100.66"), "dovecot-mailcow logged no failed login"),
        (IMAP_GUESS.format("198.51.100.66"), "quiet\n", "postfix-mailcow logged no failed login"),
    ],
)
def test_guesses_that_seem_to_come_from_elsewhere_are_noticed(
    scene: Scene, guests: Guests, dovecot: str, postfix: str, why: str
) -> None:
    guests[INTERNET].when("logins.py guesses", {"ok": True, "answers": []})
    guests["internal"].when("dovecot-mailcow", IMAP_GUESS.format("198.51.100.66"))
    guests["internal"].when("postfix-mailcow", SMTP_GUESS.format("198.51.100.66"))
    assert "198.51.100.66" in guessing.shows_the_guesser(scene)
    guests["internal"].when("dovecot-mailcow", dovecot).when("postfix-mailcow", postfix)
    with pytest.raises(CheckFailed, match=why):
        guessing.shows_the_guesser(scene)
