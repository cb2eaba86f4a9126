"""Checks of what is open see ports that nobody planned, and those that were lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mailnix.lab.internet.layout import INTERNET
from mailnix.lab.scenario import CheckFailed, Scene, isolation
from mailnix.model.clientport import OFFERED

from .conftest import Guests

OPEN = (22, 25, 80, 443, *sorted(client.port for client in OFFERED))
LAST = OPEN[-1]


def scanned(*ports: int, tried: int = 65_535) -> dict[str, Any]:
    return {"ok": True, "open": list(ports), "tried": tried, "ports": []}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (scanned(*OPEN, 2526), "beyond the plan.*2526"),
        (scanned(*OPEN[:-1]), f"does not open.*{LAST}"),
        (scanned(*OPEN, tried=0), "only 0 of 65535"),
        ({"ok": False, "error": "no route"}, "no route"),
    ],
)
def test_ports_that_are_not_the_plans_are_noticed(
    scene: Scene, guests: Guests, answer: dict[str, Any], why: str
) -> None:
    guests[INTERNET].when("scan.py (tcp|udp)", scanned(*OPEN))
    assert "203.0.113.10" in isolation.proxies_open_what_is_planned(scene)
    guests[INTERNET].when("scan.py (tcp|udp)", answer).when(f"ports={LAST}", scanned(tried=1))
    with pytest.raises(CheckFailed, match=why):
        isolation.proxies_open_what_is_planned(scene)


def test_a_port_that_was_lost_in_the_flood_is_asked_for_alone(scene: Scene, guests: Guests) -> None:
    guests[INTERNET].when("scan.py (tcp|udp)", scanned(*OPEN[:-1])).when(f"ports={LAST}", scanned(LAST, tried=1))
    assert str(LAST) in isolation.proxies_open_what_is_planned(scene)


def addresses(ipv4: object, ipv6: str) -> str:
    loopback = {"addr_info": [{"family": "inet6", "local": "::1", "scope": "host"}]}
    own = [
        {"family": "inet", "local": str(ipv4), "scope": "global"},
        {"family": "inet6", "local": "fd00::9", "scope": "global"},
        {"family": "inet6", "local": ipv6, "scope": "link"},
    ]
    return json.dumps([loopback, {"ifname": "home", "addr_info": own}, {}])


def test_a_port_at_home_is_noticed(scene: Scene, guests: Guests) -> None:
    home = scene.layout.home
    listening = {entry.port for entry in scene.plan.internal.listeners}
    guests[INTERNET].when("^ip -j address", addresses(home.gateway4, "fe80::1"))
    guests["internal"].when("^ip -j address", addresses(home.host4, "fe80::2"))
    guests[INTERNET].when("scan.py (tcp|udp)", scanned(22))
    guests[INTERNET].when("target=fe80::2%", scanned(22, tried=len({*listening, *isolation.POPULAR_TCP})))
    assert "fe80::2" in isolation.home_opens_nothing(scene)
    guests[INTERNET].when("target=fe80::2%", scanned(23, tried=len({*listening, *isolation.POPULAR_TCP})))
    with pytest.raises(CheckFailed, match="fe80::2 has open ports"):
        isolation.home_opens_nothing(scene)
    guests[INTERNET].when("scan.py (tcp|udp)", scanned(22, 23))
    with pytest.raises(CheckFailed, match="open ports"):
        isolation.home_opens_nothing(scene)


def test_an_unplanned_udp_listener_is_noticed(scene: Scene, guests: Guests) -> None:
    guests[INTERNET].when("scan.py (tcp|udp)", scanned(tried=len({51820, *isolation.POPULAR_UDP})))
    guests["proxy"].when("^ss", "UNCONN 0 0 0.0.0.0:51820 0.0.0.0:*\n")
    assert isolation.proxies_answer_no_other_udp(scene)
    guests["proxy"].when("^ss", "UNCONN 0 0 0.0.0.0:51820 0.0.0.0:*\nUNCONN 0 0 0.0.0.0:5353 0.0.0.0:*\n")
    with pytest.raises(CheckFailed, match="beyond the plan"):
        isolation.proxies_answer_no_other_udp(scene)
