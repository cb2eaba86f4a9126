"""The networks that a description chooses, the tunnel's and Docker's, and whether anything else has them."""

from __future__ import annotations

from ipaddress import (
    AddressValueError,
    IPv4Network,
    IPv6Network,
    NetmaskValueError,
    ip_network,
)
from typing import Any, Final, TypeVar

from mailnix.model.checks.found import Found
from mailnix.model.net import Network, not_public
from mailnix.model.topology import Internal, Topology, Tunnel

DOCKER_PREFIX: Final = 24  # Mailcow's compose file numbers its containers within the first three bytes
TUNNEL_PREFIX_MAX: Final = 30
TUNNEL6_PREFIX_MAX: Final = 120  # host numbers go up to 253
DOCKER6_PREFIX_MAX: Final = 64
MAX_PROXIES: Final = 252  # host numbers 1 to 253, but the internal host's

N = TypeVar("N", IPv4Network, IPv6Network)


def check(topology: Topology, found: Found) -> None:
    """Check every network of ours, then overlaps."""
    networks: list[tuple[str, Network]] = []
    if isinstance(topology.tunnel, Tunnel):
        networks += _tunnel(topology, topology.tunnel, found)
    if isinstance(topology.internal, Internal):
        networks += _internal(topology.internal, found)
    _overlaps(networks, found)


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
