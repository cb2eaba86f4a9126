"""The public or home interface, resolver settings and sysctls, for both systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailnix.formats.text import Section
from mailnix.plan import HostPlan, InternalPlan

UPLINK_STEM: Final = "20-uplink"
UPLINK_MATCH: Final = "en* eth*"


def uplink(host: HostPlan) -> tuple[Section, ...]:
    """networkd's sections for the network card: DHCP and router advertisements, and the fixed addresses given."""
    card = host.uplink
    network: dict[str, object] = {
        "DHCP": "ipv4" if card.dhcp else "no",
        "IPv6AcceptRA": True,
        "LLMNR": False,
        "MulticastDNS": False,
    }
    if card.addresses:
        network["Address"] = tuple(str(address) for address in card.addresses)
    # On-link: providers route single addresses through a gateway outside the address's own network.
    gateways = (gateway for gateway in (card.gateway4, card.gateway6) if gateway is not None)
    routes = (("Route", {"Gateway": gateway, "GatewayOnLink": True}) for gateway in gateways)
    return (("Match", {"Name": UPLINK_MATCH}), ("Network", network), *routes)


def networkd() -> tuple[Section, ...]:
    """networkd.conf: leave alone what Docker and others route."""
    return (("Network", {"ManageForeignRoutes": False, "ManageForeignRoutingPolicyRules": False}),)


def resolved() -> tuple[Section, ...]:
    """resolved.conf: no listener but the stub on loopback."""
    return (("Resolve", {"LLMNR": False, "MulticastDNS": False}),)


def sysctls(host: HostPlan) -> Mapping[str, int]:
    """Kernel settings: both machines forward packets between tunnel and clients or containers."""
    settings = {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1}
    if isinstance(host, InternalPlan):
        # Docker binds published ports to the tunnel address, which may come up later than Docker does.
        settings |= {"net.ipv4.ip_nonlocal_bind": 1, "net.ipv6.ip_nonlocal_bind": 1}
    else:
        # haraka-out binds the tunnel address.
        settings |= {"net.ipv4.ip_nonlocal_bind": 1}
    return settings
