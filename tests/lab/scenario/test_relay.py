"""Checks of who may relay see who may, and where nobody was asked."""

from __future__ import annotations

import re
from typing import Any

import pytest
from attrs import evolve

from mailnix.lab.internet.layout import INTERNET
from mailnix.lab.scenario import CheckFailed, Scene, relay
from mailnix.model.clientport import client_port

from .conftest import Guests
from .internets import REFUSED, replies


@pytest.mark.parametrize(
    "check", [relay.outside_is_denied, relay.forged_xclient_is_denied, relay.forged_proxy_header_is_denied]
)
def test_relaying_is_noticed(scene: Scene, guests: Guests, check: Any) -> None:
    guests[INTERNET].when("probe.py smtp", REFUSED)
    assert "554" in check(scene)
    guests[INTERNET].when("probe.py smtp", replies(("", 220), ("EHLO x", 250), ("RCPT TO:<b>", 250)))
    with pytest.raises(CheckFailed, match="is possible"):
        check(scene)


def test_a_server_that_does_not_answer_has_denied_nothing(scene: Scene, guests: Guests) -> None:
    guests[INTERNET].when("probe.py smtp", {"ok": False, "error": "TimeoutError"})
    with pytest.raises(CheckFailed, match="nobody answered"):
        relay.outside_is_denied(scene)


def test_xclient_offered_to_strangers_is_noticed(scene: Scene, guests: Guests) -> None:
    offering = replies(("", 220), ("RCPT TO:<b>", 554))
    offering["replies"].insert(1, {"sent": "EHLO x", "code": 250, "text": "250-x\n250 XCLIENT ADDR"})
    guests[INTERNET].when("probe.py smtp", offering)
    with pytest.raises(CheckFailed, match="offers XCLIENT"):
        relay.forged_xclient_is_denied(scene)


@pytest.mark.parametrize(
    ("smtp", "submission", "why"),
    [
        ("250-XCLIENT\n> RCPT TO:<b>\n250 ok", "250 x", "may relay"),
        ("250 x\n> RCPT TO:<b>\n554 no", "250 x", "no more"),
        ("250-XCLIENT\n> RCPT TO:<b>\n554 no", "250-x\n250 XCLIENT", "offers XCLIENT to proxy"),
        ("250-XCLIENT\n> RCPT TO:<b>\n554 no", "", "no answer"),
    ],
)
def test_the_tunnel_gives_no_more_rights_than_planned(
    scene: Scene, guests: Guests, smtp: str, submission: str, why: str
) -> None:
    guests["proxy"].when("^bash", smtp).when("openssl", submission)
    with pytest.raises(CheckFailed, match=why):
        relay.tunnel_is_denied(scene)


def test_xclient_is_tried_on_every_port_of_mailcows_postfix(scene: Scene, guests: Guests) -> None:
    more = evolve(client_port("submission"), name="more", port=2587)
    internal = scene.plan.internal
    plan = evolve(scene.plan, internal=evolve(internal, client_ports=(*internal.client_ports, more)))
    guests[INTERNET].when("probe.py smtp", REFUSED)
    relay.forged_xclient_is_denied(Scene(plan, scene.layout, guests, scene.disks))
    tried = [re.findall(r"--(?:port|implicit)=(\d+)", command) for command in guests[INTERNET].asked]
    assert tried == [["25", "0"], ["587", "0"], ["2587", "0"], ["465", "1"]]
