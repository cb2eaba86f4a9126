"""What `derive` decides, as frozen values. Services, tests and people read these; nobody types the facts again."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

from attrs import frozen

from mailnix.model.clientport import ClientPort
from mailnix.model.topology import Backup, Topology

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


class Transport(StrEnum):
    """A transport protocol, as nftables names it."""

    TCP = "tcp"
    UDP = "udp"


class Reach(StrEnum):
    """Who may connect to a listener."""

    INTERNET = "internet"
    TUNNEL = "tunnel"  # only the machine at the other end
    ADMIN = "admin"  # only the admin networks, or the internet where a proxy names none


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
    """A WireGuard tunnel between one proxy and the internal host, which dials out to `endpoint`:`port` (UDP).

    `mark` is the firewall mark that keeps answers to the proxy's clients on this tunnel, through routing table `table`.
    """

    proxy: TunnelEnd
    internal: TunnelEnd
    endpoint: IPv4Address
    port: int
    mtu: int
    keepalive: int
    mark: int
    table: int


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
    API_KEY = "api-key"  # five groups of six, as Mailcow's own
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
class DnsRecord:
    """A record to publish: owner name (absolute, no trailing dot), type, and its data in zone-file form.

    `zone` is the domain in whose zone it belongs; `placeholder` marks data that needs a public key that no secrets
    folder has given yet.
    """

    zone: str
    name: str
    type: str
    data: str
    note: str = ""
    placeholder: bool = False


@frozen
class ProxyPlan:
    """A public machine: names, addresses, sockets, what it hands on, its tunnel, its credentials."""

    name: str
    hostname: str
    preference: int
    ipv4: IPv4Address
    ipv6: IPv6Address | None
    gateway: IPv4Address | None
    prefix: int
    gateway6: IPv6Address | None
    admin_networks: tuple[Network, ...]
    tunnel: TunnelLink
    listeners: tuple[Listener, ...]
    forwards: tuple[Forward, ...]
    certificate: Certificate
    credentials: tuple[Credential, ...]


@frozen
class InternalPlan:
    """The machine at home: a tunnel to each proxy, Mailcow's sockets on the tunnel addresses, Docker's networks.

    `client_ports` are what every proxy hands to Mailcow.
    """

    name: str
    ipv4: IPv4Address
    ipv6: IPv6Address
    tunnels: tuple[TunnelLink, ...]
    listeners: tuple[Listener, ...]
    client_ports: tuple[ClientPort, ...]
    lan_admin_networks: tuple[Network, ...]
    docker_subnet: IPv4Network
    docker_subnet6: IPv6Network
    has_ipv6: bool
    certificate: Certificate
    credentials: tuple[Credential, ...]
    backup: Backup | None = None


HostPlan: TypeAlias = ProxyPlan | InternalPlan


@frozen
class Plan:
    """Everything decided about one topology. `domains` and mailboxes stay in `topology`."""

    topology: Topology
    contact: str
    proxies: tuple[ProxyPlan, ...]
    internal: InternalPlan
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
        """Every credential of every host."""
        return tuple(credential for host in self.hosts for credential in host.credentials)

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
