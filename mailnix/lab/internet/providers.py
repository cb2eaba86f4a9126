"""What each proxy's provider does: which addresses a proxy's card has, which are routed to it, and by which gateway.

All of it follows the description: a lease where the card asks for one, the described gateway where it does not, 1:1
translation where the public address is not on the card. What is left open (a lease's gateway, the main address beside
a floating one) is chosen here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_interface,
    ip_network,
)
from typing import Final

from attrs import evolve, frozen

from mailnix.errors import LabError
from mailnix.lab.internet.cards import INTERNET, uplink_nic
from mailnix.lab.spec import Nic
from mailnix.model.topology import Proxy
from mailnix.plan.types import Address, Interface, Network, Plan, ProxyPlan

HOST_OFFSET: Final = 10
AUTOCONFIGURED: Final = 64  # RFC 4862: what a card takes for an address of its own making


@frozen
class Port:
    """A proxy at its provider: the link's two cards, and what is set up for the far one.

    `ipv4` is the card's main address, with the network that it believes to be on; `lease` says that it comes by DHCP.
    `routed` are all addresses that packets are sent to over this link; `translated` pairs a public address with the
    card's own that it stands for.
    """

    proxy: ProxyPlan
    nic: Nic
    far: Nic
    ipv4: IPv4Interface
    lease: bool
    gateway4: IPv4Address
    gateway6: IPv6Address | None
    routed: tuple[Address, ...]
    translated: tuple[tuple[IPv4Address, IPv4Address], ...]

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Every address that packets to or from this proxy may have, here or on its link."""
        return (*self.routed, *(public for public, _own in self.translated))

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks that the card believes to be on."""
        set_here = (interface.network for interface in self.proxy.uplink.addresses)
        return tuple(dict.fromkeys((self.ipv4.network, *set_here)))

    def on_link(self, address: Address) -> bool:
        """Whether the proxy asks on its link for this address, and not its gateway."""
        return any(address in network for network in self.networks)

    def on_wire(self, address: Address) -> Address:
        """What an address of this proxy is on its link: the card's own, where the provider translates."""
        return next((own for public, own in self.translated if public == address), address)


@frozen
class Segment:
    """A bridge in the internet that proxies are on: one alone, or neighbours that ask for each other on their link.

    `addresses` are the bridge's own: gateways, and whoever else is on the link. `advertised` are the IPv6 networks of
    router advertisements; None where there are none to be heard.
    """

    bridge: str
    ports: tuple[Port, ...]
    addresses: tuple[Interface, ...]
    advertised: tuple[IPv6Network, ...] | None

    @property
    def networks(self) -> tuple[Network, ...]:
        """Every network that somebody on this segment believes to be on."""
        return tuple(dict.fromkeys(network for port in self.ports for network in port.networks))


def segments(plan: Plan) -> tuple[Segment, ...]:
    """Every proxy on a segment. Raises LabError for an address that no machine can have."""
    descriptions = {proxy.name: proxy for proxy in plan.topology.proxies}
    described = {address for proxy in plan.proxies for address in _described(descriptions[proxy.name], proxy)}
    groups: list[list[Port]] = []
    for proxy in plan.proxies:
        port = _port(descriptions[proxy.name], proxy, described)
        _only_one_has(port.routed, (other for group in groups for other in group))
        described |= set(port.routed)
        near = [group for group in groups if any(_neighbours(port, other) for other in group)]
        groups = [group for group in groups if group not in near]
        groups.append([*(member for group in near for member in group), port])
    return tuple(_segment(f"net{number}", _with_gateways(group, described)) for number, group in enumerate(groups))


def host_of(network: IPv4Network, taken: Iterable[Address]) -> IPv4Address:
    """An address of a machine in a network: the tenth, the next that is free, or any."""
    used = set(taken)
    start = int(network.network_address) + HOST_OFFSET
    later = (IPv4Address(number) for number in range(start, int(network.broadcast_address)))
    return next((address for address in later if address not in used), None) or first_of(network, used)


def first_of(network: IPv4Network, taken: Iterable[Address]) -> IPv4Address:
    """The first address of a network that is free: a router's, mostly. Raises LabError where none is."""
    used = set(taken)
    found = next((address for address in network.hosts() if address not in used), None)
    if found is None:
        raise LabError(f"{network} has no room for a router", "describe a larger network")
    return found


def private_networks(proxy: ProxyPlan) -> tuple[IPv4Network, ...]:
    """The provider's private IPv4 networks that the proxy is described to be in."""
    return tuple(network for network in proxy.private_networks if isinstance(network, IPv4Network))


def _only_one_has(addresses: Iterable[Address], others: Iterable[Port]) -> None:
    for other in others:
        twice = [str(address) for address in addresses if address in other.routed]
        if twice:
            raise LabError(f"{twice[0]} is on two proxies' cards", f"describe {other.proxy.name} alone for the lab")


def _described(described: Proxy, proxy: ProxyPlan) -> tuple[Address, ...]:
    """Every address that the description says of the proxy and its provider."""
    endpoint = proxy.tunnel.endpoint
    card4 = (IPv4Address(described.card_ipv4),) if described.card_ipv4 else ()
    uplink, dialled = proxy.uplink, () if isinstance(endpoint, str) else (endpoint,)
    gateways = (gateway for gateway in (uplink.gateway4, uplink.gateway6) if gateway is not None)
    own = (proxy.ipv4, *dialled, *card4, *(interface.ip for interface in uplink.addresses))
    return (*own, *gateways, *uplink.nameservers)


def _port(described: Proxy, proxy: ProxyPlan, taken: set[Address]) -> Port:
    own4 = [a for a in proxy.uplink.addresses if isinstance(a, IPv4Interface)]
    main = _lease(described, proxy, taken) if proxy.uplink.dhcp else own4[0]
    routed = tuple(dict.fromkeys((main.ip, *(interface.ip for interface in proxy.uplink.addresses))))
    public = dict.fromkeys((proxy.ipv4, proxy.tunnel.endpoint))
    near = Nic(proxy.name, INTERNET, proxy.name)
    return Port(
        proxy=proxy,
        nic=near,
        far=uplink_nic(proxy),
        ipv4=main,
        lease=proxy.uplink.dhcp,
        gateway4=proxy.uplink.gateway4 or main.ip,
        gateway6=proxy.uplink.gateway6,
        routed=routed,
        translated=tuple((a, main.ip) for a in public if isinstance(a, IPv4Address) and a not in routed),
    )


def _lease(described: Proxy, proxy: ProxyPlan, taken: set[Address]) -> IPv4Interface:
    """The card's address by DHCP: as described, or as its provider would have it."""
    private = private_networks(proxy)
    if described.card_ipv4 is not None:
        card = IPv4Address(described.card_ipv4)
        inside = next((network for network in private if card in network), None)
        return IPv4Interface((card, inside.prefixlen)) if inside else _in_its_network(card, proxy.name)
    if described.floating:
        endpoint = proxy.tunnel.endpoint
        if isinstance(endpoint, IPv4Address) and endpoint != proxy.ipv4:
            return _in_its_network(endpoint, proxy.name)
        around = _in_its_network(proxy.ipv4, proxy.name).network
        return IPv4Interface((host_of(around, taken), around.prefixlen))
    if private and described.card is None:
        # One card, and in a private network: so the public address is the provider's, as at Amazon or Oracle.
        return IPv4Interface((host_of(private[0], taken), private[0].prefixlen))
    return _in_its_network(proxy.ipv4, proxy.name)


def _in_its_network(address: IPv4Address, name: str) -> IPv4Interface:
    """An address in its /24, or in the smallest network around it where it is not the first or last address."""
    for prefix in range(24, 8, -1):
        network = IPv4Network((address, prefix), strict=False)
        if address not in (network.network_address, network.broadcast_address):
            return IPv4Interface((address, prefix))
    raise LabError(f"{address} of {name} is no address of a machine", "give the proxy another one")


def _neighbours(one: Port, other: Port) -> bool:
    """Whether one of them asks for the other, or for the same gateway, on its own link."""
    return any(
        mine.version == theirs.version and mine.overlaps(theirs)
        for mine in (*one.networks, *_gateways(one))
        for theirs in (*other.networks, *_gateways(other))
    )


def _gateways(port: Port) -> tuple[Network, ...]:
    given = (port.proxy.uplink.gateway4, port.proxy.uplink.gateway6)
    return tuple(ip_network(gateway) for gateway in given if gateway is not None and not gateway.is_link_local)


def _with_gateways(group: Sequence[Port], taken: set[Address]) -> tuple[Port, ...]:
    """A lease's gateway is a neighbour's, where there is one in its network, or else the first address."""
    given = [port.gateway4 for port in group if not port.lease]

    def gateway(port: Port) -> IPv4Address:
        inside = (address for address in given if address in port.ipv4.network)
        return next(inside, None) or first_of(port.ipv4.network, taken)

    return tuple(evolve(port, gateway4=gateway(port)) if port.lease else port for port in group)


def _segment(bridge: str, ports: tuple[Port, ...]) -> Segment:
    nets6 = {IPv6Network((port.proxy.ipv6, AUTOCONFIGURED), strict=False) for port in ports if port.proxy.ipv6}
    heard = any(port.proxy.ipv6 is not None and port.gateway6 is None for port in ports)
    addresses: dict[Address, Interface] = {}
    for interface in (interface for port in ports for interface in _bridge_addresses(port)):
        before = addresses.get(interface.ip)
        if before is None or interface.network.prefixlen < before.network.prefixlen:
            addresses[interface.ip] = interface
    return Segment(bridge, ports, tuple(addresses.values()), tuple(sorted(nets6)) if heard else None)


def _bridge_addresses(port: Port) -> Iterable[Interface]:
    """The gateways as the machines on the link see them, and resolvers that they ask for on the link."""
    network = port.ipv4.network
    inside = port.gateway4 in network and network.prefixlen < port.gateway4.max_prefixlen
    yield IPv4Interface((port.gateway4, network.prefixlen if inside else port.gateway4.max_prefixlen))
    if port.gateway6 is not None:
        length = AUTOCONFIGURED if port.gateway6.is_link_local else port.gateway6.max_prefixlen
        yield IPv6Interface((port.gateway6, length))
    for address in port.proxy.uplink.nameservers:
        if port.on_link(address) and address not in port.routed:
            yield ip_interface(f"{address}/{address.max_prefixlen}")
