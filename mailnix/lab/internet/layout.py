"""Where everything outside is: addresses and names of the internet machine, chosen so that none is the plan's.

Segments are what providers are to the proxies (see `providers`), `home` is the network that the internal host sits in,
and identities are machines elsewhere, all played by the internet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Network, ip_interface, ip_network
from typing import Final

from attrs import evolve, frozen

from mailnix.errors import LabError
from mailnix.lab.internet import outside
from mailnix.lab.internet.cards import INTERNET as INTERNET
from mailnix.lab.internet.cards import further_links, uplink_nic
from mailnix.lab.internet.providers import Port, Segment, first_of, host_of, segments
from mailnix.lab.spec import Nic
from mailnix.model.topology import Family
from mailnix.plan.types import Address, Interface, Network, Plan, ProxyPlan

ACME_NAME: Final = "acme-v02.api.letsencrypt.org"
TLS: Final = "/etc/mailnix-internet/tls"
"""Where the internet machine has its certificates."""

# Documentation and benchmark networks (RFC 5737, RFC 2544, RFC 3849, RFC 9637): public-looking, and nobody's.
PUBLIC4: Final = ("198.51.100.0/24", "192.0.2.0/24", "203.0.113.0/24", "198.18.0.0/24", "198.19.77.0/24")
PUBLIC6: Final = ("2001:db8:c0de::/64", "2001:db8:beef:1::/64", "2001:db8:77:77::/64", "3fff:d51:77::/64")
HOMES: Final = ("192.168.77.0/24", "172.29.77.0/24", "10.177.77.0/24", "192.168.233.0/24", "10.231.9.0/24")
DOCKER_DEFAULT: Final = ip_network("172.17.0.0/16")
CAROL: Final = "carol"  # has a mailbox wherever mail goes to; sends over IPv4
REMOTE_DOMAINS: Final = ("elsewhere.test", "far-away.test", "another-country.test")


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
class Smarthost(Identity):
    """A relay, and the ports that the description says of it."""

    ports: tuple[int, ...] = ()


@frozen
class Home:
    """The home network: NAT to `Layout.nat`; the internal host always has the same address, by a `lease` or of its own.

    `addresses` are the router's, and those of resolvers that the internal host asks for on its link. Where there is
    `net6`, machines make themselves addresses in it; nobody is let in from outside either way.
    """

    bridge: str
    nic: Nic
    far: Nic
    net4: IPv4Network
    gateway4: IPv4Address
    host4: IPv4Address
    lease: bool
    addresses: tuple[Interface, ...]
    net6: IPv6Network | None

    @property
    def gateway6(self) -> IPv6Address | None:
        """The router's address in `net6`."""
        return None if self.net6 is None else self.net6[1]


@frozen
class Private:
    """A private network behind a machine's further card, apart from everything else: addresses may be anybody's."""

    name: str
    nic: Nic
    far: Nic
    net4: IPv4Network
    router4: IPv4Address
    host4: IPv4Address


@frozen
class Layout:
    """Every address and name of the internet; `resolvers` are further addresses of its DNS.

    `correspondents` are mail addresses in other domains than `domain`: those that the description names, and one in
    each domain that it names a relay for. `relays` are the relays.
    """

    domain: str
    correspondents: tuple[str, ...]
    segments: tuple[Segment, ...]
    home: Home
    privates: tuple[Private, ...]
    resolvers: tuple[Address, ...]
    dns: Identity
    mx: Identity
    client: Identity
    attacker: Identity
    acme: Identity
    time: Identity
    nat: Identity
    archive: Identity
    relays: tuple[Smarthost, ...]

    @property
    def identities(self) -> tuple[Identity, ...]:
        """The machines elsewhere that the internet plays."""
        return (
            self.dns,
            self.mx,
            self.client,
            self.attacker,
            self.acme,
            self.time,
            self.nat,
            self.archive,
            *self.relays,
        )

    @property
    def links(self) -> tuple[tuple[Nic, Nic], ...]:
        """Both network cards of each link, the internet's first."""
        ports = ((port.nic, port.far) for segment in self.segments for port in segment.ports)
        privates = ((private.nic, private.far) for private in self.privates)
        return (*ports, (self.home.nic, self.home.far), *privates)

    @property
    def nics(self) -> tuple[Nic, ...]:
        """The internet's network cards, one a link."""
        return tuple(near for near, _far in self.links)

    def at(self, proxy: ProxyPlan) -> tuple[Segment, Port]:
        """Where a proxy is."""
        return next((s, port) for s in self.segments for port in s.ports if port.proxy.name == proxy.name)

    def mailbox(self, local_part: str) -> str:
        """An address in the remote mail domain."""
        return f"{local_part}@{self.domain}"


def layout(plan: Plan) -> Layout:
    """Choose the internet's addresses around a plan. Raises LabError where everything that could be chosen is taken."""
    found = segments(plan)
    taken = _taken(plan, found)
    home = _home(plan, found, taken)
    net4 = _free(PUBLIC4, (*taken, home.net4), "network for the machines outside")
    net6 = _free(PUBLIC6, taken, "IPv6 network for the machines outside")
    domain = _domain(plan)
    if plan.topology.tunnel.over is Family.IPV6 and home.net6 is None:
        home = evolve(home, net6=IPv6Network(_free(PUBLIC6, (*taken, net6), "IPv6 network for the home")))

    def identity(name: str, offset: int, *, ipv6: bool = True) -> Identity:
        return Identity(name, IPv4Address(net4[offset]), IPv6Address(net6[offset]) if ipv6 else None)

    return Layout(
        domain=domain,
        correspondents=tuple(dict.fromkeys(_correspondents(plan, domain))),
        segments=found,
        home=home,
        privates=tuple(_privates(plan)),
        resolvers=_resolvers(plan, found, home),
        dns=identity(f"ns.{domain}", 53),
        mx=identity(f"mx.{domain}", 25),
        client=identity(f"cafe.{domain}", 80),
        attacker=identity(f"attacker.{domain}", 66),
        acme=identity(ACME_NAME, 10, ipv6=False),
        time=identity(f"time.{domain}", 123, ipv6=False),
        nat=identity(f"dsl.{domain}", 201, ipv6=False),
        archive=identity(f"archive.{domain}", 119, ipv6=False),
        relays=tuple(_relays(plan, net4)),
    )


def _relays(plan: Plan, net4: IPv4Network | IPv6Network) -> Iterator[Smarthost]:
    relays = plan.topology.relays
    for number, host in enumerate(dict.fromkeys(relay.host for relay in relays)):
        ports = tuple(dict.fromkeys(relay.port for relay in relays if relay.host == host))
        yield Smarthost(host, IPv4Address(net4[90 + number]), ports=ports)


def _correspondents(plan: Plan, domain: str) -> Iterator[str]:
    """Whom the description names, and somebody in each domain that it names a relay for."""
    behind = (f"{CAROL}@{name}" for relay in plan.topology.relays for name in relay.domains)
    return (a for a in (*outside.addresses(plan.topology), *behind) if a.rpartition("@")[2] != domain)


def _taken(plan: Plan, found: Iterable[Segment]) -> tuple[Network, ...]:
    """Where nobody else may be: the plan's own networks, and everything that its description names."""
    ports = [port for segment in found for port in segment.ports]
    named = (address for port in ports for address in (*port.addresses, port.gateway4, port.gateway6) if address)
    return (
        plan.tunnel4,
        plan.tunnel6,
        plan.internal.docker_subnet,
        plan.internal.docker_subnet6,
        DOCKER_DEFAULT,
        *(network for port in ports for network in (*port.networks, *port.proxy.private_networks)),
        *(ip_network(address) for address in (*named, *_asked(plan))),
    )


def _asked(plan: Plan) -> tuple[Address, ...]:
    """Every resolver elsewhere that a machine is described to ask."""
    internal = plan.internal
    everybodys = (*(a for host in plan.hosts for a in host.uplink.nameservers), *internal.forwarders)
    return tuple(dict.fromkeys(address for address in everybodys if not (address.is_loopback or address.is_link_local)))


def _resolvers(plan: Plan, found: Iterable[Segment], home: Home) -> tuple[Address, ...]:
    """Those of them that are asked over a gateway; the others are on the bridges."""
    used: set[Address] = {interface.ip for segment in found for interface in segment.addresses}
    used |= {interface.ip for interface in home.addresses} | {home.host4, plan.internal.ipv4, plan.internal.ipv6}
    for segment in found:
        for port in segment.ports:
            used |= {*port.addresses, port.proxy.tunnel.proxy.ipv4, port.proxy.tunnel.proxy.ipv6}
    return tuple(address for address in _asked(plan) if address not in used)


def _home(plan: Plan, found: Iterable[Segment], taken: Iterable[Network]) -> Home:
    """The home network: as described, or one that admins come from, or one that is free."""
    internal, uplink = plan.internal, plan.internal.uplink
    lan = ip_network(plan.topology.internal.lan, strict=False) if plan.topology.internal.lan else None
    own = next((interface for interface in uplink.addresses if isinstance(interface, IPv4Interface)), None)
    if isinstance(lan, IPv4Network):
        net4 = lan
    elif own is not None:
        net4 = own.network
    else:
        admin = [str(n) for n in internal.lan_admin_networks if n.version == 4 and 20 <= n.prefixlen <= 28]
        net4 = IPv4Network(_free((*admin, *HOMES), taken, "home network"))
    elsewhere = {address for segment in found for port in segment.ports for address in port.routed}
    gateways = {interface.ip for segment in found for interface in segment.addresses}
    gateway4 = uplink.gateway4 or first_of(net4, elsewhere)
    host4 = own.ip if own else host_of(net4, {gateway4, *elsewhere, *_asked(plan), *gateways})
    if host4 in elsewhere | gateways:
        raise LabError(
            f"{host4} is the home machine's address and one at a proxy's provider", "the lab has one of each only"
        )
    near = {a: None for a in (*uplink.nameservers, *internal.forwarders) if a in net4 or (lan is not None and a in lan)}
    router = IPv4Interface((gateway4, net4.prefixlen if gateway4 in net4 else gateway4.max_prefixlen))
    return Home(
        bridge="home",
        nic=Nic(internal.name, INTERNET, internal.name),
        far=uplink_nic(internal),
        net4=net4,
        gateway4=gateway4,
        host4=host4,
        lease=uplink.dhcp,
        addresses=(router, *(ip_interface(str(a)) for a in near if a not in (gateway4, host4))),
        net6=lan if isinstance(lan, IPv6Network) else None,
    )


def _privates(plan: Plan) -> Iterator[Private]:
    links = (link for host in plan.hosts for link in further_links(host))
    for number, (near, far, network) in enumerate(links):
        router4 = first_of(network, ())
        yield Private(f"private{number}", near, far, network, router4, host_of(network, (router4,)))


def _free(candidates: Iterable[str], taken: Iterable[Network], what: str) -> IPv4Network | IPv6Network:
    used = tuple(taken)
    for text in candidates:
        network = ip_network(text)
        if not any(network.version == other.version and network.overlaps(other) for other in used):
            return network
    raise LabError(f"no {what} is free beside the plan's networks", "use fewer or smaller networks for the lab")


def _domain(plan: Plan) -> str:
    dialled = (link.endpoint for link in plan.tunnels if isinstance(link.endpoint, str))
    names = {*plan.domain_names, plan.topology.hostname, *(proxy.hostname for proxy in plan.proxies), *dialled}
    for domain in REMOTE_DOMAINS:
        if not any(name == domain or name.endswith("." + domain) for name in names):
            return domain
    raise LabError("every name for the remote mail domain is taken", f"free one of {', '.join(REMOTE_DOMAINS)}")
