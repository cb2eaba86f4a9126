"""A place as values: what a description says of it, and what the networks on both machines' cables do."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, ip_interface
from typing import Final

from attrs import frozen

from mailnix.model.mail import Alias, Mailbox
from mailnix.model.topology import Domain, Internal, Proxy, Topology, Tunnel

PUBLIC4: Final = "203.0.113.10"
"""The proxy's address in every place, so that only what a place is about differs."""
PUBLIC6: Final = "2001:db8:10::10"
HOSTNAME: Final = "mail.example.org"
PROXY: Final = "proxy"
HOME: Final = "home"
"""The machines' names."""
ETHERNET: Final = 1500


ORDINARY: Final = Tunnel()


@frozen
class Lease:
    """What DHCP gives to the machine on a cable; the length of its network is `address`'s. No router: no default route.

    `mtu` is sent as an option where it is given.
    """

    address: IPv4Interface
    router: IPv4Address | None
    resolvers: tuple[str, ...] = ()
    mtu: int | None = None


@frozen
class Advertised:
    """A router advertisement (RFC 4861 4.2): with `autonomous` its prefix makes addresses, `managed` sends to DHCPv6,
    which nobody here serves."""

    prefix: str
    autonomous: bool = False
    managed: bool = False
    router: bool = True
    resolvers: tuple[str, ...] = ()


@frozen
class Cable:
    """What a network card of a machine is plugged into.

    `addresses` are the router's; `routes` are what it sends out of this cable, each perhaps with a ` via`. `nat` maps
    public addresses to those on the cable, one to one.
    """

    addresses: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    lease: Lease | None = None
    advertised: Advertised | None = None
    nat: tuple[tuple[str, str], ...] = ()


class Translation(StrEnum):
    """What a home router does with addresses that leave: its own, its carrier's, or nothing (no IPv4 at all)."""

    MASQUERADE = "masquerade"
    CARRIER = "carrier"
    NONE = "none"


@frozen
class Way:
    """The home router's way to the internet: its smallest MTU, and what is wrong with it.

    `silent` drops ICMP that says that packets are too big; `no_ping` drops echo requests; `takes_dns` answers whatever
    goes to port 53 itself; `udp` are the only UDP ports that are let out (none: all).
    """

    translation: Translation = Translation.MASQUERADE
    mtu: int = ETHERNET
    silent: bool = False
    no_ping: bool = False
    takes_dns: bool = False
    udp: tuple[int, ...] = ()


class Login(StrEnum):
    """Where somebody logs in to the machine at home from."""

    LAN = "its home network"
    PROXY = "anywhere, the proxy as jump host"


@frozen
class Place:
    """Where both machines stand. `told` is what a reader is told of the networks, `proxy` and the rest what is
    described; `provider` and `home` are the cables, each machine's second one silent where it is None.

    `mail` is whether a mail is sent, and the source address of its delivery looked at; `overlap` whether the machine at
    home must say that its network overlaps the tunnel's; `names` is what the home router's resolver knows by itself.
    `reboots` are machines that are switched off and on to come here, where others' services start anew. Where it is
    `seldom`, a place is left out unless all are asked for: others show nearly the same.
    """

    id: str
    told: str
    proxy: Proxy
    internal: Internal
    provider: Cable
    home: Cable
    provider2: Cable | None = None
    home2: Cable | None = None
    way: Way = Way()
    tunnel: Tunnel = ORDINARY
    login: tuple[Login, ...] = (Login.LAN,)
    mail: bool = False
    overlap: bool = False
    names: tuple[tuple[str, str], ...] = ()
    reboots: tuple[str, ...] = ()
    seldom: bool = False

    def topology(self, admin_key: str) -> Topology:
        """The whole description."""
        return Topology(
            hostname=HOSTNAME,
            proxies=[self.proxy],
            internal=self.internal,
            admin_keys=[admin_key],
            tunnel=self.tunnel,
            domains=[Domain("example.org", mailboxes=[Mailbox("alice")], aliases=[Alias("postmaster", to=["alice"])])],
        )


def leased(
    address: str, router: str | None = None, *, resolvers: tuple[str, ...] = (), mtu: int | None = None
) -> Lease:
    """A lease from texts."""
    found = ip_interface(address)
    assert isinstance(found, IPv4Interface)
    return Lease(found, IPv4Address(router) if router else None, resolvers, mtu)
