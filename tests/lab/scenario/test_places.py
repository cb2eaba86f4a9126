"""Checks in places where a proxy has other addresses than its public ones, and home has IPv6."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mailnix import Internal, Proxy, Tunnel
from mailnix.lab.internet.layout import INTERNET, layout
from mailnix.lab.scenario import CheckFailed, Scene, isolation, several
from mailnix.lab.scenario.mails import internal_addresses
from mailnix.model.clientport import OFFERED
from tests.lab.internet.places import planned

from .conftest import FakeDisks, FakeGuest

OPEN = (22, 25, 80, 443, *sorted(client.port for client in OFFERED))


def placed(proxy: Proxy, *, tunnel: Tunnel | None = None) -> tuple[Scene, FakeGuest, FakeGuest]:
    plan = planned(proxy, internal=Internal("internal"), tunnel=tunnel)
    internet, internal = FakeGuest(), FakeGuest()
    return Scene(plan, layout(plan), {INTERNET: internet, "internal": internal}, FakeDisks()), internet, internal


def scanned(*ports: int, tried: int = 65_535) -> dict[str, Any]:
    return {"ok": True, "open": list(ports), "tried": tried, "ports": []}


def listing(*cards: str, has: tuple[object, ...]) -> str:
    """`ip -j address`, where the first address is on every card, and all are on the last."""
    entries = [{"family": "inet6" if ":" in str(address) else "inet", "local": str(address)} for address in has]
    return json.dumps([{"ifname": card, "addr_info": entries if card == cards[-1] else entries[:1]} for card in cards])


def test_every_address_of_a_proxys_card_is_tried_as_it_is_on_the_link() -> None:
    extra = ["192.168.133.7/17", "78.47.1.1/32"]
    scene, internet, _ = placed(Proxy("proxy", ipv4="203.0.113.10", card_ipv4="10.0.0.9", extra_addresses=extra))
    further = {*OPEN, *isolation.POPULAR_TCP}
    internet.when("scan.py tcp", scanned(*OPEN, tried=len(further))).when("target=10.0.0.9 ", scanned(*OPEN))
    assert "10.0.0.9" in isolation.proxies_open_what_is_planned(scene)
    tried = {word for command in internet.asked for word in command.split() if word.startswith("--target=")}
    assert tried == {"--target=10.0.0.9", "--target=192.168.133.7", "--target=78.47.1.1"}
    internet.when("target=78.47.1.1 ", scanned(*OPEN, 3306, tried=len(further)))
    with pytest.raises(CheckFailed, match=r"78\.47\.1\.1 has open ports"):
        isolation.proxies_open_what_is_planned(scene)


def test_a_port_at_home_is_noticed_on_the_ipv6_address_that_the_world_could_know() -> None:
    proxy = Proxy("proxy", ipv4="203.0.113.10", ipv6="2001:db8:113::10")
    scene, internet, internal = placed(proxy, tunnel=Tunnel(over="ipv6"))
    home = scene.layout.home
    assert home.net6 is not None
    popular = {*isolation.POPULAR_TCP, *(entry.port for entry in scene.plan.internal.listeners)}
    internet.when("^ip -j address", listing("net0", "home", has=(home.gateway4, "fe80::1")))
    internal.when("^ip -j address", listing("ens3", has=(home.host4, home.net6[9], "fe80::2")))
    internet.when("scan.py tcp", scanned(22, tried=len(popular))).when(f"target={home.host4} ", scanned(22))
    evidence = isolation.home_opens_nothing(scene)
    assert all(str(address) in evidence for address in (home.host4, home.net6[9], "fe80::2"))
    internet.when(f"target={home.net6[9]} ", scanned(2375, tried=len(popular)))
    with pytest.raises(CheckFailed, match=f"{home.net6[9]} has open ports"):
        isolation.home_opens_nothing(scene)


def test_homes_ipv6_address_in_a_header_is_noticed() -> None:
    proxy = Proxy("proxy", ipv4="203.0.113.10", ipv6="2001:db8:113::10")
    scene, _, _ = placed(proxy, tunnel=Tunnel(over="ipv6"))
    assert scene.layout.home.net6 is not None
    address = str(scene.layout.home.net6[9])
    assert internal_addresses(scene, f"Received: from x ([IPv6:{address}])") == (address,)


def test_a_proxy_behind_its_providers_translation_is_cut_off_by_both_its_addresses() -> None:
    scene, internet, _ = placed(Proxy("proxy", ipv4="203.0.113.10", card_ipv4="10.0.0.9"))
    internet.when("^nft ", "")
    with several.unplugged(scene, scene.proxy):
        pass
    for address in ("203.0.113.10", "10.0.0.9"):
        assert f"ip saddr {address} drop" in internet.asked[0]
