"""Network cards and resolvers: what cannot work is found, and what some provider really has is not."""

from __future__ import annotations

from typing import Any

import pytest

from mailnix import Backup, Internal, Proxy, Topology
from mailnix.errors import Severity
from mailnix.model.check import problems
from mailnix.plan import derive
from tests.descriptions import PUBLIC4, PUBLIC6, sound

LOCAL = ["127.0.0.1"]


def proxy(**changed: Any) -> Topology:
    return sound(proxies=[Proxy(**{"name": "proxy", "ipv4": PUBLIC4, **changed})])


def static(**changed: Any) -> Topology:
    return proxy(**{"gateway": "5.9.100.254", "prefix": 24, "nameservers": LOCAL, **changed})


def home(**changed: Any) -> Topology:
    return sound(internal=Internal("internal", backup=Backup(), **changed))


def static_home(**changed: Any) -> Topology:
    return home(**{"ipv4": "10.0.0.20", "gateway": "10.0.0.1", "nameservers": ["10.0.0.1"], **changed})


def found(topology: Topology, severity: Severity = Severity.ERROR) -> dict[str, str]:
    return {p.path: f"{p.message}; {p.hint}" for p in problems(topology) if p.severity is severity}


WRONG: dict[str, tuple[Topology, str]] = {
    "no resolver": (static(nameservers=[]), "nameservers"),
    "a resolver that is a name": (static(nameservers=["dns.example.net"]), "nameservers[0]"),
    "a resolver twice": (static(nameservers=["127.0.0.1", "5.9.0.53", "5.9.0.53"]), "nameservers[2]"),
    "a resolver that is resolved itself": (static(nameservers=["127.0.0.53"]), "nameservers[0]"),
    "the own resolver by IPv6": (static(ipv6=PUBLIC6, nameservers=["::1"]), "nameservers[0]"),
    "the own resolver by the public address": (static(nameservers=[PUBLIC4]), "nameservers[0]"),
    "the own resolver by the card's address": (
        static(card_ipv4="10.0.0.5", gateway="10.0.0.1", nameservers=["10.0.0.5"]),
        "nameservers[0]",
    ),
    "the own resolver by a further address": (
        static(extra_addresses=["192.168.133.7/17"], nameservers=["127.0.0.1", "192.168.133.7"]),
        "nameservers[1]",
    ),
    "the own resolver by a further IPv6 address": (
        static(ipv6=PUBLIC6, extra_addresses=["fd00:6::7/64"], nameservers=["fd00:6:0::7"]),
        "nameservers[0]",
    ),
    "a resolver over IPv6 without any": (static(nameservers=["2a01:4f8::53"]), "nameservers[0]"),
    "a resolver that is nobody": (static(nameservers=["0.0.0.0"]), "nameservers[0]"),
    "a card's name that is too long": (proxy(card="enp0s31f6abcdefg"), "card"),
    "a pattern for a card": (proxy(card="en*"), "card"),
    "two cards": (proxy(card="ens3 ens4"), "card"),
    "no card": (proxy(card=""), "card"),
    "half a MAC": (proxy(card="52:54:00:ab"), "card"),
    "a MAC of many": (proxy(card="01:00:5e:00:00:01"), "card"),
    "loopback for a card": (proxy(card="lo"), "card"),
    "the tunnel for a card": (proxy(card="wg0"), "card"),
    "a Wi-Fi card": (proxy(card="wlp3s0"), "card"),
    "a gateway that is the proxy": (static(gateway=PUBLIC4), "gateway"),
    "a gateway elsewhere": (static(gateway="5.9.200.1"), "gateway"),
    "a gateway outside of the card's own network": (static(card_ipv4="10.0.0.5"), "gateway"),
    "a gateway that is the whole network": (static(gateway="5.9.100.0"), "gateway"),
    "a gateway that is everybody": (static(gateway="5.9.100.255"), "gateway"),
    "a gateway that is loopback": (static(gateway="127.0.0.1", prefix=32), "gateway"),
    "a gateway that is none": (static(gateway="router"), "gateway"),
    "a prefix that is none": (static(prefix=33), "prefix"),
    "a prefix of zero": (static(prefix=0), "prefix"),
    "a prefix of nothing": (proxy(prefix=24), "prefix"),
    "an address that is the network's": (static(ipv4="5.9.100.0"), "ipv4"),
    "an address that is the broadcast's": (static(ipv4="5.9.100.255"), "ipv4"),
    "a card's address that is none": (static(card_ipv4="10.0.0"), "card_ipv4"),
    "a card's address that is the public one": (static(card_ipv4=PUBLIC4), "card_ipv4"),
    "a card's address on loopback": (static(card_ipv4="127.0.0.2", prefix=32), "card_ipv4"),
    "a floating address beside nothing": (static(floating=True), "card_ipv4"),
    "an IPv6 prefix without address": (proxy(prefix6=48), "prefix6"),
    "an IPv6 prefix that is none": (proxy(ipv6=PUBLIC6, prefix6=129), "prefix6"),
    "an IPv6 gateway without address": (proxy(gateway6="fe80::1"), "gateway6"),
    "an IPv6 gateway that is the proxy": (proxy(ipv6=PUBLIC6, gateway6=PUBLIC6), "gateway6"),
    "an IPv6 gateway with an interface": (proxy(ipv6=PUBLIC6, gateway6="fe80::1%ens3"), "gateway6"),
    "an IPv6 gateway that is everybody": (proxy(ipv6=PUBLIC6, gateway6="ff02::2"), "gateway6"),
    "an IPv6 network in the place of an address": (proxy(ipv6="2a01:4f8:10::"), "ipv6"),
    "a further address that is none": (proxy(extra_addresses=["10.0.0/8"]), "extra_addresses[0]"),
    "a further address twice": (proxy(extra_addresses=["10.0.0.7/16", "10.0.0.7/24"]), "extra_addresses[1]"),
    "a further address that is the first": (proxy(extra_addresses=[f"{PUBLIC4}/32"]), "extra_addresses[0]"),
    "a further address that is the card's": (
        static(card_ipv4="10.0.0.5", gateway="10.0.0.1", extra_addresses=["10.0.0.5/24"]),
        "extra_addresses[0]",
    ),
    "a further address that is a network": (proxy(extra_addresses=["192.168.128.0/17"]), "extra_addresses[0]"),
    "a further address on loopback": (proxy(extra_addresses=["127.0.0.2/8"]), "extra_addresses[0]"),
    "a public IPv6 address beside none": (proxy(extra_addresses=["2a01:4f8:10::7/64"]), "extra_addresses[0]"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_what_cannot_work_on_a_proxy_is_found_where_it_is_written_with_what_to_do(case: tuple[Topology, str]) -> None:
    topology, field = case
    errors = found(topology)
    assert set(errors) == {f"proxies[0].{field}"}
    assert not errors[f"proxies[0].{field}"].endswith("; ")


WRONG_AT_HOME: dict[str, tuple[Topology, str]] = {
    "no resolver": (static_home(nameservers=[]), "nameservers"),
    "a resolver on the machine itself": (static_home(nameservers=LOCAL), "nameservers[0]"),
    "a resolver that is the machine": (static_home(nameservers=["10.0.0.20"]), "nameservers[0]"),
    "no router": (static_home(gateway=None), "gateway"),
    "a router without an address": (home(gateway="192.168.1.1"), "ipv4"),
    "a router elsewhere": (static_home(gateway="10.0.1.1"), "gateway"),
    "a prefix that is none": (static_home(prefix=40), "prefix"),
    "a prefix of nothing": (home(prefix=16), "prefix"),
    "an address that is the network's": (static_home(ipv4="10.0.0.0"), "ipv4"),
    "an address that is the broadcast's": (static_home(ipv4="10.0.0.255"), "ipv4"),
    "an address that is the router's": (static_home(ipv4="10.0.0.1", nameservers=["10.0.0.2"]), "gateway"),
    "an address on loopback": (static_home(ipv4="127.0.0.1", prefix=32), "ipv4"),
    "an address outside of the home network": (static_home(lan="10.0.1.0/24"), "ipv4"),
    "the proxy's address": (static_home(ipv4=PUBLIC4, prefix=32), "ipv4"),
    "a Wi-Fi card": (home(card="wlan0"), "card"),
    "Mailcow's bridge": (home(card="br-mailcow"), "card"),
    "a bridge of Docker's": (home(card="br-1f2e3d4c5b6a"), "card"),
    "a forwarder on loopback": (home(forwarders=LOCAL), "forwarders[0]"),
    "a forwarder on the link alone": (home(forwarders=["fe80::1"]), "forwarders[0]"),
    "a forwarder that is a name": (home(forwarders=["fritz.box"]), "forwarders[0]"),
}


@pytest.mark.parametrize("case", WRONG_AT_HOME.values(), ids=WRONG_AT_HOME.keys())
def test_what_cannot_work_at_home_is_found_where_it_is_written_with_what_to_do(case: tuple[Topology, str]) -> None:
    topology, field = case
    errors = found(topology)
    assert set(errors) == {f"internal.{field}"}
    assert not errors[f"internal.{field}"].endswith("; ")


FINE: dict[str, Topology] = {
    "a gateway on the link": static(ipv6=PUBLIC6, gateway6="fe80::1"),
    "a gateway outside of a single address": static(gateway="172.31.1.1", prefix=32),
    "a gateway on a link of two": static(gateway="5.9.100.0", prefix=31),
    "a link-local gateway": static(gateway="169.254.0.1", prefix=32),
    "a single IPv6 address with a gateway elsewhere": proxy(ipv6=PUBLIC6, prefix6=128, gateway6="2a01:4f8:ffff::1"),
    "the first of two IPv6 addresses": proxy(ipv6="2a01:4f8:10::", prefix6=127, gateway6="2a01:4f8:10::1"),
    "a floating address by DHCP": proxy(floating=True),
    "a floating address beside a static one": static(floating=True, card_ipv4="5.9.100.9"),
    "the provider's NAT by DHCP": proxy(extra_addresses=["10.0.0.6/24"], card="ens3"),
    "the provider's NAT, static": static(card_ipv4="10.0.0.5", gateway="10.0.0.1"),
    "a private network on the same card": static(extra_addresses=["192.168.133.7/17", "fd00:1::7/64"]),
    "a resolver of the provider's": static(
        ipv6=PUBLIC6, gateway6="fe80::1", nameservers=["5.9.0.53", "2a01:4f8:0:1::add:1010"]
    ),
    "the own resolver beside DHCP": proxy(nameservers=LOCAL),
    "a MAC in Windows' manner": proxy(card="52-54-00-AB-CD-EF"),
    "a home of all of ten": static_home(prefix=8, lan="10.0.0.0/8"),
    "a static home with a card": static_home(card="enp2s0"),
    "a home bridge of the owner's": home(card="br-lan"),
    "a home router that is asked for Mailcow": home(forwarders=["192.168.1.1"], nameservers=["fe80::1"]),
}


@pytest.mark.parametrize("topology", FINE.values(), ids=FINE.keys())
def test_what_some_place_really_has_is_not_complained_about(topology: Topology) -> None:
    assert problems(topology) == ()
    derive(topology)


def test_the_way_out_of_a_static_address_without_resolver_is_the_proxys_own() -> None:
    said = found(static(nameservers=[]))["proxies[0].nameservers"]
    assert "no resolver" in said
    assert 'nameservers=["127.0.0.1"]' in said
    assert 'nameservers=["10.0.0.1"]' in found(static_home(nameservers=[]))["internal.nameservers"]


@pytest.mark.parametrize(
    ("address", "operator"),
    [
        ("8.8.8.8", "Google"),
        ("2001:4860:4860::8844", "Google"),
        ("1.0.0.1", "Cloudflare"),
        ("2606:4700:4700::1112", "Cloudflare"),
        ("9.9.9.11", "Quad9"),
        ("2620:fe::fe", "Quad9"),
        ("208.67.220.220", "OpenDNS"),
        ("2620:119:35::35", "OpenDNS"),
        ("4.2.2.4", "Level 3"),
    ],
)
def test_a_resolver_for_everybody_is_a_warning_that_says_what_is_lost(address: str, operator: str) -> None:
    topology = static(ipv6=PUBLIC6, nameservers=[address])
    assert found(topology) == {}
    said = found(topology, Severity.WARNING)["proxies[0].nameservers[0]"]
    assert f"is {operator}'s: block lists such as Spamhaus refuse what it asks, and DANE needs" in said
    assert 'nameservers=["127.0.0.1"] is the proxy\'s own' in said


def test_mailcow_that_asks_a_resolver_for_everybody_is_a_warning() -> None:
    said = found(home(forwarders=["9.9.9.9"]), Severity.WARNING)["internal.forwarders[0]"]
    assert "Quad9" in said
    assert "spam passes" in said


def test_a_private_address_of_a_proxy_is_explained_by_the_providers_nat() -> None:
    said = found(proxy(ipv4="10.0.0.5"))["proxies[0].ipv4"]
    assert "1:1 NAT" in said
    assert "card_ipv4" in said


def test_a_cards_address_without_a_gateway_comes_by_dhcp_or_not_at_all() -> None:
    topology = proxy(card_ipv4="10.0.0.5")
    assert found(topology) == {}
    assert "nothing sets 10.0.0.5" in found(topology, Severity.WARNING)["proxies[0].card_ipv4"]


def test_an_ipv6_router_that_must_advertise_itself_where_there_is_no_dhcp_is_a_warning() -> None:
    assert "fe80::1" in found(static(ipv6=PUBLIC6), Severity.WARNING)["proxies[0].gateway6"]
    assert found(proxy(ipv6=PUBLIC6), Severity.WARNING) == {}


def test_a_second_public_address_that_mail_would_leave_from_is_a_warning() -> None:
    said = found(static(card_ipv4="5.9.100.9"), Severity.WARNING)["proxies[0].card_ipv4"]
    assert "mail leaves from it" in said
    assert "floating=True" in said


def test_no_two_proxies_have_the_same_public_address_in_any_field() -> None:
    both = [
        Proxy("a", PUBLIC4, hostname="mx1.example.org"),
        Proxy("b", "5.9.100.2", hostname="mx2.example.org", extra_addresses=[f"{PUBLIC4}/32"]),
    ]
    assert set(found(sound(proxies=both))) == {"proxies[1].extra_addresses[0]"}
    private = [
        Proxy("a", PUBLIC4, hostname="mx1.example.org", extra_addresses=["10.0.0.7/24"]),
        Proxy("b", "5.9.100.2", hostname="mx2.example.org", extra_addresses=["10.0.0.7/24"]),
    ]
    assert found(sound(proxies=private)) == {}


def test_all_nonsense_about_a_card_is_found_at_once() -> None:
    topology = proxy(
        card="eth0 eth1",
        gateway="127.0.0.1",
        prefix=99,
        prefix6=0,
        gateway6="::",
        nameservers=["x", "127.0.0.9"],
        extra_addresses=["y", "224.0.0.1/8"],
    )
    fields = "card gateway prefix prefix6 gateway6 nameservers[0] nameservers[1] extra_addresses[0] extra_addresses[1]"
    assert {f"proxies[0].{field}" for field in fields.split()} == set(found(topology))


@pytest.mark.parametrize(("text", "example"), [("10.0.0.6", "10.0.0.6/24"), ("fd00:1::7", "fd00:1::7/64")])
def test_a_private_address_without_its_network_is_a_warning(text: str, example: str) -> None:
    """A public one is often single; a private one alone would reach no neighbour."""
    assert example in found(proxy(extra_addresses=[text]), Severity.WARNING)["proxies[0].extra_addresses[0]"]
    assert found(proxy(extra_addresses=[f"{text}/32", "5.9.100.12"]), Severity.WARNING) == {}


@pytest.mark.parametrize("static_too", [{}, {"gateway": "10.0.0.1", "prefix": 24, "nameservers": LOCAL}])
@pytest.mark.parametrize("own", ["10.0.0.5", "100.64.0.5"])
def test_a_floating_address_beside_a_private_one_is_doubted(own: str, static_too: dict[str, Any]) -> None:
    said = found(proxy(floating=True, card_ipv4=own, **static_too), Severity.WARNING)["proxies[0].floating"]
    assert own in said
    assert "leave floating out" in said
