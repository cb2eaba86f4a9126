"""What is read of a machine's addresses and routes."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_interface

from mailnix.lab.places import look

ADDRESSES = [
    {"ifname": "lo", "flags": ["LOOPBACK", "UP", "LOWER_UP"], "addr_info": [
        {"family": "inet", "local": "127.0.0.1", "prefixlen": 8, "scope": "host"}]},
    {"ifname": "ens4", "flags": ["UP", "LOWER_UP"], "address": "52:54:00:00:00:01", "addr_info": [
        {"family": "inet", "local": "203.0.113.10", "prefixlen": 24, "scope": "global"},
        {"family": "inet6", "local": "fe80::5054:ff:fe00:1", "prefixlen": 64, "scope": "link"}]},
    {"ifname": "ens5", "flags": ["UP"], "address": "52:54:00:00:00:02", "addr_info": []},
    {"ifname": "wg0", "flags": ["UP", "LOWER_UP"], "addr_info": [
        {"family": "inet", "local": "10.83.119.1", "prefixlen": 32, "scope": "global"}]},
]  # fmt: skip


def seen(**changes: object) -> look.Look:
    said = {
        "address": ADDRESSES,
        "to4": [{"dst": "192.0.2.25", "gateway": "203.0.113.1", "dev": "ens4", "prefsrc": "203.0.113.10"}],
        "to6": [],
        "dns": "192.0.2.53 192.0.2.54 fe80::1%2",
    }
    return look.read(json.dumps({**said, **changes}))


def test_addresses_are_those_that_reach_beyond_their_link_on_cards_of_the_place() -> None:
    assert seen().addresses == (ip_interface("203.0.113.10/24"),)
    assert list(seen().cards) == ["ens4", "ens5"]


def test_a_card_without_a_cable_is_not_plugged() -> None:
    assert [card.plugged for card in seen().cards.values()] == [True, False]


def test_where_packets_leave_and_from_which_address_is_read() -> None:
    assert (seen().card4, seen().gateway4) == ("ens4", ip_address("203.0.113.1"))
    assert seen().source4 == ip_address("203.0.113.10")


def test_a_family_without_a_way_out_has_no_source() -> None:
    assert (seen().source6, seen().card6) == (None, "")


def test_resolvers_are_read_with_or_without_a_card() -> None:
    assert seen().resolvers == (ip_address("192.0.2.53"), ip_address("192.0.2.54"), ip_address("fe80::1"))
