"""An ordinary provider and an ordinary home, from which places differ in one thing each."""

from __future__ import annotations

from typing import Final

from attrs import evolve

from mailnix.lab.places.outside import DNS4, DNS4_SECOND
from mailnix.lab.places.place import HOME, PROXY, PUBLIC4, PUBLIC6, Advertised, Cable, leased
from mailnix.model.topology import Internal, Proxy

NET6: Final = "2001:db8:10::/64"
ROUTER6: Final = "2001:db8:10::1/64"
GATEWAY: Final = "203.0.113.1"
MOVED4: Final = "203.0.113.20"
"""The public address that the proxy gets later."""
PRIVATE4: Final = "10.0.0.64"
"""What its card has behind one-to-one translation, in the network that a cloud gives whom nobody asks."""
PRIVATE_ROUTER: Final = "10.0.0.1"
RESOLVERS: Final = (DNS4, DNS4_SECOND)
ADVERTISED: Final = Advertised(NET6)
"""A router, and no address from it."""
DHCP: Final = Cable(
    (f"{GATEWAY}/24", ROUTER6), lease=leased(f"{PUBLIC4}/24", GATEWAY, resolvers=RESOLVERS), advertised=ADVERTISED
)
BEHIND_NAT: Final = Cable((f"{PRIVATE_ROUTER}/24", ROUTER6), advertised=ADVERTISED, nat=((PUBLIC4, PRIVATE4),))
NAT_BY_DHCP: Final = evolve(BEHIND_NAT, lease=leased(f"{PRIVATE4}/24", PRIVATE_ROUTER, resolvers=RESOLVERS))
STATIC: Final = Cable((f"{GATEWAY}/24", ROUTER6), advertised=ADVERTISED)
AT_PROVIDER: Final = Proxy(PROXY, ipv4=PUBLIC4, ipv6=PUBLIC6)

LAN6: Final = Advertised("2001:db8:20:1::/64", autonomous=True)
LAN6_ROUTER: Final = "2001:db8:20:1::1/64"
LAN: Final = Cable(
    ("192.168.1.1/24", LAN6_ROUTER),
    lease=leased("192.168.1.20/24", "192.168.1.1", resolvers=("192.168.1.1",)),
    advertised=LAN6,
)
AT_HOME: Final = Internal(HOME)


def home(router: str, machine: str) -> Cable:
    """A home network: the router's address with the length of the network, and the machine's."""
    address, _, length = router.partition("/")
    return Cable(
        (router, LAN6_ROUTER), lease=leased(f"{machine}/{length}", address, resolvers=(address,)), advertised=LAN6
    )
