"""Checks of bad days see mail that is lost or comes twice, and leave machines started."""

from __future__ import annotations

import pytest

from mailnix.lab.internet.layout import INTERNET
from mailnix.lab.scenario import CheckFailed, Scene, bad_days

from .conftest import Guests
from .internets import RELAY, inbound_internet, replies


def outage_internet(guests: Guests, *, code: int = 450, count: int = 1) -> None:
    inbound_internet(guests, count=count)
    guests[INTERNET].when("probe.py smtp", replies(("", 220), ("EHLO", 250), ("MAIL", code)))
    deferred = {"alice@example.org": {"status": "deferred", "relay": RELAY, "said": "450", "tls": ""}}
    guests[INTERNET].when("post.py send", {"ok": True, "recipients": deferred})
    guests[INTERNET].when("post.py fate", {"ok": True, "recipients": {}})


def test_an_outage_that_only_delays_passes(scene: Scene, guests: Guests) -> None:
    outage_internet(guests)
    assert "once" in bad_days.outage_at_home_only_delays(scene)
    assert guests["internal"].asked[:2] == ["kill", "start"]


@pytest.mark.parametrize(("wrong", "why"), [({"code": 550}, "no temporary error"), ({"count": 2}, "arrived 2 times")])
def test_an_outage_that_bounces_or_doubles_fails(scene: Scene, guests: Guests, wrong: dict[str, int], why: str) -> None:
    outage_internet(guests, **wrong)
    with pytest.raises(CheckFailed, match=why):
        bad_days.outage_at_home_only_delays(scene)
    assert "start" in guests["internal"].asked


def crash_internet(guests: Guests, *, queued: list[int], count: int = 1) -> None:
    guests[INTERNET].when("post.py busy", {"ok": True}).when("probe.py submit", {"ok": True})
    guests[INTERNET].when("post.py inbox", {"ok": True, "count": count, "messages": []})
    proxy = guests["proxy"].when("systemctl kill", "").when("is-active", "active").when("MainPID", ["7", "8"])
    proxy.when("grep", queued).when("ping -c 1", [1, 0])


def test_a_crash_that_loses_nothing_passes(scene: Scene, guests: Guests) -> None:
    crash_internet(guests, queued=[0, 0, 0, 0, 1])
    assert "once" in bad_days.crashes_of_a_proxy_lose_nothing(scene)
    assert any("HUP" in command for command in guests["proxy"].asked)
    assert sum(command.startswith("ping") for command in guests["proxy"].asked) == 2  # until the tunnel is back


@pytest.mark.parametrize(
    ("queued", "count", "why"),
    [
        ([0, 1], 1, "gone after kill -9"),
        ([0, 0, 1], 1, "gone after the power cut"),
        ([0, 0, 0, 1], 2, "arrived 2 times"),
    ],
)
def test_a_crash_that_loses_or_doubles_fails(
    scene: Scene, guests: Guests, queued: list[int], count: int, why: str
) -> None:
    crash_internet(guests, queued=queued, count=count)
    with pytest.raises(CheckFailed, match=why):
        bad_days.crashes_of_a_proxy_lose_nothing(scene)
    assert "--state=off" in guests[INTERNET].asked[-1] or "inbox" in guests[INTERNET].asked[-1]
