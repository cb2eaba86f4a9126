"""Where machines at home stand, each as a place with an ordinary provider."""

from __future__ import annotations

from typing import Final

from attrs import evolve

from mailnix.lab.places.ordinary import AT_HOME, AT_PROVIDER, DHCP, LAN, LAN6, LAN6_ROUTER, NAT_BY_DHCP, home
from mailnix.lab.places.outside import ENDPOINT
from mailnix.lab.places.place import (
    HOME,
    PROXY,
    PUBLIC4,
    PUBLIC6,
    Cable,
    Login,
    Place,
    Translation,
    Way,
)
from mailnix.model.topology import Family, Internal, Proxy, Tunnel

NETWORKS: Final = (
    Place(
        "home-10-24",
        "a home network of 10.0.0.0/24 with the router 10.0.0.1",
        AT_PROVIDER,
        Internal(HOME, lan="10.0.0.0/24"),
        DHCP,
        home("10.0.0.1/24", "10.0.0.20"),
        seldom=True,
    ),
    Place(
        "home-10-8",
        "a home network of the whole of 10.0.0.0/8",
        AT_PROVIDER,
        Internal(HOME, lan="10.0.0.0/8"),
        DHCP,
        home("10.0.0.1/8", "10.1.2.3"),
        seldom=True,
    ),
    Place(
        "home-static",
        "a static address at home, no DHCP",
        AT_PROVIDER,
        Internal(HOME, ipv4="192.168.1.30", gateway="192.168.1.1", nameservers=["192.168.1.1"]),
        DHCP,
        evolve(LAN, lease=None),
        seldom=True,
    ),
    Place(
        "home-ipv6-only",
        "no IPv4 at home at all; the tunnel goes over IPv6",
        AT_PROVIDER,
        AT_HOME,
        DHCP,
        Cable((LAN6_ROUTER,), advertised=evolve(LAN6, resolvers=("2001:db8:20:1::1",))),
        way=Way(Translation.NONE),
        tunnel=Tunnel(over=Family.IPV6),
    ),
    Place(
        "home-overlap",
        "a home network that is the tunnel's own, which nobody described",
        AT_PROVIDER,
        AT_HOME,
        DHCP,
        home("10.83.119.254/24", "10.83.119.20"),
        overlap=True,
        reboots=(HOME,),
        seldom=True,
    ),
)

MOVING: Final = Place(
    "home-endpoint-name",
    "the proxy dialled by a name, its public address one to one on another",
    Proxy(PROXY, ipv4=PUBLIC4, ipv6=PUBLIC6, endpoint=ENDPOINT),
    AT_HOME,
    NAT_BY_DHCP,
    LAN,
    names=((ENDPOINT, PUBLIC4),),
    seldom=True,
)
CARRIER: Final = Place(
    "home-carrier-nat",
    "the home router's own address is the carrier's to translate (CGNAT)",
    AT_PROVIDER,
    AT_HOME,
    DHCP,
    LAN,
    way=Way(Translation.CARRIER),
    seldom=True,
)

WAYS: Final = (
    Place(
        "home-ds-lite",
        "DS-Lite: the carrier's address translation, 1460 bytes for IPv4, and bigger packets lost without a word",
        AT_PROVIDER,
        AT_HOME,
        DHCP,
        LAN,
        way=Way(Translation.CARRIER, mtu=1460, silent=True),
        tunnel=Tunnel(mtu=1400),
    ),
    Place(
        "home-pppoe",
        "PPPoE: 1492 bytes, and bigger packets lost without a word",
        AT_PROVIDER,
        AT_HOME,
        DHCP,
        LAN,
        way=Way(mtu=1492, silent=True),
        tunnel=Tunnel(mtu=1432),
        seldom=True,
    ),
    Place(
        "home-no-ping",
        "a home network that drops ping and answers everything on port 53 itself",
        AT_PROVIDER,
        Internal(HOME, forwarders=["192.168.1.1"], resolver_check=False),
        DHCP,
        LAN,
        way=Way(no_ping=True, takes_dns=True),
    ),
    Place(
        "home-udp-443",
        "a network that lets nothing but 443 out over UDP, the tunnel on 443/udp",
        AT_PROVIDER,
        AT_HOME,
        DHCP,
        LAN,
        way=Way(udp=(443,)),
        tunnel=Tunnel(port=443),
        seldom=True,
    ),
    Place(
        "home-by-jump-host",
        "no way in from the home network, the proxy as jump host",
        AT_PROVIDER,
        Internal(HOME, ssh_via_proxy=True, lan_admin_cidrs=[]),
        DHCP,
        LAN,
        login=(Login.PROXY,),
    ),
    MOVING,
    CARRIER,
)
