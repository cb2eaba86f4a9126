"""What of a machine's addresses, routes and resolvers is not as described is found."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_interface

from attrs import evolve

from mailnix.lab.places.expected import wrong
from mailnix.lab.places.look import Card, Look
from mailnix.lab.places.ordinary import DHCP, GATEWAY, LAN, NET6, RESOLVERS
from mailnix.lab.places.place import PUBLIC4, PUBLIC6, Advertised
from mailnix.plan.types import Uplink

MAC = "52:54:00:00:00:01"
UPLINK = Uplink(None, dhcp=True, addresses=(ip_interface(f"{PUBLIC6}/64"),), own6=IPv6Address(PUBLIC6))
GOOD = Look(
    cards={
        "ens4": Card(MAC, True, (ip_interface(f"{PUBLIC4}/24"), ip_interface(f"{PUBLIC6}/64"))),
        "ens5": Card("52:54:00:00:00:02", True, (ip_interface("10.110.0.7/16"),)),
    },
    source4=IPv4Address(PUBLIC4),
    source6=IPv6Address(PUBLIC6),
    card4="ens4",
    card6="ens4",
    gateway4=IPv4Address(GATEWAY),
    gateway6=IPv6Address("fe80::1"),
    resolvers=tuple(IPv4Address(each) for each in RESOLVERS),
)


def said(seen: Look, uplink: Uplink = UPLINK) -> str:
    return "; ".join(wrong(uplink, DHCP, MAC, seen))


def with_address(text: str) -> Look:
    card = GOOD.cards["ens4"]
    return evolve(GOOD, cards={"ens4": evolve(card, addresses=(*card.addresses, ip_interface(text)))})


def test_nothing_is_wrong_where_all_is_as_described() -> None:
    assert said(GOOD) == ""


def test_a_machine_without_the_card_is_told() -> None:
    assert wrong(UPLINK, DHCP, "52:54:00:00:00:99", GOOD) == ("there is no card 52:54:00:00:00:99",)


def test_an_ipv4_address_too_many_is_found() -> None:
    assert "203.0.113.99/24" in said(with_address("203.0.113.99/24"))


def test_an_autoconfigured_address_beside_the_described_one_is_found() -> None:
    cable = evolve(DHCP, advertised=Advertised(NET6, autonomous=True))
    assert wrong(UPLINK, cable, MAC, with_address("2001:db8:10:0:5054:ff:fe00:1/64"))


def test_an_autoconfigured_address_is_welcome_where_none_is_described() -> None:
    own = ip_interface("192.168.1.20/24")
    made = ip_interface("2001:db8:20:1:5054:ff:fe00:1/64")
    seen = evolve(
        GOOD,
        cards={"ens4": Card(MAC, True, (own, made))},
        source4=own.ip,
        gateway4=IPv4Address("192.168.1.1"),
        resolvers=(IPv4Address("192.168.1.1"),),
    )
    assert wrong(Uplink(None, dhcp=True), LAN, MAC, seen) == ()


def test_another_source_is_found() -> None:
    assert "IPv6 leaves from 2001:db8:10::9" in said(evolve(GOOD, source6=IPv6Address("2001:db8:10::9")))
    assert "IPv4 leaves from 10.110.0.7" in said(evolve(GOOD, source4=IPv4Address("10.110.0.7")))


def test_a_default_route_of_another_card_is_found() -> None:
    assert "by ens5" in said(evolve(GOOD, card4="ens5", gateway4=IPv4Address("10.110.0.1")))
    assert "IPv6 goes out by no card" in said(evolve(GOOD, card6=""))


def test_another_resolver_is_found() -> None:
    assert "it asks 10.110.0.1" in said(evolve(GOOD, resolvers=(IPv4Address("10.110.0.1"),)))
