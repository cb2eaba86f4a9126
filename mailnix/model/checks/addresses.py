"""Addresses of machines, and who may log in from where."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Final

from mailnix.model.checks import texts
from mailnix.model.checks.found import Found, each
from mailnix.model.net import Address, Network, is_documentation, not_public
from mailnix.model.topology import Internal, Proxy, Topology

_IN_IPV6_FORM: Final = 96  # bits before the IPv4 address in ::ffff:0:0/96


def check(topology: Topology, found: Found) -> None:
    """Check every address of a machine."""
    _proxies(topology, found)
    for path, proxy in each(topology.proxies, Proxy, "proxies"):
        _cidrs(proxy.admin_cidrs, f"{path}.admin_cidrs", found)
        _private(proxy.private_networks, f"{path}.private_networks", found)
    if isinstance(topology.internal, Internal):
        _cidrs(topology.internal.lan_admin_cidrs, "internal.lan_admin_cidrs", found)


def _proxies(topology: Topology, found: Found) -> None:
    seen: dict[Address, str] = {}
    for path, proxy in each(topology.proxies, Proxy, "proxies"):
        for at, address in (
            (f"{path}.ipv4", texts.address(proxy.ipv4, IPv4Address, f"{path}.ipv4", found)),
            (f"{path}.ipv6", texts.address(proxy.ipv6, IPv6Address, f"{path}.ipv6", found)),
        ):
            if address is None:
                continue
            _public(address, at, found)
            if address in seen:
                found.error(at, f"{address} is the address of {seen[address]} already")
            seen.setdefault(address, path)
        for at, text in each(proxy.extra_addresses, str, f"{path}.extra_addresses"):
            extra = texts.interface(text, at, found)
            if extra is not None and not_public(extra.ip) is None and seen.setdefault(extra.ip, path) != path:
                found.error(at, f"{extra.ip} is the address of {seen[extra.ip]} already")


def _public(address: Address, path: str, found: Found) -> None:
    kind = not_public(address)
    if kind is not None:
        behind = (
            "; what the card has behind a provider's 1:1 NAT is card_ipv4" if "private" in kind or "NAT" in kind else ""
        )
        hint = f"give the proxy's public address{behind}"
        found.error(path, f"{address} is {kind}: nobody on the internet reaches it", hint)
    elif is_documentation(address):
        found.warning(
            path, f"{address} is for examples only", "put in your proxy's address before you publish anything"
        )


def _private(given: Any, path: str, found: Found) -> None:
    for at, text in each(given, str, path):
        network = _network(text, "10.0.0.0/16 or fd00:6::/48", at, found)
        if network is not None and not network.prefixlen:
            found.error(at, f"{text} is everything", "write the private network that the machine is in")


def _cidrs(given: Any, path: str, found: Found) -> None:
    for at, text in each(given, str, path):
        network = _network(text, "198.51.100.0/24 or 2001:db8::/64", at, found)
        if network is not None and not network.prefixlen:
            found.warning(at, f"{text} lets everybody try to log in", "name the networks you come from")
        elif network is not None and (kind := _nobodys(network)):
            hint = f"write {meant}" if (meant := _ipv4_of(network)) else "name the networks you come from"
            found.error(at, f"{text} is {kind}: nobody comes from it", hint)


def _nobodys(network: Network) -> str | None:
    """What kind of address all of a network is, where no packet comes from such a one; else None."""
    kind = not_public(network[0])
    if isinstance(network, IPv4Network) and network.is_reserved:
        return kind
    never = kind is not None and any(word in kind for word in ("loopback", "multicast", "unspecified", "in IPv6 form"))
    return kind if never and not_public(network[-1]) == kind else None


def _ipv4_of(network: Network) -> IPv4Network | None:
    """The IPv4 network that one in IPv6 form means (RFC 4291 2.5.5.2)."""
    mapped = network[0].ipv4_mapped if isinstance(network, IPv6Network) and network.prefixlen > _IN_IPV6_FORM else None
    return IPv4Network((mapped, network.prefixlen - _IN_IPV6_FORM)) if mapped is not None else None


def _network(text: str, example: str, path: str, found: Found) -> Network | None:
    network = texts.network(text)
    if network is None:
        found.error(path, f"{text[:50]!r} is not a network", f"write for example {example}")
    return network
