"""Networks that a description speaks of, and the tunnel's subnet, which keeps out of their way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, ip_network
from typing import Any, Final

from attrs import evolve, frozen

from mailnix.model.net import Network
from mailnix.model.topology import PRIVATE_NETWORKS, Internal, Proxy, Topology

TUNNELS: Final = ("10.83.119.0/24", "172.29.119.0/24", "192.168.219.0/24", "100.117.119.0/24")
"""Tunnel subnets, the first that nothing described overlaps: home routers have 192.168.0 to 2, 178, 10.0.0 and 10.0.1,
clouds 10.0.0.0/16 (Oracle, Hetzner), 10.128.0.0/9 (Google), 172.31.0.0/16 (Amazon), Kubernetes 10.42, 10.43 and
10.96.0.0/12, Docker 172.17 to 172.28, podman 10.88 and 10.89. 100.64.0.0/10 is carriers' and Tailscale's (RFC 6598):
only for whom a description leaves nothing private.
"""
DOCKERS: Final = ("172.22.1.0/24", "10.219.83.0/24", "192.168.221.0/24", "100.117.83.0/24")
"""The same for Mailcow's containers, the first being Mailcow's own choice; only ever named as a way out."""

ADMIN_PREFIX: Final = {4: 16, 6: 48}
"""Admin networks of this length and longer mean a network that somebody is in; shorter ones mean any such network."""


@frozen
class Described:
    """A network somewhere in a description: its path there, and whether a machine of ours surely stands in it."""

    path: str
    network: Network
    certain: bool = True


def at_home(topology: Topology) -> Iterator[Described]:
    """Those around the machine at home; texts that are no networks are left out."""
    internal = topology.internal
    if not isinstance(internal, Internal):
        return
    yield from described("internal.lan", internal.lan)
    yield from described("internal.ipv4", internal.ipv4, internal.prefix)
    yield from described("internal.gateway", internal.gateway, internal.prefix)
    yield from described("internal.nameservers", internal.nameservers)
    yield from described("internal.forwarders", internal.forwarders)
    yield from _admins("internal.lan_admin_cidrs", internal.lan_admin_cidrs, certain=True)
    yield from _admins("internal.lan_client_cidrs", internal.lan_client_cidrs, certain=True)


def at_providers(topology: Topology) -> Iterator[Described]:
    """Those around the proxies. Public ones never meet the tunnel's, which is private."""
    for number, proxy in enumerate(topology.proxies if isinstance(topology.proxies, tuple) else ()):
        if not isinstance(proxy, Proxy):
            continue
        path = f"proxies[{number}]"
        yield from described(f"{path}.private_networks", proxy.private_networks)
        yield from described(f"{path}.extra_addresses", proxy.extra_addresses)
        yield from described(f"{path}.card_ipv4", proxy.card_ipv4, proxy.prefix)
        yield from described(f"{path}.gateway", proxy.gateway, proxy.prefix)
        yield from described(f"{path}.gateway6", proxy.gateway6)
        yield from described(f"{path}.nameservers", proxy.nameservers)
        yield from described(f"{path}.endpoint", proxy.endpoint)
        yield from _admins(f"{path}.admin_cidrs", proxy.admin_cidrs, certain=False)


def of_docker(topology: Topology) -> Iterator[Described]:
    """Those of Mailcow's containers."""
    if isinstance(topology.internal, Internal):
        yield from described("internal.docker_subnet", topology.internal.docker_subnet)
        yield from described("internal.docker_subnet6", topology.internal.docker_subnet6)


def tunnel_subnet(topology: Topology) -> IPv4Network:
    """The tunnel's subnet: as described, or the first of ours that overlaps nothing described.

    Where all do, the first: `mailnix.model.check` refuses that. Raises ValueError where the described one is none.
    """
    if topology.tunnel.subnet is not None:
        return IPv4Network(topology.tunnel.subnet)
    return free(TUNNELS, taken(topology)) or IPv4Network(TUNNELS[0])


def taken(topology: Topology) -> tuple[Described, ...]:
    """Everything that the tunnel keeps out of the way of."""
    return (*at_home(topology), *at_providers(topology), *of_docker(topology))


def free(candidates: Iterable[str], others: Iterable[Described]) -> IPv4Network | None:
    """The first of the candidates that overlaps none of the others."""
    known = [each.network for each in others if isinstance(each.network, IPv4Network)]
    networks = (IPv4Network(text) for text in candidates)
    return next((one for one in networks if not any(one.overlaps(other) for other in known)), None)


def described(path: str, value: object, prefix: Any = None) -> Iterator[Described]:
    """Networks, or those that addresses are in, as far as there are any; `prefix` is for texts without a length."""
    texts = enumerate(value) if isinstance(value, tuple) else ((None, value),)
    for number, text in texts:
        network = _network(text, prefix)
        if network is not None:
            yield Described(path if number is None else f"{path}[{number}]", network)


def _admins(path: str, value: Any, *, certain: bool) -> Iterator[Described]:
    for each in described(path, value):
        long = each.network.prefixlen >= ADMIN_PREFIX[each.network.version]
        if long and str(each.network) not in PRIVATE_NETWORKS:
            yield evolve(each, certain=certain)


def _network(text: Any, prefix: Any) -> Network | None:
    """The network in a text; None for what is none, and for what means everybody's."""
    if not isinstance(text, str):
        return None
    try:
        network = ip_network(text if prefix is None or "/" in text else f"{text}/{prefix}", strict=False)
    except ValueError:
        return None
    return network if network.prefixlen else None
