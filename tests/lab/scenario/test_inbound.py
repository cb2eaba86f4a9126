"""Checks of mail that comes in see what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from mailnix.lab.internet.layout import INTERNET
from mailnix.lab.scenario import CheckFailed, Scene, inbound

from .conftest import Guests
from .internets import CLIENT_LOG, RELAY, inbound_internet


def test_mail_that_arrives_passes(scene: Scene, guests: Guests) -> None:
    inbound_internet(guests)
    assert "TLSv1.3" in inbound.arrives_over_ipv4(scene)
    assert inbound.is_read_by_a_program(scene)
    assert "198.51.100.25" in inbound.mailcow_sees_the_sender_over_ipv4(scene)
    assert sum("post.py send" in command for command in guests[INTERNET].asked) == 1


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"tls": "Untrusted TLS connection established"}, "not verified"),
        ({"tls": ""}, "not verified"),
        ({"relay": "other[192.0.2.9]:25"}, "stranger"),
        ({"relay": "mail.example.org[2001:db8:113::10]:25"}, "not delivered over IPv4"),
        ({"count": 2}, "2 copies"),
        ({"count": 0}, "0 copies"),
    ],
)
def test_mail_that_arrives_wrongly_fails(scene: Scene, guests: Guests, wrong: dict[str, Any], why: str) -> None:
    inbound_internet(guests, **wrong)
    with pytest.raises(CheckFailed, match=why):
        inbound.arrives_over_ipv4(scene)


def test_a_sender_hidden_behind_the_proxy_fails(scene: Scene, guests: Guests) -> None:
    inbound_internet(guests, log=CLIENT_LOG.replace("mx.elsewhere.test[198.51.100.25]", "unknown[10.83.119.1]"))
    with pytest.raises(CheckFailed, match="another client"):
        inbound.mailcow_sees_the_sender_over_ipv4(scene)


def test_a_sender_whose_name_is_lost_fails(scene: Scene, guests: Guests) -> None:
    inbound_internet(guests, log=CLIENT_LOG.replace("client=mx.elsewhere.test", "client=unknown"))
    with pytest.raises(CheckFailed, match="name was lost"):
        inbound.mailcow_sees_the_sender_over_ipv4(scene)


@pytest.mark.parametrize("said", ["250 ok", "450 later", "550 no (in reply to end of DATA command)"])
def test_an_unknown_recipient_must_be_refused_at_rcpt(scene: Scene, guests: Guests, said: str) -> None:
    inbound_internet(guests)
    fate = {"relay": RELAY, "status": "sent", "said": "", "tls": ""}
    bad = {"relay": RELAY, "status": "bounced", "said": said, "tls": ""}
    answer = {"ok": True, "recipients": {"alice@example.org": fate, "nobody-word-1@example.org": bad}}
    guests[INTERNET].when("post.py send", answer)
    with pytest.raises(CheckFailed, match="550 at RCPT"):
        inbound.unknown_recipient_is_refused_alone(scene)
