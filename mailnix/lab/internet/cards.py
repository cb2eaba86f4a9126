"""The network cards of the plan's machines: with the MAC or the name that is described, and where there are several.

A described card means that there is another one. It leads to a private network with a DHCP server that also offers a
way out, which leads nowhere: a machine that takes it is cut off.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Final

from mailnix.lab.spec import Nic, SystemCredential
from mailnix.model.net import mac
from mailnix.plan.types import HostPlan, ProxyPlan

INTERNET: Final = "internet"
DECOY: Final = IPv4Network("192.168.44.0/24")
"""The private network behind a second card that nothing is known about."""
_SLOTS: Final = range(28, 19, -1)
"""Places on the PCI bus for further cards: the names that come of them (`ens28`) are never the described card's."""


def uplink_nic(host: HostPlan) -> Nic:
    """The machine's end of its link to the internet."""
    card = host.uplink.card
    return Nic(host.name, host.name, INTERNET, address=None if card is None else mac(card))


def behind(host: HostPlan) -> tuple[IPv4Network, ...]:
    """The networks of the machine's further cards: those of its provider, or one that nothing is known about.

    Where the card is not described and its address is anything that DHCP says, a private network is that card's own.
    """
    if host.uplink.card is None and (host.uplink.dhcp or not isinstance(host, ProxyPlan)):
        return ()
    private = host.private_networks if isinstance(host, ProxyPlan) else ()
    on_uplink = [interface.network for interface in host.uplink.addresses]
    known = [n for n in private if isinstance(n, IPv4Network) and not any(_meet(n, other) for other in on_uplink)]
    return tuple(known) if private or host.uplink.card is None else (DECOY,)


def _meet(one: IPv4Network, other: object) -> bool:
    return isinstance(other, IPv4Network) and one.overlaps(other)


def further_links(host: HostPlan) -> Iterator[tuple[Nic, Nic, IPv4Network]]:
    """Both ends of the machine's further links, the internet's first, and the network that each leads to."""
    free = [slot for slot in _SLOTS if not str(host.uplink.card).endswith(str(slot))]
    for number, (network, slot) in enumerate(zip(behind(host), free, strict=False)):
        link = f"{host.name}.{number}"
        yield Nic(link, INTERNET, host.name), Nic(link, host.name, INTERNET, slot=slot), network


def far_nics(host: HostPlan) -> tuple[Nic, ...]:
    """The network cards of one of the plan's machines, the one that leads to the internet first."""
    return (uplink_nic(host), *(far for _near, far, _network in further_links(host)))


def card_names(host: HostPlan) -> tuple[SystemCredential, ...]:
    """How the machine's card gets its described name, whatever its image and its place on the bus would call it.

    systemd-network-generator(8) makes a .link file of it before udev names the card.
    """
    card = host.uplink.card
    if card is None or mac(card) is not None:
        return ()
    text = f"[Match]\nMACAddress={uplink_nic(host).mac}\n\n[Link]\nName={card}\n"
    return (SystemCredential("network.link.10-uplink", text),)
