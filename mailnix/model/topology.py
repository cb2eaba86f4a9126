"""What a user writes: the machines and the mail they carry, as frozen values.

Making these values never fails for a wrong text, so that `mailnix.model.check.problems` can report every mistake at
once with its path; names are stored as lower-case A-labels, addresses and sizes as the text that was given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Final

from attrs import field, frozen

from mailnix.model.names import to_ascii

SCHEMA_VERSION: Final = 1


def _items(value: Any) -> tuple[Any, ...]:
    """A tuple of what was given; a single text or table counts as one item, not as its letters or keys."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        return (value,)
    return tuple(value)


def _text(value: Any) -> Any:
    """Addresses and networks may be given as `ipaddress` values; they are kept as text, other things for the check."""
    return str(value) if isinstance(value, IPv4Address | IPv6Address | IPv4Network | IPv6Network) else value


def _texts(value: Any) -> tuple[Any, ...]:
    return tuple(_text(item) for item in _items(value))


def _lower(value: Any) -> Any:
    """Local parts in lower case, as Mailcow keeps them."""
    return value.lower() if isinstance(value, str) else value


def _ascii(value: Any) -> Any:
    return to_ascii(value) if isinstance(value, str) else value


def _mailboxes(value: Any) -> tuple[Any, ...]:
    """Let a bare text stand for a mailbox that has only a name: `mailboxes=["alice"]`."""
    return tuple(Mailbox(item) if isinstance(item, str) else item for item in _items(value))


def _domains(value: Any) -> tuple[Any, ...]:
    return tuple(Domain(item) if isinstance(item, str) else item for item in _items(value))


class DmarcPolicy(StrEnum):
    """What receivers are asked to do with mail that fails DMARC (RFC 7489 6.3)."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


class MtaStsMode(StrEnum):
    """How strictly senders shall demand verified TLS (RFC 8461 3.2)."""

    NONE = "none"
    TESTING = "testing"
    ENFORCE = "enforce"


def _dmarc(value: Any) -> Any:
    """The member that a text names; other things stay, for the check."""
    return DmarcPolicy(value) if isinstance(value, str) and value in set(DmarcPolicy) else value


def _mta_sts(value: Any) -> Any:
    return MtaStsMode(value) if isinstance(value, str) and value in set(MtaStsMode) else value


@frozen
class Mailbox:
    """A mailbox: its local part, quota ("2 GiB"; units are powers of 1024), and the name people see."""

    local_part: str = field(converter=_lower)
    quota: str | int = "3 GiB"
    name: str = ""


@frozen
class Alias:
    """An address that delivers elsewhere: to local parts of its own domain, or to whole addresses anywhere."""

    local_part: str = field(converter=_lower)
    to: tuple[str, ...] = field(converter=_items, default=())


@frozen
class Domain:
    """A mail domain with its mailboxes and aliases.

    `dkim_selector` names the DKIM key in DNS; `dmarc` and `mta_sts` are the published policies: begin with the
    defaults, tighten them when reports look right.
    """

    name: str = field(converter=_ascii)
    mailboxes: tuple[Mailbox, ...] = field(converter=_mailboxes, default=())
    aliases: tuple[Alias, ...] = field(converter=_items, default=())
    dkim_selector: str = "dkim"
    dmarc: DmarcPolicy = field(converter=_dmarc, default=DmarcPolicy.NONE)
    mta_sts: MtaStsMode = field(converter=_mta_sts, default=MtaStsMode.TESTING)


@frozen
class Proxy:
    """The public machine: a static public IPv4 address, holds no mail.

    `hostname` is its MX, EHLO and PTR name (default: the topology's). The address is asked for by DHCP, unless
    `gateway` (and `prefix`, the length of its network) are given. `admin_cidrs` limits SSH to these networks.
    """

    name: str
    ipv4: str = field(converter=_text)
    ipv6: str | None = field(converter=_text, default=None)
    hostname: str | None = field(converter=_ascii, default=None)
    admin_cidrs: tuple[str, ...] = field(converter=_texts, default=())
    gateway: str | None = field(converter=_text, default=None)
    prefix: int = 32
    gateway6: str | None = field(converter=_text, default=None)


@frozen
class Internal:
    """The machine at home: Mailcow under Docker, behind any NAT, no open port.

    `lan_admin_cidrs` allows SSH from these home networks; `lan` is the home network, given so that it can be checked
    against the tunnel's and Docker's. `antivirus` (ClamAV, about 1.5 GB of memory) and `full_text_search` are
    Mailcow's.
    """

    name: str
    lan_admin_cidrs: tuple[str, ...] = field(converter=_texts, default=())
    lan: str | None = field(converter=_text, default=None)
    docker_subnet: str = field(converter=_text, default="172.22.1.0/24")
    docker_subnet6: str = field(converter=_text, default="fd4d:6169:6c63:6f77::/64")
    antivirus: bool = False
    full_text_search: bool = True


@frozen
class Tunnel:
    """The WireGuard network between the machines: subnets, the proxies' UDP port, MTU and keepalive (seconds)."""

    subnet: str = field(converter=_text, default="10.0.0.0/24")
    subnet6: str = field(converter=_text, default="fd6d:6169:6c6e::/64")
    port: int = 51820
    mtu: int = 1420
    keepalive: int = 25


@frozen
class Topology:
    """One private mail system: what clients connect to, the machines, the domains.

    `admin_keys` are SSH public keys that may log in as root on every machine; `contact` is the address given to the
    certificate authority and in DMARC and TLS reports (default: postmaster of the first domain).
    """

    hostname: str = field(converter=_ascii)
    proxies: tuple[Proxy, ...] = field(converter=_items)
    internal: Internal
    domains: tuple[Domain, ...] = field(converter=_domains)
    admin_keys: tuple[str, ...] = field(converter=_items, default=())
    tunnel: Tunnel = Tunnel()
    contact: str | None = None
    timezone: str = "Etc/UTC"
    version: int = SCHEMA_VERSION
