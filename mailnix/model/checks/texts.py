"""Addresses as texts: what they are, with the reason found where they are none."""

from __future__ import annotations

from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Interface,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Any, Final, TypeAlias, TypeVar

from mailnix.model.checks.found import Found
from mailnix.model.net import Address, Network

A = TypeVar("A", IPv4Address, IPv6Address)
Interface: TypeAlias = IPv4Interface | IPv6Interface

_SHOWN: Final = 50
_EXAMPLES: Final = {IPv4Address: "203.0.113.10", IPv6Address: "2001:db8::10"}


def address(text: Any, kind: type[A], path: str, found: Found) -> A | None:
    """The address of one family in a text, or None with the reason found."""
    if not isinstance(text, str):
        return None
    number = "4" if kind is IPv4Address else "6"
    try:
        parsed = kind(text)
    except AddressValueError:
        message = f"{text[:_SHOWN]!r} is not an IPv{number} address"
        hint = (
            "write the address alone, without a prefix length"
            if "/" in text
            else f"write for example {_EXAMPLES[kind]}"
        )
        found.error(path, message, hint)
        return None
    return None if _scoped(parsed, text, path, found) else parsed


def any_address(text: str, path: str, found: Found) -> Address | None:
    """The address of either family in a text, or None with the reason found."""
    try:
        parsed = ip_address(text)
    except ValueError:
        found.error(path, f"{text[:_SHOWN]!r} is not an address", "write an IPv4 or IPv6 address, not a name")
        return None
    return None if _scoped(parsed, text, path, found) else parsed


def interface(text: str, path: str, found: Found) -> Interface | None:
    """The address and length of its network in a text, or None with the reason found."""
    try:
        parsed = ip_interface(text)
    except ValueError:
        message = f"{text[:_SHOWN]!r} is not an address with the length of its network"
        found.error(path, message, "write for example 192.168.133.7/17 or 2001:db8::7/64")
        return None
    return None if _scoped(parsed, text, path, found) else parsed


def quiet(text: Any, kind: type[A]) -> A | None:
    """The address in a text that is looked at elsewhere, too."""
    try:
        return kind(text) if isinstance(text, str) else None
    except AddressValueError:
        return None


def network(text: Any) -> Network | None:
    """The network in a text that is looked at elsewhere, too; None for one that names an interface, which no rule of a
    firewall takes."""
    try:
        found = ip_network(text, strict=False) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if isinstance(found, IPv6Network) and found.network_address.scope_id is not None else found


def _scoped(parsed: Address, text: str, path: str, found: Found) -> bool:
    if isinstance(parsed, IPv6Address) and parsed.scope_id is not None:
        found.error(path, f"{text[:_SHOWN]!r} names an interface", "leave out what follows the %")
        return True
    return False
