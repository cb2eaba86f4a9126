"""Checks of mail that leaves see what it shows, and where it does not come from the proxy."""

from __future__ import annotations

from typing import Any

import pytest

from mailnix.lab.internet.layout import INTERNET
from mailnix.lab.scenario import CheckFailed, Scene, outbound
from mailnix.lab.scenario.mails import sent
from mailnix.model.clientport import client_port

from .conftest import Guests
from .internets import TLS, outbound_internet


@pytest.mark.parametrize(("service", "implicit"), [("submissions", 1), ("submission", 0)])
def test_mail_is_submitted_with_tls_as_the_port_has_it(
    scene: Scene, guests: Guests, service: str, implicit: int
) -> None:
    outbound_internet(guests)
    sent(scene, service)
    (submitted,) = [command for command in guests[INTERNET].asked if "probe.py submit" in command]
    assert f"--implicit={implicit}" in submitted
    assert f"--port={client_port(service).port}" in submitted


def test_mail_that_leaves_well_passes(scene: Scene, guests: Guests) -> None:
    outbound_internet(guests)
    assert "198.51.100.80" in outbound.submission_keeps_the_client(scene)
    assert "203.0.113.10" in outbound.leaves_from_the_proxy(scene)
    assert "dmarc pass" in outbound.filters_pass(scene)
    assert outbound.headers_hide_home(scene)


@pytest.mark.parametrize(
    ("wrong", "check", "why"),
    [
        ({"client": "unknown[10.83.119.1]"}, outbound.submission_keeps_the_client, "another client"),
        ({"hop": "from mail.example.org (x [198.51.100.201]) with ESMTPS"}, outbound.leaves_from_the_proxy, "another"),
        ({"hop": "from [10.83.119.1] (x [203.0.113.10]) with ESMTPS"}, outbound.leaves_from_the_proxy, "EHLO or PTR"),
        (
            {"hop": "from mail.example.org (mail.example.org [203.0.113.10]) with ESMTP id"},
            outbound.leaves_from_the_proxy,
            "TLS",
        ),
        ({"verdict": "spf=pass; dkim=fail; dmarc=pass"}, outbound.filters_pass, "dkim of alice@example.org is fail"),
        ({"verdict": "spf=pass; dkim=pass"}, outbound.filters_pass, "dmarc of alice@example.org is None"),
        ({"hop": "from x (x [172.22.1.253]) with ESMTPS"}, outbound.headers_hide_home, "172.22.1.253"),
        ({"hop": "from internal.localdomain (x) with ESMTPS"}, outbound.headers_hide_home, "internal.localdomain"),
    ],
)
def test_mail_that_leaves_badly_fails(
    scene: Scene, guests: Guests, wrong: dict[str, str], check: Any, why: str
) -> None:
    outbound_internet(guests, **wrong)
    with pytest.raises(CheckFailed, match=why):
        check(scene)


def test_a_bounce_must_say_why(scene: Scene, guests: Guests) -> None:
    outbound_internet(guests)
    bounce = "Return-Path: <>\nFrom: MAILER-DAEMON\n\n550 5.1.1 <nobody-here@elsewhere.test> unknown\n"
    guests[INTERNET].when("probe.py imap", {"ok": True, "count": 1, "messages": [bounce], "tls": TLS})
    assert "550" in outbound.bounce_reaches_the_sender(scene)
    guests[INTERNET].when(
        "probe.py imap", {"ok": True, "count": 1, "messages": ["Return-Path: <>\n\nsorry"], "tls": TLS}
    )
    with pytest.raises(CheckFailed, match="does not say why"):
        outbound.bounce_reaches_the_sender(scene)
