"""Addresses of machines, and who may log in from where."""

from __future__ import annotations

from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    ip_network,
)
from typing import Any, TypeVar

from mailnix.model.checks.found import Found, each
from mailnix.model.net import Address, is_documentation, not_public
from mailnix.model.topology import Internal, Proxy, Topology

A = TypeVar("A", IPv4Address, IPv6Address)


def check(topology: Topology, found: Found) -> None:
    """Check every address of a machine."""
    _proxies(topology, found)
    for path, proxy in each(topology.proxies, Proxy, "proxies"):
        _gateways(proxy, path, found)
        _cidrs(proxy.admin_cidrs, f"{path}.admin_cidrs", found)
    if isinstance(topology.internal, Internal):
        _cidrs(topology.internal.lan_admin_cidrs, "internal.lan_admin_cidrs", found)


def _proxies(topology: Topology, found: Found) -> None:
    seen: dict[Address, str] = {}
    for path, proxy in each(topology.proxies, Proxy, "proxies"):
        for at, address in (
            (f"{path}.ipv4", _address(proxy.ipv4, IPv4Address, f"{path}.ipv4", found)),
            (f"{path}.ipv6", _address(proxy.ipv6, IPv6Address, f"{path}.ipv6", found)),
        ):
            if address is None:
                continue
            _public(address, at, found)
            if address in seen:
                found.error(at, f"{address} is the address of {seen[address]} already")
            seen.setdefault(address, path)


def _address(text: Any, kind: type[A], path: str, found: Found) -> A | None:
    """The address in a text, or None with the reason found."""
    if not isinstance(text, str):
        return None
    number = "4" if kind is IPv4Address else "6"
    try:
        address = kind(text)
    except AddressValueError:
        message = f"{text[:50]!r} is not an IPv{number} address"
        found.error(path, message, "write the address alone, without a prefix length" if "/" in text else "")
        return None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        found.error(path, f"{text[:50]!r} names an interface", "leave out what follows the %")
        return None
    return address


def _public(address: Address, path: str, found: Found) -> None:
    kind = not_public(address)
    if kind is not None:
        found.error(path, f"{address} is {kind}: nobody on the internet reaches it", "give the proxy's public address")
    elif is_documentation(address):
        found.warning(
            path, f"{address} is for examples only", "put in your proxy's address before you publish anything"
        )


def _gateways(proxy: Proxy, path: str, found: Found) -> None:
    prefix_ok = isinstance(proxy.prefix, int) and 1 <= proxy.prefix <= 32
    if isinstance(proxy.prefix, int) and not prefix_ok:
        found.error(f"{path}.prefix", f"{proxy.prefix} is not a prefix length (1 to 32)")
    gateway = _address(proxy.gateway, IPv4Address, f"{path}.gateway", found)
    if gateway is not None and gateway == _quiet(proxy.ipv4):
        found.error(f"{path}.gateway", "is the proxy's own address", "write the provider's router")
    elif gateway is not None and prefix_ok and proxy.prefix < 32 and _quiet(proxy.ipv4) is not None:
        network = IPv4Network(f"{proxy.ipv4}/{proxy.prefix}", strict=False)
        if gateway not in network:
            found.error(
                f"{path}.gateway", f"{gateway} is not in {network}", "leave prefix out where it is not on the link"
            )
    gateway6 = _address(proxy.gateway6, IPv6Address, f"{path}.gateway6", found)
    if gateway6 is not None and proxy.ipv6 is None:
        found.error(f"{path}.gateway6", "there is no ipv6 address that would use it", "give ipv6 too, or leave it out")


def _quiet(text: Any) -> IPv4Address | None:
    try:
        return IPv4Address(text) if isinstance(text, str) else None
    except AddressValueError:
        return None


def _cidrs(texts: Any, path: str, found: Found) -> None:
    for at, text in each(texts, str, path):
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            found.error(at, f"{text[:50]!r} is not a network", "write for example 198.51.100.0/24 or 2001:db8::/64")
            continue
        if network.prefixlen == 0:
            found.warning(at, f"{text} lets everybody try to log in", "name the networks you come from")
