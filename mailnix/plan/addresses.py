"""Tunnel addresses, interface names and marks: stable by a machine's name, whatever order the proxies stand in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, ip_interface
from typing import Final

from mailnix.model.topology import Topology

TUNNELS: Final = ("10.83.119.0/24", "172.29.119.0/24", "192.168.219.0/24")
"""Tunnel subnets, the first that nothing described overlaps: home routers have 192.168.0 to 2, 178, 10.0.0 and 10.0.1,
clouds 10.0.0.0/16 (Oracle, Hetzner), 10.128.0.0/9 (Google), 172.31.0.0/16 (Amazon), Kubernetes 10.42, 10.43 and
10.96.0.0/12, Docker 172.17 to 172.28, podman 10.88 and 10.89, carriers' NAT and Tailscale 100.64.0.0/10."""

INTERNAL_OFFSET: Final = 2
_USABLE_MAX: Final = 253
MARK_BASE: Final = 0x6D00  # 'm'; the low byte is the proxy's offset
TABLE_BASE: Final = 27900  # routing tables, out of the way of what people number by hand
INTERFACE_MAX: Final = 15  # IFNAMSIZ - 1

# Chosen so that a proxy called "proxy", as in every example, gets the first address of the subnet.
_SALT: Final = "mailnix-170:"


def tunnel_subnet(topology: Topology) -> IPv4Network:
    """The tunnel's subnet: as described, or the first of ours that overlaps nothing described.

    Where all do, the first: `mailnix.model.check` says so, and the tunnel's routes are narrower than any network.
    """
    if topology.tunnel.subnet is not None:
        return IPv4Network(topology.tunnel.subnet)
    taken = described_networks(topology)
    candidates = [IPv4Network(text) for text in TUNNELS]
    return next((one for one in candidates if not any(one.overlaps(other) for other in taken)), candidates[0])


def described_networks(topology: Topology) -> tuple[IPv4Network, ...]:
    """Every IPv4 network that a description says something about, other than the tunnel's."""
    internal = topology.internal
    texts = [internal.docker_subnet, *([internal.lan] if internal.lan else [])]
    texts += [f"{internal.ipv4}/{internal.prefix}"] if internal.ipv4 else []
    for proxy in topology.proxies:
        texts += [*proxy.private_networks, *proxy.extra_addresses]
        texts += [f"{address}/{proxy.prefix}" for address in (proxy.gateway, proxy.card_ipv4) if address]
    networks = (ip_interface(text).network for text in texts)
    return tuple(network for network in networks if isinstance(network, IPv4Network))


def _wanted(name: str, slots: int) -> int:
    digest = hashlib.sha256((_SALT + name).encode()).digest()
    return int.from_bytes(digest[:8], "big") % slots


def offsets(names: Iterable[str], subnet: IPv4Network) -> Mapping[str, int]:
    """Host numbers within the tunnel subnet for proxies.

    Each name hashes to a wanted number; where two want the same, the alphabetically later one takes the next free.
    """
    free = [n for n in range(1, min(subnet.num_addresses - 1, _USABLE_MAX + 1)) if n != INTERNAL_OFFSET]
    taken: dict[str, int] = {}
    for name in sorted(set(names)):
        start = _wanted(name, len(free))
        for step in range(len(free)):
            number = free[(start + step) % len(free)]
            if number not in taken.values():
                taken[name] = number
                break
    return taken


def interface(proxy: str) -> str:
    """The internal host's interface for the tunnel to `proxy`; long names are cut and told apart by a digest."""
    name = f"wg-{proxy}"
    if len(name) <= INTERFACE_MAX:
        return name
    return f"{name[: INTERFACE_MAX - 5]}-{hashlib.sha256(proxy.encode()).hexdigest()[:4]}"
