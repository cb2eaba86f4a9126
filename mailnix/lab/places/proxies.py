"""Where proxies stand: what providers do, each as a place with an ordinary home."""

from __future__ import annotations

from typing import Final

from attrs import evolve

from mailnix.lab.places.build import far_nics
from mailnix.lab.places.ordinary import (
    AT_HOME,
    BEHIND_NAT,
    DHCP,
    GATEWAY,
    LAN,
    NAT_BY_DHCP,
    NET6,
    PRIVATE4,
    PRIVATE_ROUTER,
    RESOLVERS,
    STATIC,
)
from mailnix.lab.places.outside import DNS4
from mailnix.lab.places.place import PROXY, PUBLIC4, PUBLIC6, Advertised, Cable, Place, leased
from mailnix.model.topology import Proxy, Tunnel
from mailnix.services.unbound.render import ADDRESS as OWN_RESOLVER

MAC: Final = far_nics(PROXY)[0].mac
OUTSIDE_GATEWAY: Final = "203.0.113.129"
OTHER: Final = "203.0.113.77"
"""The machine's own address where its mail address is a floating one."""

TEMPTING: Final = Cable(
    ("10.110.0.1/16",), lease=leased("10.110.0.7/16", "10.110.0.1", resolvers=("10.110.0.1",)), advertised=None
)
"""A private network whose DHCP offers a way out that leads nowhere, and a resolver that is none."""

DYNAMIC: Final = (
    Place(
        "dhcp",
        "DHCP, and router advertisements without autoconfiguration",
        Proxy(PROXY, ipv4=PUBLIC4, ipv6=PUBLIC6),
        AT_HOME,
        DHCP,
        LAN,
        mail=True,
    ),
    Place(
        "advertised-addresses",
        "advertisements whose prefix makes a second IPv6 address, beside the described one",
        Proxy(PROXY, ipv4=PUBLIC4, ipv6=PUBLIC6),
        AT_HOME,
        evolve(DHCP, advertised=Advertised(NET6, autonomous=True)),
        LAN,
        mail=True,
        seldom=True,
    ),
    Place(
        "managed-by-nobody",
        "advertisements that send to a DHCPv6 server, and no such server",
        Proxy(PROXY, ipv4=PUBLIC4, ipv6=PUBLIC6),
        AT_HOME,
        evolve(DHCP, advertised=Advertised(NET6, managed=True)),
        LAN,
        seldom=True,
    ),
    Place(
        "no-ipv6-described",
        "IPv6 by autoconfiguration, and none described: mail leaves over IPv4 alone",
        Proxy(PROXY, ipv4=PUBLIC4),
        AT_HOME,
        evolve(DHCP, advertised=Advertised(NET6, autonomous=True)),
        LAN,
        mail=True,
        seldom=True,
    ),
    Place(
        "nat-by-dhcp",
        "the public address one to one on 10.0.0.64 of 10.0.0.0/24, by DHCP from the router 10.0.0.1",
        Proxy(PROXY, ipv4=PUBLIC4, ipv6=PUBLIC6, private_networks=["10.0.0.0/16"]),
        AT_HOME,
        NAT_BY_DHCP,
        LAN,
        mail=True,
    ),
    Place(
        "lease-of-32",
        "DHCP that gives a /32, a router outside of it, and an MTU of 1460",
        Proxy(PROXY, ipv4=PUBLIC4, ipv6=PUBLIC6),
        AT_HOME,
        evolve(DHCP, lease=leased(f"{PUBLIC4}/32", GATEWAY, resolvers=RESOLVERS, mtu=1460)),
        LAN,
        tunnel=Tunnel(mtu=1380),
        seldom=True,
    ),
    Place(
        "floating",
        "DHCP gives the machine's own address, the floating one is routed to it",
        Proxy(PROXY, ipv4=PUBLIC4, ipv6=PUBLIC6, floating=True, card_ipv4=OTHER),
        AT_HOME,
        evolve(
            DHCP,
            lease=leased(f"{OTHER}/24", GATEWAY, resolvers=RESOLVERS),
            routes=(f"{PUBLIC4}/32 via {OTHER}",),
        ),
        LAN,
        mail=True,
    ),
)

FIXED: Final = (
    Place(
        "static-own-resolver",
        "a static address in a /24 and no DHCP; the proxy's own resolver is the first that it asks",
        Proxy(PROXY, ipv4=PUBLIC4, ipv6=PUBLIC6, gateway=GATEWAY, prefix=24, nameservers=(OWN_RESOLVER, DNS4)),
        AT_HOME,
        STATIC,
        LAN,
    ),
    Place(
        "static-32",
        "a static /32 whose gateway is outside of it, IPv6 a /128 with the gateway fe80::1, no advertisements",
        Proxy(
            PROXY,
            ipv4=PUBLIC4,
            ipv6=PUBLIC6,
            gateway=OUTSIDE_GATEWAY,
            gateway6="fe80::1",
            prefix6=128,
            nameservers=RESOLVERS,
        ),
        AT_HOME,
        Cable((f"{OUTSIDE_GATEWAY}/32",), routes=(f"{PUBLIC4}/32", f"{PUBLIC6}/128")),
        LAN,
        mail=True,
    ),
    Place(
        "static-behind-nat",
        "the public address one to one on the static 10.0.0.64, router 10.0.0.1",
        Proxy(
            PROXY,
            ipv4=PUBLIC4,
            ipv6=PUBLIC6,
            card_ipv4=PRIVATE4,
            gateway=PRIVATE_ROUTER,
            prefix=24,
            nameservers=RESOLVERS,
        ),
        AT_HOME,
        BEHIND_NAT,
        LAN,
        seldom=True,
    ),
    Place(
        "more-addresses",
        "an extra public address and a private one on the same card",
        Proxy(
            PROXY,
            ipv4=PUBLIC4,
            ipv6=PUBLIC6,
            gateway=GATEWAY,
            prefix=24,
            nameservers=RESOLVERS,
            extra_addresses=("203.0.113.9/24", "192.168.133.7/17", "2001:db8:10::9/64"),
        ),
        AT_HOME,
        STATIC,
        LAN,
        mail=True,
        seldom=True,
    ),
)

TWO_CARDS: Final = (
    Place(
        "two-cards",
        "a second card in a private network whose DHCP offers a default route; the first is described by its MAC",
        Proxy(PROXY, ipv4=PUBLIC4, ipv6=PUBLIC6, card=MAC),
        AT_HOME,
        DHCP,
        LAN,
        provider2=TEMPTING,
        seldom=True,
    ),
    Place(
        "two-cards-none-named",
        "the same with a static address, and no card is described",
        Proxy(PROXY, ipv4=PUBLIC4, ipv6=PUBLIC6, gateway=GATEWAY, prefix=24, nameservers=RESOLVERS),
        AT_HOME,
        STATIC,
        LAN,
        provider2=TEMPTING,
        reboots=(PROXY,),
        seldom=True,
    ),
)
