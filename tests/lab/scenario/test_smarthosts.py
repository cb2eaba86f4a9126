"""The check of relays sees mail that takes another way, or that nobody was logged in for."""

from __future__ import annotations

import pytest

from mailnix.lab.internet.layout import INTERNET, layout
from mailnix.lab.scenario import CheckFailed, Scene, checks_for, smarthosts
from mailnix.lab.waiting import Wait
from mailnix.plan import Plan

from .conftest import FakeDisks, FakeGuest
from .test_addresses import everything

__all__ = ["everything"]

VERDICTS = "Authentication-Results: mx.elsewhere.test; spf=pass; dkim=pass; dmarc=pass"
LAST = "Received: from smtp.relay.example (smtp.relay.example [198.51.100.90])\n\tby mx.elsewhere.test with ESMTP id 1"
BEFORE = "Received: from mx.example.org ([203.0.113.10])\n\tby smtp.relay.example as you@example.org with ESMTPSA"


@pytest.fixture
def lived_in(everything: Plan, disks: FakeDisks) -> Scene:
    guests = {INTERNET: FakeGuest().when("probe.py submit", {"ok": True}), "internal": FakeGuest()}
    return Scene(everything, layout(everything), guests, disks, wait=lambda _seconds: Wait(0.0))


def arrived(scene: Scene, *headers: str, count: int = 1) -> None:
    text = "\n".join((*headers, "Subject: word-1", "", "hi", ""))
    scene.machines[INTERNET].when("post.py inbox", {"ok": True, "count": count, "messages": [text] * count})


def test_mail_that_goes_by_the_relay_passes(lived_in: Scene) -> None:
    arrived(lived_in, VERDICTS, LAST, BEFORE)
    said = smarthosts.carry_what_they_should(lived_in)
    assert said == "carol@blocks-us.example: by smtp.relay.example, as you@example.org, over TLS"


@pytest.mark.parametrize(
    ("headers", "count", "why"),
    [
        ((VERDICTS, LAST, BEFORE), 0, "0 copies"),
        ((VERDICTS, BEFORE.replace("mx.example.org", "x"), LAST), 1, "did not come from smtp.relay.example"),
        ((VERDICTS, LAST, BEFORE.replace("as you@example.org", "as nobody")), 1, "not by smtp.relay.example as you"),
        ((VERDICTS, LAST, BEFORE.replace("203.0.113.10", "192.0.2.1")), 1, "from proxy"),
        ((VERDICTS.replace("spf=pass", "spf=fail"), LAST, BEFORE), 1, "spf of mail by smtp.relay.example is fail"),
        ((VERDICTS.replace("dmarc=pass", "dmarc=fail"), LAST, BEFORE), 1, "dmarc of mail"),
    ],
)
def test_mail_that_does_not_is_noticed(lived_in: Scene, headers: tuple[str, ...], count: int, why: str) -> None:
    arrived(lived_in, *headers, count=count)
    with pytest.raises(CheckFailed, match=why):
        smarthosts.carry_what_they_should(lived_in)


def test_it_is_tried_where_a_relay_is_described(everything: Plan, plan: Plan) -> None:
    assert "relays" in {check.id for check in checks_for(everything)}
    assert "relays" not in {check.id for check in checks_for(plan)}
