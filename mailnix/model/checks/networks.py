"""The networks that a description chooses, the tunnel's and Docker's, and whether anything else has them."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import (
    AddressValueError,
    IPv4Network,
    IPv6Network,
    NetmaskValueError,
)
from typing import Any, Final, TypeVar

from mailnix.model import networks
from mailnix.model.checks import texts
from mailnix.model.checks.found import Found
from mailnix.model.net import Network, not_public, within
from mailnix.model.topology import Internal, Topology, Tunnel

DOCKER_PREFIX: Final = 24  # Mailcow's compose file numbers its containers within the first three bytes
TUNNEL_PREFIX_MAX: Final = 30
TUNNEL6_PREFIX_MAX: Final = 120  # host numbers go up to 253
DOCKER6_PREFIX_MAX: Final = 64
MAX_PROXIES: Final = 252  # host numbers 1 to 253, but the internal host's

N = TypeVar("N", IPv4Network, IPv6Network)


def check(topology: Topology, found: Found) -> None:
    """Check every network of ours, then overlaps."""
    if isinstance(topology.tunnel, Tunnel):
        _tunnel(topology, topology.tunnel, found)
    if isinstance(topology.internal, Internal):
        _internal(topology.internal, found)
    _around_docker(topology, found)
    if isinstance(topology.tunnel, Tunnel):
        _around_tunnel(topology, topology.tunnel, found)


def _network(text: Any, kind: type[N], path: str, found: Found) -> N | None:
    """The network in a text, or None with the reason found."""
    if not isinstance(text, str):
        return None
    number = "4" if kind is IPv4Network else "6"
    try:
        if "%" in text:  # an interface, which Python takes
            raise AddressValueError
        return kind(text)
    except (AddressValueError, NetmaskValueError):
        found.error(path, f"{text[:50]!r} is not an IPv{number} network")
    except ValueError:
        found.error(path, f"{text} is an address in a network", f"write the network: {kind(text, strict=False)}")
    return None


def _tunnel(topology: Topology, tunnel: Tunnel, found: Found) -> None:
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


def _internal(internal: Internal, found: Found) -> None:
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
    if isinstance(internal.lan, str) and texts.network(internal.lan) is None:
        found.error("internal.lan", f"{internal.lan[:50]!r} is not a network", "write for example 192.168.1.0/24")


def _not_anyones(network: Network, path: str, found: Found) -> None:
    """A network of our own must be one that nobody else has on the internet."""
    kind = not_public(network[0])
    if kind is None or ("private" not in kind and "NAT" not in kind) or not_public(network[-1]) != kind:
        example = "fd00::/8" if network.version == 6 else "10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
        found.error(path, f"{network} is not a private network", f"choose one in {example}")


def _around_tunnel(topology: Topology, tunnel: Tunnel, found: Found) -> None:
    """Nothing else may have the tunnel's networks: neither machine would reach what has."""
    others = networks.taken(topology)
    unused = networks.free(networks.TUNNELS, others)
    if tunnel.subnet is None and unused is None:
        ours = [IPv4Network(text) for text in networks.TUNNELS]
        paths = [each.path for each in others if any(_overlap(each.network, one) for one in ours)]
        chosen, names = ", ".join(networks.TUNNELS), ", ".join(dict.fromkeys(paths))
        message = f"whatever mailnix would choose ({chosen}) overlaps what is described: {names}"
        found.error("tunnel.subnet", message, "write one that is free: tunnel=Tunnel(subnet=…)")
    elif isinstance(tunnel.subnet, str) and found.sound("tunnel.subnet"):
        way_out = f"leave tunnel.subnet out for {unused}" if unused else "choose another tunnel.subnet"
        _compare("tunnel.subnet", IPv4Network(tunnel.subnet), others, way_out, found)
    if isinstance(tunnel.subnet6, str) and found.sound("tunnel.subnet6"):
        way_out = "choose another tunnel.subnet6, a /64 in fd00::/8"
        _compare("tunnel.subnet6", IPv6Network(tunnel.subnet6), others, way_out, found)


def _around_docker(topology: Topology, found: Found) -> None:
    """Nothing at home may have the containers' networks."""
    others = tuple(networks.at_home(topology))
    tunnel = topology.tunnel.subnet if isinstance(topology.tunnel, Tunnel) else None
    unused = networks.free(networks.DOCKERS, (*others, *networks.described("tunnel.subnet", tunnel)))
    for each in networks.of_docker(topology):
        if found.sound(each.path):
            field = each.path.removeprefix("internal.")
            way_out = f'write {field}="{unused}"' if unused and each.network.version == 4 else f"choose another {field}"
            _compare(each.path, each.network, others, way_out, found)


def _compare(path: str, ours: Network, others: Iterable[networks.Described], way_out: str, found: Found) -> None:
    for other in others:
        if not _overlap(ours, other.network):
            continue
        message = f"{other.network} overlaps {path} ({ours})"
        if other.certain:
            found.error(other.path, message, way_out)
        elif not within(other.network, ours):  # who may log in from the tunnel means the tunnel
            found.warning(other.path, message, f"{way_out}, if the machine is in that network")


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)
