"""What `derive` decides, as frozen values. Services, tests and people read these; nobody types the facts again."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import TypeAlias

from attrs import field, frozen

from mailnix.model.architecture import Architecture
from mailnix.model.clientport import ClientPort
from mailnix.model.topology import Backup, Family, Topology

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
Interface: TypeAlias = IPv4Interface | IPv6Interface


class Transport(StrEnum):
    """A transport protocol, as nftables names it."""

    TCP = "tcp"
    UDP = "udp"


class Reach(StrEnum):
    """Who may connect to a listener."""

    INTERNET = "internet"
    TUNNEL = "tunnel"  # only the machine at the other end
    ADMIN = "admin"  # only the admin networks, or the internet where a proxy names none
    HOME = "home"  # only the home networks whose programs reach Mailcow directly


@frozen
class Uplink:
    """How a machine's network card is set: the one that leads to the internet, or to the home router.

    `card` is its name or MAC (None: the machine looks which it is). `dhcp` asks for an IPv4 address; `addresses` are
    set as they are, with the length of their networks, beside it. `own4` and `own6` are those of the card's addresses
    that packets of the machine's own come from: others of the card never win (None: what DHCP or router advertisements
    give). A gateway of None is learned (by DHCP, by router advertisements); so are resolvers where `nameservers` names
    none. `ra` is whether router advertisements are listened to.
    """

    card: str | None
    dhcp: bool
    addresses: tuple[Interface, ...] = ()
    own4: IPv4Address | None = None
    own6: IPv6Address | None = None
    gateway4: IPv4Address | None = None
    gateway6: IPv6Address | None = None
    nameservers: tuple[Address, ...] = ()
    ra: bool = True

    @property
    def static(self) -> bool:
        """Whether an IPv4 address is set without asking anybody."""
        return not self.dhcp


@frozen
class Listener:
    """A socket that a service of a host listens on; `addresses` empty means every address of the host."""

    service: str
    transport: Transport
    port: int
    reach: Reach
    addresses: tuple[Address, ...] = ()


@frozen
class Forward:
    """A public TCP port of a proxy that is handed to Mailcow by DNAT, the client's address kept."""

    service: str
    port: int
    to4: IPv4Address
    to6: IPv6Address | None


@frozen
class TunnelEnd:
    """One end of a tunnel: the host's interface, its tunnel addresses, and the names of its credentials.

    The peer's public key is a credential too: so rotating keys needs no new image.
    """

    host: str
    interface: str
    ipv4: IPv4Address
    ipv6: IPv6Address
    private_key: str
    preshared_key: str
    peer_public_key: str


@frozen
class TunnelLink:
    """A WireGuard tunnel between one proxy and the internal host, which dials out to `endpoint` and `port` (UDP).

    `endpoint` is an address, or a name to be looked up for one of the family `over`.
    `mark` is the firewall mark that keeps answers to the proxy's clients on this tunnel, through routing table `table`.
    """

    proxy: TunnelEnd
    internal: TunnelEnd
    endpoint: Address | str
    over: Family
    port: int
    mtu: int
    keepalive: int
    mark: int
    table: int

    @property
    def dialled(self) -> str:
        """Endpoint and port as wg(8) writes them."""
        ipv6 = isinstance(self.endpoint, IPv6Address)
        return f"[{self.endpoint}]:{self.port}" if ipv6 else f"{self.endpoint}:{self.port}"


@frozen
class Certificate:
    """A TLS certificate: who holds its key, which program asks for it, and the names in it."""

    host: str
    holder: str
    names: tuple[str, ...]


class SecretKind(StrEnum):
    """How a credential's bytes are made."""

    WIREGUARD_PRIVATE = "wireguard-private"
    WIREGUARD_PUBLIC = "wireguard-public"  # derived from a private one
    WIREGUARD_PRESHARED = "wireguard-preshared"
    PASSWORD = "password"  # 28 letters and digits
    SHORT_PASSWORD = "short-password"  # 16 letters and digits
    GIVEN = "given"  # a password that somebody else has made: a relay's
    API_KEY = "api-key"  # five groups of six, as Mailcow's own
    EC_PRIVATE = "ec-private"  # PEM, PKCS 8: a key of the curve P-256, for a certificate
    DKIM_BUNDLE = "dkim-bundle"  # JSON: domain -> {"selector", "private_key": PEM}
    MAILBOX_BUNDLE = "mailbox-bundle"  # JSON: address -> initial password


@frozen
class Credential:
    """A systemd credential of one host: its name in /etc/credstore and how it is made.

    `source` names another host's credential that this one is derived from or equal to: (host, name).
    """

    name: str
    host: str
    kind: SecretKind
    purpose: str
    source: tuple[str, str] | None = None


@frozen
class PublicKeys:
    """The public halves that records hold, as far as a secrets folder has exported them.

    `dkim`: domain → key (base64 DER, the p= value). `tlsa`: proxy → SHA-256 of its keys (SubjectPublicKeyInfo, in hex):
    the one that it shows, and the next.
    """

    dkim: Mapping[str, str] = field(factory=dict)
    tlsa: Mapping[str, tuple[str, ...]] = field(factory=dict)


class Need(StrEnum):
    """How much a record is needed; in the order in which people publish them."""

    REQUIRED = "required"  # else mail is lost or refused
    RECOMMENDED = "recommended"
    OPTIONAL = "optional"


@frozen
class DnsRecord:
    """A record to publish: owner name (absolute, no trailing dot), type, and its data in zone-file form.

    `zone` is the domain in whose zone it belongs (empty: in none of ours); `reason` says in one line what it is for,
    `note` what is special about this one; `placeholder` marks data that needs a public key that no secrets folder has
    given yet.
    """

    zone: str
    name: str
    type: str
    data: str
    need: Need
    reason: str
    note: str = ""
    placeholder: bool = False


@frozen
class ProxyPlan:
    """A public machine: names, addresses, sockets, what it hands on, its tunnel, its credentials.

    `ipv4` and `ipv6` are what the world knows it by; `uplink` says what its card has. `containers4` and `containers6`
    are Docker's networks at home: Mailcow relays for who has an address there, so nobody may come with one. `dane` is
    whether its key for incoming mail is its own and stays; `withheld` credentials are made for it, and not yet its.
    """

    name: str
    hostname: str
    preference: int
    ipv4: IPv4Address
    ipv6: IPv6Address | None
    uplink: Uplink
    private_networks: tuple[Network, ...]
    containers4: IPv4Network
    containers6: IPv6Network
    admin_networks: tuple[Network, ...]
    sealed: bool
    architecture: Architecture
    tunnel: TunnelLink
    listeners: tuple[Listener, ...]
    forwards: tuple[Forward, ...]
    certificate: Certificate
    credentials: tuple[Credential, ...]
    withheld: tuple[Credential, ...] = ()
    dane: bool = False


@frozen
class InternalPlan:
    """The machine at home: a tunnel to each proxy, Mailcow's sockets on the tunnel addresses, Docker's networks.

    `client_ports` are what every proxy hands to Mailcow; `forwarders` are whom Mailcow's resolver asks (none: root).
    SSH comes from `lan_admin_networks` by the home network's card, and by the tunnels of the proxies in `jump_hosts`;
    mail programs and browsers in `lan_client_networks` come by that card, too.
    """

    name: str
    ipv4: IPv4Address
    ipv6: IPv6Address
    uplink: Uplink
    tunnels: tuple[TunnelLink, ...]
    listeners: tuple[Listener, ...]
    client_ports: tuple[ClientPort, ...]
    lan_admin_networks: tuple[Network, ...]
    jump_hosts: tuple[str, ...]
    sealed: bool
    architecture: Architecture
    forwarders: tuple[Address, ...]
    resolver_check: bool
    lan_client_networks: tuple[Network, ...]
    docker_subnet: IPv4Network
    docker_subnet6: IPv6Network
    has_ipv6: bool
    certificate: Certificate
    credentials: tuple[Credential, ...]
    backup: Backup | None = None


HostPlan: TypeAlias = ProxyPlan | InternalPlan


@frozen
class Login:
    """A way to log in to a machine by SSH: from where, to whom, and by which jump host (both `user@address`).

    `command` is what they type. The address is ADDRESS where only the home router knows it.
    """

    host: str
    source: str
    target: str
    jump: str | None
    command: str


@frozen
class Plan:
    """Everything decided about one topology. `domains` and mailboxes stay in `topology`."""

    topology: Topology
    contact: str
    tunnel4: IPv4Network
    tunnel6: IPv6Network
    proxies: tuple[ProxyPlan, ...]
    internal: InternalPlan
    logins: tuple[Login, ...]
    records: tuple[DnsRecord, ...]

    @property
    def hosts(self) -> tuple[HostPlan, ...]:
        """Every machine, proxies first, in MX order."""
        return (*self.proxies, self.internal)

    @property
    def tunnels(self) -> tuple[TunnelLink, ...]:
        """Every tunnel, in the proxies' order."""
        return self.internal.tunnels

    @property
    def credentials(self) -> tuple[Credential, ...]:
        """Every credential of every host, then those that no host has yet."""
        theirs = (credential for host in self.hosts for credential in host.credentials)
        return (*theirs, *(credential for proxy in self.proxies for credential in proxy.withheld))

    @property
    def domain_names(self) -> tuple[str, ...]:
        """The mail domains, as A-labels, in the order given."""
        return tuple(domain.name for domain in self.topology.domains)

    def host(self, name: str) -> HostPlan:
        """The machine called `name`; raises KeyError."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)
