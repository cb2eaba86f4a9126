"""Addresses and networks: what they are, and whether they get in each other's way."""

from __future__ import annotations

from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    NetmaskValueError,
    ip_network,
)
from typing import Any, Final, TypeVar

from mailnix.model.checks.found import Found, each
from mailnix.model.net import Address, Network, is_documentation, not_public
from mailnix.model.topology import Internal, Proxy, Topology, Tunnel

DOCKER_PREFIX: Final = 24  # Mailcow's compose file numbers its containers within the first three bytes
TUNNEL_PREFIX_MAX: Final = 30
TUNNEL6_PREFIX_MAX: Final = 120  # host numbers go up to 253
DOCKER6_PREFIX_MAX: Final = 64
MAX_PROXIES: Final = 252  # host numbers 1 to 253, but the internal host's

A = TypeVar("A", IPv4Address, IPv6Address)
N = TypeVar("N", IPv4Network, IPv6Network)


def check(topology: Topology, found: Found) -> None:
    """Check every address and network, then overlaps."""
    _proxies(topology, found)
    for path, proxy in each(topology.proxies, Proxy, "proxies"):
        _gateways(proxy, path, found)
        _cidrs(proxy.admin_cidrs, f"{path}.admin_cidrs", found)
    networks: list[tuple[str, Network]] = []
    if isinstance(topology.tunnel, Tunnel):
        networks += _tunnel(topology, topology.tunnel, found)
    if isinstance(topology.internal, Internal):
        _cidrs(topology.internal.lan_admin_cidrs, "internal.lan_admin_cidrs", found)
        networks += _internal(topology.internal, found)
    _overlaps(networks, found)


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


def _network(text: Any, kind: type[N], path: str, found: Found) -> N | None:
    """The network in a text, or None with the reason found."""
    if not isinstance(text, str):
        return None
    number = "4" if kind is IPv4Network else "6"
    try:
        return kind(text)
    except (AddressValueError, NetmaskValueError):
        found.error(path, f"{text[:50]!r} is not an IPv{number} network")
    except ValueError:
        found.error(path, f"{text} is an address in a network", f"write the network: {kind(text, strict=False)}")
    return None


def _tunnel(topology: Topology, tunnel: Tunnel, found: Found) -> list[tuple[str, Network]]:
    subnet = _network(tunnel.subnet, IPv4Network, "tunnel.subnet", found)
    if subnet is not None:
        count = len(topology.proxies) if isinstance(topology.proxies, tuple) else 1
        room = min(subnet.num_addresses - 3, MAX_PROXIES)
        if subnet.prefixlen > TUNNEL_PREFIX_MAX:
            found.error(
                "tunnel.subnet", f"{subnet} has no room for two machines", f"use a /{TUNNEL_PREFIX_MAX} or larger"
            )
        elif count > room:
            found.error(
                "tunnel.subnet", f"{subnet} has room for {room} proxies, and there are {count}", "use a larger one"
            )
        _not_anyones(subnet, "tunnel.subnet", found)
    subnet6 = _network(tunnel.subnet6, IPv6Network, "tunnel.subnet6", found)
    if subnet6 is not None:
        if subnet6.prefixlen > TUNNEL6_PREFIX_MAX:
            found.error("tunnel.subnet6", f"{subnet6} is too small", f"use a /64 (at most /{TUNNEL6_PREFIX_MAX})")
        _not_anyones(subnet6, "tunnel.subnet6", found)
    return [(p, n) for p, n in (("tunnel.subnet", subnet), ("tunnel.subnet6", subnet6)) if n is not None]


def _internal(internal: Internal, found: Found) -> list[tuple[str, Network]]:
    docker = _network(internal.docker_subnet, IPv4Network, "internal.docker_subnet", found)
    if docker is not None:
        if docker.prefixlen != DOCKER_PREFIX:
            found.error("internal.docker_subnet", f"{docker} is not a /{DOCKER_PREFIX}, which Mailcow needs")
        _not_anyones(docker, "internal.docker_subnet", found)
    docker6 = _network(internal.docker_subnet6, IPv6Network, "internal.docker_subnet6", found)
    if docker6 is not None:
        if docker6.prefixlen > DOCKER6_PREFIX_MAX:
            found.error("internal.docker_subnet6", f"{docker6} is too small", f"use a /{DOCKER6_PREFIX_MAX}")
        _not_anyones(docker6, "internal.docker_subnet6", found)
    lan: Network | None = None
    if isinstance(internal.lan, str):
        try:
            lan = ip_network(internal.lan, strict=False)
        except ValueError:
            found.error("internal.lan", f"{internal.lan[:50]!r} is not a network", "write for example 192.168.1.0/24")
    named = (("internal.docker_subnet", docker), ("internal.docker_subnet6", docker6), ("internal.lan", lan))
    return [(path, network) for path, network in named if network is not None]


def _not_anyones(network: Network, path: str, found: Found) -> None:
    """A network of our own must be one that nobody else has on the internet."""
    kind = not_public(network[0])
    if kind is None or ("private" not in kind and "NAT" not in kind) or not_public(network[-1]) != kind:
        example = "fd00::/8" if network.version == 6 else "10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
        found.error(path, f"{network} is not a private network", f"choose one in {example}")


def _overlaps(networks: list[tuple[str, Network]], found: Found) -> None:
    for number, (path, network) in enumerate(networks):
        for other_path, other in networks[:number]:
            if network.version == other.version and network.overlaps(other):
                found.error(path, f"{network} overlaps {other_path} ({other})", "choose another network")
