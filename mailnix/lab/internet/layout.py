"""Where everything outside is: addresses and names of the internet machine, chosen so that none is the plan's.

Segments are what hosting companies would be (a network around each proxy's address, this machine its gateway), `home`
is the network that the internal host sits in, and identities are machines elsewhere, all played by the internet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

from attrs import frozen

from mailnix.errors import LabError
from mailnix.lab.spec import Nic
from mailnix.plan.types import Address, Network, Plan, ProxyPlan

INTERNET: Final = "internet"
ACME_NAME: Final = "acme-v02.api.letsencrypt.org"
TLS: Final = "/etc/mailnix-internet/tls"
"""Where the internet machine has its certificates."""

# Documentation and benchmark networks (RFC 5737, RFC 2544, RFC 3849): public-looking, and nobody's.
PUBLIC4: Final = ("198.51.100.0/24", "192.0.2.0/24", "203.0.113.0/24", "198.18.0.0/24", "198.19.77.0/24")
PUBLIC6: Final = ("2001:db8:c0de::/64", "2001:db8:beef:1::/64", "2001:db8:77:77::/64")
HOMES: Final = ("192.168.77.0/24", "172.29.77.0/24", "10.177.77.0/24", "192.168.233.0/24", "10.231.9.0/24")
DOCKER_DEFAULT: Final = ip_network("172.17.0.0/16")
REMOTE_DOMAINS: Final = ("elsewhere.test", "far-away.test", "another-country.test")
HOST_OFFSET: Final = 10


@frozen
class Identity:
    """A machine elsewhere on the internet: its name and addresses."""

    name: str
    ipv4: IPv4Address
    ipv6: IPv6Address | None = None

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All its addresses."""
        return (self.ipv4,) if self.ipv6 is None else (self.ipv4, self.ipv6)


@frozen
class Port:
    """One proxy on a segment: the internet's network card that its link ends in, and the proxy's own."""

    proxy: ProxyPlan
    nic: Nic
    far: Nic


@frozen
class Segment:
    """A hosting company's network: a bridge in the internet with one gateway address a family."""

    bridge: str
    ports: tuple[Port, ...]
    net4: IPv4Network
    gateway4: IPv4Address
    net6: IPv6Network | None
    gateway6: IPv6Address | None


@frozen
class Home:
    """The home network: NAT to `Layout.nat`; the internal host always gets the same address."""

    bridge: str
    nic: Nic
    far: Nic
    net4: IPv4Network
    gateway4: IPv4Address
    host4: IPv4Address


@frozen
class Layout:
    """Every address and name of the internet."""

    domain: str
    segments: tuple[Segment, ...]
    home: Home
    dns: Identity
    mx: Identity
    client: Identity
    attacker: Identity
    acme: Identity
    time: Identity
    nat: Identity

    @property
    def identities(self) -> tuple[Identity, ...]:
        """The machines elsewhere that the internet plays."""
        return (self.dns, self.mx, self.client, self.attacker, self.acme, self.time, self.nat)

    @property
    def nics(self) -> tuple[Nic, ...]:
        """The internet's network cards, one a link."""
        return (*(port.nic for segment in self.segments for port in segment.ports), self.home.nic)

    def mailbox(self, local_part: str) -> str:
        """An address in the remote mail domain."""
        return f"{local_part}@{self.domain}"


def layout(plan: Plan) -> Layout:
    """Choose the internet's addresses around a plan. Raises LabError where everything that could be chosen is taken."""
    segments = tuple(_segments(plan.proxies))
    taken = _taken(plan, segments)
    net4 = _free(PUBLIC4, taken, "network for the machines outside")
    net6 = _free(PUBLIC6, taken, "IPv6 network for the machines outside")
    domain = _domain(plan)

    def identity(name: str, offset: int, *, ipv6: bool = True) -> Identity:
        return Identity(name, IPv4Address(net4[offset]), IPv6Address(net6[offset]) if ipv6 else None)

    return Layout(
        domain=domain,
        segments=segments,
        home=_home(plan, (*taken, net4)),
        dns=identity(f"ns.{domain}", 53),
        mx=identity(f"mx.{domain}", 25),
        client=identity(f"cafe.{domain}", 80),
        attacker=identity(f"attacker.{domain}", 66),
        acme=identity(ACME_NAME, 10, ipv6=False),
        time=identity(f"time.{domain}", 123, ipv6=False),
        nat=identity(f"dsl.{domain}", 201, ipv6=False),
    )


def far_nics(plan: Plan, host: str) -> tuple[Nic, ...]:
    """The network cards of one of the plan's machines: its end of the link to the internet."""
    plan.host(host)
    return (Nic(link=host, machine=host, peer=INTERNET),)


def _segments(proxies: Iterable[ProxyPlan]) -> Iterator[Segment]:
    """Proxies whose networks meet are neighbours on one segment."""
    groups: list[list[ProxyPlan]] = []
    for proxy in proxies:
        near = [group for group in groups if any(_neighbours(proxy, other) for other in group)]
        for group in near:
            groups.remove(group)
        groups.append([*(member for group in near for member in group), proxy])
    for number, group in enumerate(groups):
        yield _segment(f"net{number}", group)


def _neighbours(one: ProxyPlan, other: ProxyPlan) -> bool:
    return one.ipv4 in _around4(other) or (
        one.ipv6 is not None and other.ipv6 is not None and one.ipv6 in _around6(other.ipv6)
    )


def _around4(proxy: ProxyPlan) -> IPv4Network:
    """The /24 of an address, or the smallest network around it where it is not the first or last address."""
    for prefix in range(24, 8, -1):
        network = IPv4Network((proxy.ipv4, prefix), strict=False)
        if proxy.ipv4 not in (network.network_address, network.broadcast_address):
            return network
    raise LabError(f"{proxy.ipv4} of {proxy.name} is no address of a machine", "give the proxy another one")


def _around6(address: IPv6Address) -> IPv6Network:
    return IPv6Network((address, 64), strict=False)


def _segment(bridge: str, proxies: Sequence[ProxyPlan]) -> Segment:
    net4 = max((_around4(proxy) for proxy in proxies), key=lambda network: network.num_addresses)
    used4 = {proxy.ipv4 for proxy in proxies}
    given4 = next((proxy.uplink.gateway4 for proxy in proxies if proxy.uplink.gateway4), None)
    used6 = [proxy.ipv6 for proxy in proxies if proxy.ipv6]
    given6 = next((proxy.uplink.gateway6 for proxy in proxies if proxy.uplink.gateway6), None)
    net6 = _around6(used6[0]) if used6 else None
    return Segment(
        bridge=bridge,
        ports=tuple(
            Port(proxy, Nic(proxy.name, INTERNET, proxy.name), Nic(proxy.name, proxy.name, INTERNET))
            for proxy in proxies
        ),
        net4=net4,
        gateway4=given4 or next(address for address in net4.hosts() if address not in used4),
        net6=net6,
        gateway6=None if net6 is None else given6 or next(a for a in net6.hosts() if a not in used6),
    )


def _taken(plan: Plan, segments: Iterable[Segment]) -> tuple[Network, ...]:
    return (
        plan.tunnel4,
        plan.tunnel6,
        plan.internal.docker_subnet,
        plan.internal.docker_subnet6,
        DOCKER_DEFAULT,
        *(network for segment in segments for network in (segment.net4, segment.net6) if network is not None),
    )


def _home(plan: Plan, taken: Iterable[Network]) -> Home:
    lan = plan.topology.internal.lan
    admin = [str(n) for n in plan.internal.lan_admin_networks if n.version == 4 and 20 <= n.prefixlen <= 28]
    net4 = IPv4Network(lan) if lan else IPv4Network(_free((*admin, *HOMES), taken, "home network"))
    name = plan.internal.name
    gateway4 = net4[1]
    return Home("home", Nic(name, INTERNET, name), Nic(name, name, INTERNET), net4, gateway4, net4[HOST_OFFSET])


def _free(candidates: Iterable[str], taken: Iterable[Network], what: str) -> IPv4Network | IPv6Network:
    used = tuple(taken)
    for text in candidates:
        network = ip_network(text)
        if not any(network.version == other.version and network.overlaps(other) for other in used):
            return network
    raise LabError(f"no {what} is free beside the plan's networks", "use fewer or smaller networks for the lab")


def _domain(plan: Plan) -> str:
    names = {*plan.domain_names, plan.topology.hostname, *(proxy.hostname for proxy in plan.proxies)}
    for domain in REMOTE_DOMAINS:
        if not any(name == domain or name.endswith("." + domain) for name in names):
            return domain
    raise LabError("every name for the remote mail domain is taken", f"free one of {', '.join(REMOTE_DOMAINS)}")
