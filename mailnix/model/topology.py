"""What a user writes: the machines and the mail they carry, as frozen values.

Making these values never fails for a wrong text, so that `mailnix.model.check.problems` can report every mistake at
once with its path; names are stored as lower-case A-labels, addresses and sizes as the text that was given.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Final

from attrs import field, frozen

from mailnix.model import clientport, mail, paths, policies
from mailnix.model.architecture import Architecture, architecture
from mailnix.model.mail import Alias, Mailbox
from mailnix.model.mailcow import ExtraLines, Setting, extra_lines, settings
from mailnix.model.names import to_ascii
from mailnix.model.policies import Alignment, DmarcPolicy, MtaStsMode
from mailnix.model.reading import items as _items
from mailnix.model.reading import member
from mailnix.model.reading import texts as _texts
from mailnix.model.relays import Relay
from mailnix.model.relays import relays as _relays

SCHEMA_VERSION: Final = 1
PRIVATE_NETWORKS: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10")
"""What a home network is a part of (RFC 1918, RFC 4193, RFC 4291); its router lets nobody else in."""

# The converters' types are what users are meant to write; whatever else they get stays as it is, for the check.


def _proxies(value: Iterable[Proxy]) -> tuple[Proxy, ...]:
    return _items(value)


def _domains(value: Iterable[Domain | str]) -> tuple[Domain, ...]:
    return tuple(Domain(item) if isinstance(item, str) else item for item in _items(value))


def _network(value: str | IPv4Network | IPv6Network) -> str:
    """Networks may be given as `ipaddress` values; they are kept as text."""
    return str(value) if isinstance(value, IPv4Network | IPv6Network) else value


def _network_or_none(value: str | IPv4Network | IPv6Network | None) -> str | None:
    return None if value is None else _network(value)


def _networks(value: Iterable[str | IPv4Network | IPv6Network] | str) -> tuple[str, ...]:
    return tuple(_network(item) for item in _items(value))


def _address(value: str | IPv4Address | IPv6Address) -> str:
    """Addresses may be given as `ipaddress` values; they are kept as text."""
    return str(value) if isinstance(value, IPv4Address | IPv6Address) else value


def _address_or_none(value: str | IPv4Address | IPv6Address | None) -> str | None:
    return None if value is None else _address(value)


def _addresses(value: Iterable[str | IPv4Address | IPv6Address] | str) -> tuple[str, ...]:
    return tuple(_address(item) for item in _items(value))


def _interfaces(
    value: Iterable[str | IPv4Interface | IPv6Interface | IPv4Address | IPv6Address] | str,
) -> tuple[str, ...]:
    """Addresses with the length of their network, as text."""
    kinds = IPv4Address | IPv6Address  # interfaces are addresses to Python
    return tuple(str(item) if isinstance(item, kinds) else item for item in _items(value))


def _name(value: str) -> str:
    return to_ascii(value) if isinstance(value, str) else value


def _names(value: Iterable[str] | str) -> tuple[str, ...]:
    return tuple(_name(item) for item in _items(value))


def _name_or_none(value: str | None) -> str | None:
    return None if value is None else _name(value)


def _host_or_none(value: str | IPv4Address | IPv6Address | None) -> str | None:
    """A name or an address."""
    return None if value is None else _name(_address(value))


class Family(StrEnum):
    """Which internet protocol the tunnel's packets travel by."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


def _family(value: Family | str) -> Family:
    return member(Family, value)  # type: ignore[no-any-return]


@frozen
class Domain:
    """A mail domain with its mailboxes and aliases.

    `catch_all` gets what comes for addresses that the domain does not have. `alias_of` is another domain of ours that
    this one mirrors (Mailcow's alias domain): every mailbox and alias there is reached under this name, too.

    `dkim_selector` names the DKIM key in DNS; `dmarc` and `mta_sts` are the published policies: begin with the
    defaults, tighten them when reports look right. `sp` is DMARC's policy for subdomains (none: `dmarc`); `adkim` and
    `aspf` are how strictly the proven domain must be the one that people see (none: strictly, unless others send for
    the domain, who often sign as a subdomain of it).

    `spf` are mechanisms of others who may send for the domain ("include:_spf.newsletter.example"), `backup_mx` hosts
    of others that take mail for it when ours do not, `caa` authorities that sign for the domain's other hosts.
    """

    name: str = field(converter=_name)
    mailboxes: tuple[Mailbox, ...] = field(converter=mail.mailboxes, default=())
    aliases: tuple[Alias, ...] = field(converter=mail.aliases, default=())
    catch_all: tuple[str, ...] = field(converter=_texts, default=(), kw_only=True)
    alias_of: str | None = field(converter=_name_or_none, default=None, kw_only=True)
    dkim_selector: str = "dkim"
    dmarc: DmarcPolicy = field(converter=policies.dmarc, default=DmarcPolicy.NONE)
    mta_sts: MtaStsMode = field(converter=policies.mta_sts, default=MtaStsMode.TESTING)
    sp: DmarcPolicy | None = field(converter=policies.dmarc_or_none, default=None)
    adkim: Alignment | None = field(converter=policies.alignment, default=None)
    aspf: Alignment | None = field(converter=policies.alignment, default=None)
    spf: tuple[str, ...] = field(converter=_texts, default=())
    backup_mx: tuple[str, ...] = field(converter=_names, default=())
    caa: tuple[str, ...] = field(converter=_texts, default=())


@frozen
class Proxy:
    """The public machine: a static public IPv4 address, holds no mail.

    `hostname` is its MX, EHLO and PTR name (default: the topology's). Mail leaves from `ipv4` and `ipv6`, whatever else
    the machine has. `admin_cidrs` limits SSH to these networks; `sealed` says that nobody shall log in at all.

    The network card has its address by DHCP, unless `gateway` (and `prefix`, the length of its network) are given; then
    `nameservers` must be given, too: "127.0.0.1" is the proxy's own. `card` is the card's name or MAC, where there are
    several. `card_ipv4` is what the card itself has, where that is not `ipv4`: a private address behind the provider's
    NAT, or the machine's main one where `ipv4` is `floating` (moved to this machine, and set on its card beside its own
    address). `ipv6` is set as described, with `prefix6`, and without it the machine has no IPv6 address; `gateway6` is
    learned from router advertisements unless given.

    `extra_addresses` are further ones of the same card, with their prefix ("192.168.133.7/17"). `private_networks` are
    those of the provider that the machine is in: no network of ours may overlap, and further cards lead to them.
    `endpoint` is what the machine at home dials: a name or an address (default: `ipv4`, or `ipv6` by `Tunnel.over`).
    `architecture` is that of its processor.
    """

    name: str
    ipv4: str = field(converter=_address)
    ipv6: str | None = field(converter=_address_or_none, default=None)
    hostname: str | None = field(converter=_name_or_none, default=None)
    admin_cidrs: tuple[str, ...] = field(converter=_networks, default=())
    gateway: str | None = field(converter=_address_or_none, default=None)
    prefix: int = 32
    gateway6: str | None = field(converter=_address_or_none, default=None)
    prefix6: int = 64
    nameservers: tuple[str, ...] = field(converter=_addresses, default=())
    card: str | None = None
    card_ipv4: str | None = field(converter=_address_or_none, default=None)
    floating: bool = False
    extra_addresses: tuple[str, ...] = field(converter=_interfaces, default=())
    private_networks: tuple[str, ...] = field(converter=_networks, default=())
    endpoint: str | None = field(converter=_host_or_none, default=None)
    sealed: bool = False
    architecture: Architecture = field(converter=architecture, default=Architecture.AMD64)


@frozen
class Backup:
    """A regular backup of Mailcow into `folder` (another disk's, or one that is copied away).

    `at` is a time of day or any calendar text of systemd; what is older than `keep_days` is removed. Each backup is
    whole: seven days take seven times the space.
    """

    folder: str = paths.BACKUPS
    at: str = "03:30"
    keep_days: int = 7


@frozen
class Internal:
    """The machine at home: Mailcow under Docker, behind any NAT, no open port.

    Who may log in by SSH: `lan_admin_cidrs` are home networks (default: any private one), `ssh_via_proxy` lets a proxy
    be the jump host (`ssh -J`), and `sealed` says that nobody shall.

    Its address comes by DHCP, unless `ipv4` and `gateway` are given (with `prefix`, the length of the home network, and
    `nameservers`); `card` is the network card's name or MAC, where there are several. `lan` is the home network, given
    so that it can be checked against the tunnel's and Docker's.

    Mailcow's resolver asks the internet itself. Where the home network takes port 53, it asks `forwarders`; where that
    network drops ping, `resolver_check` must be off, or Mailcow waits for ever (mailcow-dockerized PR 5652).

    Programs in `lan_client_cidrs` (home networks, IPv4) reach Mailcow at this machine itself, not by way of a proxy.

    `antivirus` (ClamAV, about 1.5 GB of memory) and `full_text_search` are Mailcow's, and so are `settings`, variables
    of its mailcow.conf, and `extra_lines` for its programs' files. Without `backup` there is none: where to is for the
    owner to say, since the same disk may not have room. `architecture` is that of its processor.
    """

    name: str
    lan_admin_cidrs: tuple[str, ...] = field(converter=_networks, default=PRIVATE_NETWORKS)
    lan: str | None = field(converter=_network_or_none, default=None)
    docker_subnet: str = field(converter=_network, default="172.22.1.0/24")
    docker_subnet6: str = field(converter=_network, default="fd4d:6169:6c63:6f77::/64")
    antivirus: bool = False
    full_text_search: bool = True
    backup: Backup | None = None
    ssh_via_proxy: bool = False
    sealed: bool = False
    ipv4: str | None = field(converter=_address_or_none, default=None)
    prefix: int = 24
    gateway: str | None = field(converter=_address_or_none, default=None)
    nameservers: tuple[str, ...] = field(converter=_addresses, default=())
    card: str | None = None
    forwarders: tuple[str, ...] = field(converter=_addresses, default=())
    resolver_check: bool = True
    lan_client_cidrs: tuple[str, ...] = field(converter=_networks, default=())
    settings: tuple[Setting, ...] = field(converter=settings, default=())
    extra_lines: tuple[ExtraLines, ...] = field(converter=extra_lines, default=())
    architecture: Architecture = field(converter=architecture, default=Architecture.AMD64)


@frozen
class Tunnel:
    """The WireGuard network between the machines: subnets, the proxies' UDP port, MTU and keepalive (seconds).

    `subnet` is by default one that neither clouds nor home routers use, and that nothing described overlaps. `over`
    says by which protocol its packets travel.
    """

    subnet: str | None = field(converter=_network_or_none, default=None)
    subnet6: str = field(converter=_network, default="fd6d:6169:6c6e::/64")
    port: int = 51820
    mtu: int = 1420
    keepalive: int = 25
    over: Family = field(converter=_family, default=Family.IPV4)


@frozen
class Topology:
    """One private mail system: what clients connect to, the machines, the domains.

    `admin_keys` are SSH public keys that may log in as root on every machine; `contact` is the address given to the
    certificate authority, and for DMARC and TLS reports (default: postmaster of the first domain, and for reports each
    domain's own where it has one). `client_services` are what mail programs reach, by name (model/client_ports.toml).
    Mail leaves by `relays` where there are some. `former_hostnames` are names that others may still use: all answer.
    `dane` gives each proxy a key of its own for incoming mail, which its TLSA records name (RFC 7672).
    """

    hostname: str = field(converter=_name)
    proxies: tuple[Proxy, ...] = field(converter=_proxies)
    internal: Internal
    domains: tuple[Domain, ...] = field(converter=_domains)
    admin_keys: tuple[str, ...] = field(converter=_texts, default=())
    tunnel: Tunnel = Tunnel()
    relays: tuple[Relay, ...] = field(converter=_relays, default=(), kw_only=True)
    former_hostnames: tuple[str, ...] = field(converter=_names, default=(), kw_only=True)
    dane: bool = field(default=False, kw_only=True)
    contact: str | None = None
    timezone: str = "Etc/UTC"
    version: int = SCHEMA_VERSION
    client_services: tuple[str, ...] = field(converter=_texts, default=clientport.DEFAULT)
