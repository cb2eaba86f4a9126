"""Real networkd with what mailnix emits, at providers and homes as people have them.

This system's networkd may be older than Debian 13's; vm-tests boots that.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

import pytest

from mailnix import Internal, Proxy
from mailnix.plan import derive
from rig import until
from tests.services.conftest import topology
from tests.services.network import places
from tests.services.network.places import Machine, Port

pytestmark = pytest.mark.skipif(bool(places.missing()), reason=places.missing() or "runs")

IPV4, IPV6 = "203.0.113.10", "2001:db8:10::10"
RECEIVER, RECEIVER6 = "192.0.2.25", "2001:db8:99::25"
LOCAL = ["127.0.0.1"]
PREFIX = "2001:db8:10::/64"
SINGLE = Port(("172.31.1.1/32", "fe80::1/64"), advertises=True, prefix=PREFIX)
LEASED = Port(("198.51.100.1/24",), dhcp=True, resolver="198.51.100.53")
PRIVATE = Port(("10.0.0.1/16",), dhcp=True, resolver="10.0.0.53", advertises=True, prefix="fd00:7::/64")


def proxy(folder: Path, cards: Mapping[str, Port], **described: Any) -> AbstractContextManager[Machine]:
    return places.booted(derive(topology(Proxy("proxy", IPV4, **described))).proxies[0], cards, folder)


def home(folder: Path, cards: Mapping[str, Port], **described: Any) -> AbstractContextManager[Machine]:
    return places.booted(derive(topology(internal=Internal("internal", **described))).internal, cards, folder)


def comes_from(machine: Machine, receiver: str, address: str) -> None:
    until(lambda: machine.source(receiver) == address, f"{receiver} is reached from {address}")


def these(*texts: str) -> set[places.Interface]:
    return {ip_interface(text) for text in texts}


def test_single_addresses_with_routers_outside_are_the_only_ones_whatever_is_advertised(tmp_path: Path) -> None:
    described = {"gateway": "172.31.1.1", "nameservers": LOCAL, "ipv6": IPV6, "prefix6": 128, "gateway6": "fe80::1"}
    with proxy(tmp_path, {"ens3": SINGLE}, **described) as machine:
        comes_from(machine, RECEIVER, IPV4)
        comes_from(machine, RECEIVER6, IPV6)
        assert machine.addresses("ens3") == these(f"{IPV4}/32", f"{IPV6}/128")
        assert len(machine.routes("-6")) == 1
        assert machine.resolvers("ens3") == LOCAL


def test_a_router_is_learned_and_its_addresses_are_not(tmp_path: Path) -> None:
    with proxy(tmp_path, {"ens3": SINGLE}, gateway="172.31.1.1", nameservers=LOCAL, ipv6=IPV6) as machine:
        comes_from(machine, RECEIVER6, IPV6)
        assert [route["protocol"] for route in machine.routes("-6")] == ["ra"]
        assert machine.addresses("ens3") == these(f"{IPV4}/32", f"{IPV6}/64")


def test_the_same_router_gives_an_address_to_who_wants_one(tmp_path: Path) -> None:
    """So the test above is of what mailnix says."""
    port = Port(("192.168.1.1/24", "fe80::1/64"), dhcp=True, resolver="192.168.1.1", advertises=True, prefix=PREFIX)
    with home(tmp_path, {"enp2s0": port}) as machine:
        until(lambda: machine.source(RECEIVER6) is not None, "the internet is reached by IPv6")
        until(lambda: machine.source(RECEIVER) is not None, "and by IPv4")
        assert len(machine.addresses("enp2s0")) == 2
        assert machine.resolvers("enp2s0") == ["192.168.1.1"]


def test_a_proxy_that_describes_no_ipv6_address_gets_none(tmp_path: Path) -> None:
    with proxy(tmp_path, {"ens3": SINGLE}, gateway="172.31.1.1", nameservers=LOCAL) as machine:
        comes_from(machine, RECEIVER, IPV4)
        assert machine.addresses("ens3") == these(f"{IPV4}/32")
        assert machine.source(RECEIVER6) is None


def test_further_addresses_are_there_and_never_the_source(tmp_path: Path) -> None:
    extra = ["192.168.133.7/17", "203.0.113.4/24", "2001:db8:10::9/64"]
    port = Port(("203.0.113.1/24", "fe80::1/64"))
    described = {"gateway": "203.0.113.1", "prefix": 24, "nameservers": LOCAL, "ipv6": IPV6, "gateway6": "fe80::1"}
    with proxy(tmp_path, {"ens3": port}, **described, extra_addresses=extra) as machine:
        comes_from(machine, RECEIVER, IPV4)
        comes_from(machine, RECEIVER6, IPV6)
        assert machine.addresses("ens3") == these(f"{IPV4}/24", f"{IPV6}/64", *extra)
        assert machine.deprecated("ens3") == these("2001:db8:10::9/64")


def test_a_floating_address_is_the_source_beside_a_leased_one(tmp_path: Path) -> None:
    with proxy(tmp_path, {"ens3": LEASED}, floating=True, nameservers=LOCAL) as machine:
        comes_from(machine, RECEIVER, IPV4)
        assert [route["prefsrc"] == IPV4 for route in machine.routes()] == [True, False]
        assert len(machine.addresses("ens3")) == 2
        assert machine.resolvers("ens3") == LOCAL


def test_behind_a_static_nat_the_cards_first_private_address_is_the_source(tmp_path: Path) -> None:
    described = {"card_ipv4": "10.0.0.9", "gateway": "10.0.0.1", "prefix": 16, "nameservers": LOCAL}
    with proxy(tmp_path, {"ens3": PRIVATE}, **described, extra_addresses=["10.0.0.2/16"]) as machine:
        comes_from(machine, RECEIVER, "10.0.0.9")
        assert machine.addresses("ens3") == these("10.0.0.9/16", "10.0.0.2/16")


def test_a_static_address_is_on_one_card_only_and_the_other_is_no_way_out(tmp_path: Path) -> None:
    cards = {"ens3": SINGLE, "ens10": PRIVATE}
    with proxy(tmp_path, cards, gateway="172.31.1.1", nameservers=LOCAL) as machine:
        comes_from(machine, RECEIVER, IPV4)
        until(lambda: bool(machine.addresses("ens10")), "the private network's address")
        assert machine.addresses("ens3") == these(f"{IPV4}/32")
        (private,) = machine.addresses("ens10")
        assert private in ip_interface("10.0.0.1/16").network
        assert [route["dev"] for route in machine.routes()] == ["ens3"]
        assert machine.resolvers("ens10") == []


def test_a_described_private_network_is_reached_by_the_other_card_and_nothing_else_is(tmp_path: Path) -> None:
    """Hetzner's leases there are for single addresses, and name the network in a route."""
    routes = (("10.0.0.0/16", "10.0.0.1"), ("0.0.0.0/0", "10.0.0.1"))
    cards = {"ens3": SINGLE, "ens10": Port(("10.0.0.1/24",), dhcp=True, router=False, routes=routes)}
    described = {"gateway": "172.31.1.1", "nameservers": LOCAL, "private_networks": ["10.0.0.0/16"]}
    with proxy(tmp_path, cards, **described) as machine:
        until(lambda: bool(machine.addresses("ens10")), "the private network's address")
        (private,) = machine.addresses("ens10")
        until(lambda: machine.source("10.0.200.9") == str(private.ip), "its neighbours are reached by it")
        comes_from(machine, RECEIVER, IPV4)
        assert [route["dev"] for route in machine.routes()] == ["ens3"]


def test_a_floating_address_is_the_source_where_dhcp_names_its_router_in_a_route_alone(tmp_path: Path) -> None:
    port = Port(("198.51.100.1/24",), dhcp=True, router=False, routes=(("0.0.0.0/0", "172.31.1.1"),))
    with proxy(tmp_path, {"ens3": port}, floating=True, nameservers=LOCAL) as machine:
        comes_from(machine, RECEIVER, IPV4)


@pytest.mark.parametrize("card", ["ens10", "52:54:00:00:00:01"])
def test_the_described_card_leads_out_though_another_comes_first(tmp_path: Path, card: str) -> None:
    with proxy(tmp_path, {"ens3": PRIVATE, "ens10": LEASED}, card=card) as machine:
        until(lambda: bool(machine.addresses("ens3") and machine.addresses("ens10")), "both cards have addresses")
        until(lambda: machine.source(RECEIVER) is not None, "the internet is reached")
        assert [route["dev"] for route in machine.routes()] == ["ens10"]
        assert (machine.resolvers("ens3"), machine.resolvers("ens10")) == ([], ["198.51.100.53"])


def test_of_two_cards_by_dhcp_one_leads_out(tmp_path: Path) -> None:
    with proxy(tmp_path, {"eth0": LEASED, "eth1": PRIVATE}) as machine:
        until(lambda: bool(machine.addresses("eth0") and machine.addresses("eth1")), "both cards have addresses")
        until(lambda: machine.source(RECEIVER) is not None, "the internet is reached")
        assert [route["dev"] for route in machine.routes()] == ["eth0"]


def test_a_home_machine_keeps_its_static_address_and_takes_the_routers_ipv6(tmp_path: Path) -> None:
    port = Port(("10.0.0.1/8", "fe80::1/64"), advertises=True, prefix=PREFIX)
    described = {"ipv4": "10.0.0.20", "prefix": 8, "gateway": "10.0.0.1", "nameservers": ["10.0.0.1"]}
    with home(tmp_path, {"enp2s0": port}, **described) as machine:
        comes_from(machine, RECEIVER, "10.0.0.20")
        until(lambda: machine.source(RECEIVER6) is not None, "the internet is reached by IPv6")
        assert machine.resolvers("enp2s0") == ["10.0.0.1"]


SILENT = Port(("172.31.1.1/32", "10.0.0.1/8", "fe80::1/64"))
STATIC = {"gateway": "172.31.1.1", "nameservers": LOCAL}


@pytest.mark.parametrize(
    ("port", "described"),
    [
        (SILENT, STATIC),
        (SILENT, {**STATIC, "ipv6": IPV6}),
        (SILENT, {**STATIC, "ipv6": IPV6, "gateway6": "fe80::1"}),
        (SINGLE, {**STATIC, "ipv6": IPV6}),
        (LEASED, {"ipv6": IPV6}),
        (LEASED, {"ipv6": IPV6, "gateway6": "fe80::1"}),
        (LEASED, {"floating": True}),
    ],
)
def test_a_boot_does_not_wait_for_a_router_that_says_nothing(
    tmp_path: Path, port: Port, described: dict[str, Any]
) -> None:
    with proxy(tmp_path, {"ens3": port}, **described) as machine:
        until(lambda: machine.online("ens3"), "the card is online")


def test_nor_does_a_boot_at_a_home_without_ipv6(tmp_path: Path) -> None:
    described = {"ipv4": "10.0.0.20", "prefix": 8, "gateway": "10.0.0.1", "nameservers": ["10.0.0.1"]}
    with home(tmp_path, {"enp2s0": SILENT}, **described) as machine:
        until(lambda: machine.online("enp2s0"), "the card is online")
