"""Kinds of addresses, as far as they decide whether a machine can be public (RFC 6890 and its registries)."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

DOCUMENTATION: Final[tuple[Network, ...]] = tuple(
    ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
)
_NOT_PUBLIC: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ip_network(text), kind)
    for text, kind in (
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", "a private address (RFC 1918)"),
        ("100.64.0.0/10", "a carrier-grade NAT address (RFC 6598)"),
        ("127.0.0.0/8", "a loopback address"),
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address (RFC 1918)"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.88.99.0/24", "a reserved address"),
        ("192.168.0.0/16", "a private address (RFC 1918)"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
        ("::/128", "an unspecified address"),
        ("::1/128", "a loopback address"),
        ("::ffff:0:0/96", "an IPv4 address in IPv6 form"),
        ("fc00::/7", "a private address (unique local)"),
        ("fe80::/10", "a link-local address"),
        ("ff00::/8", "a multicast address"),
        ("2001::/23", "a reserved address"),
        ("2002::/16", "a 6to4 address"),
    )
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")


def not_public(address: Address) -> str | None:
    """What kind of address this is, where it cannot be reached from the internet; else None."""
    for network, kind in _NOT_PUBLIC:
        if address in network:
            return kind
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "a reserved address"
    return None


def useless(address: Address) -> str | None:
    """What kind of address this is, where no network card can have it as one that others use; else None."""
    kind = not_public(address)
    local = kind is not None and any(word in kind for word in ("private", "NAT", "benchmarking"))
    return None if local else kind


def within(one: Network, other: Network) -> bool:
    """Whether all of the one network is in the other."""
    return one.version == other.version and one[0] in other and one[-1] in other


def is_documentation(address: Address) -> bool:
    """Whether the address is set aside for examples (RFC 5737, RFC 3849, RFC 9637)."""
    return any(address in network for network in DOCUMENTATION)


_MAC: Final = re.compile(r"[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}\1){4}[0-9a-fA-F]{2}")


def mac(card: str) -> str | None:
    """The MAC that a card is described by, in lower case with colons; None where it is described by its name."""
    return card.lower().replace("-", ":") if _MAC.fullmatch(card) else None
