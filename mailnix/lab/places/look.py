"""One look at a machine: its addresses, where its packets leave and from which address, its resolvers and sockets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface
from typing import Any, Final

from attrs import frozen

from mailnix.lab.places.outside import MX4, MX6
from mailnix.plan.types import Address, Interface

LOOK: Final = f"""\
printf '{{"address":%s,"to4":%s,"to6":%s,"dns":"%s"}}' \
    "$(ip -j address)" \
    "$(ip -j route get {MX4} 2>/dev/null || echo [])" \
    "$(ip -j -6 route get {MX6} 2>/dev/null || echo [])" \
    "$(resolvectl dns | cut -d: -f2- | tr '\\n' ' ')"
"""
"""A command whose output `read` understands."""
OURS: Final = ("lo", "wg")
"""Beginnings of names of cards that lead to no network of a place."""


@frozen
class Card:
    """A network card: its MAC, whether it is plugged in, its addresses that reach beyond its own link, and that of IPv6
    which does not."""

    mac: str
    plugged: bool
    addresses: tuple[Interface, ...]
    link: Address | None = None


@frozen
class Look:
    """What was seen: cards by name, and for each family the card, the gateway and the source of what leaves."""

    cards: Mapping[str, Card]
    source4: Address | None
    source6: Address | None
    card4: str
    card6: str
    gateway4: Address | None
    gateway6: Address | None
    resolvers: tuple[Address, ...]

    @property
    def addresses(self) -> tuple[Interface, ...]:
        """Those of every card."""
        return tuple(address for card in self.cards.values() for address in card.addresses)


def read(text: str) -> Look:
    """What the output of `LOOK` says."""
    found = json.loads(text)
    four, six = ((found[to] or [{}])[0] for to in ("to4", "to6"))
    return Look(
        cards={entry["ifname"]: _card(entry) for entry in found["address"] if not entry["ifname"].startswith(OURS)},
        source4=_address(four, "prefsrc"),
        source6=_address(six, "prefsrc"),
        card4=four.get("dev", ""),
        card6=six.get("dev", ""),
        gateway4=_address(four, "gateway"),
        gateway6=_address(six, "gateway"),
        resolvers=tuple(_resolvers(found["dns"].split())),
    )


def _card(entry: Mapping[str, Any]) -> Card:
    addresses = tuple(
        ip_interface(f"{each['local']}/{each['prefixlen']}") for each in entry["addr_info"] if each["scope"] == "global"
    )
    link = [ip_address(each["local"]) for each in entry["addr_info"] if each["scope"] == "link"]
    return Card(entry.get("address", ""), "LOWER_UP" in entry.get("flags", ()), addresses, link[0] if link else None)


def _address(route: Mapping[str, Any], key: str) -> Address | None:
    return ip_address(route[key]) if key in route else None


def _resolvers(words: Iterable[str]) -> Iterable[Address]:
    for word in words:
        try:
            yield ip_address(word.partition("%")[0])
        except ValueError:
            continue


def families(addresses: Iterable[Interface]) -> tuple[set[IPv4Interface], set[IPv6Interface]]:
    """IPv4 ones and IPv6 ones."""
    found = tuple(addresses)
    return {a for a in found if isinstance(a, IPv4Interface)}, {a for a in found if isinstance(a, IPv6Interface)}
