"""The public or home interface, resolver settings and sysctls, for both systems.

Sections and keys are systemd.network(5)'s, of systemd 257.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv6Interface
from typing import Final

from mailnix.formats.text import Section, data, template
from mailnix.model.net import mac, not_public
from mailnix.plan import HostPlan, InternalPlan
from mailnix.plan.types import Uplink
from mailnix.services.unbound.render import ADDRESS as OWN_RESOLVER

UPLINK_STEM: Final = "20-uplink"
OTHERS_STEM: Final = "90-others"  # what no other file matches, for example those of NixOS for a bridge's ports (40-…)
CARDS: Final = "en* eth*"  # wired ones
CHOICE: Final = f"/run/systemd/network/{UPLINK_STEM}.network.d"
CHOOSER: Final = "mailnix-uplink"
PREFERRED: Final = 512  # metric of a route that is better than those learned (1024)
LAST: Final = 2048  # of one that is worse

_CONSOLES: Final = data("consoles.toml")
_SHUT: Final[Mapping[str, int]] = {
    # What systemd sets too where a system takes all of its settings; Debian recommends them only.
    "fs.protected_fifos": 1,
    "fs.protected_regular": 1,
}
_QUIET: Final = {"LLMNR": False, "MulticastDNS": False}


def uplink(host: HostPlan) -> tuple[Section, ...]:
    """networkd's sections for the card that leads out."""
    card = host.uplink
    return (
        ("Match", _match(card)),
        ("Network", _network(card)),
        *_deprecated(card),
        *_routes(card),
        *_learned(card),
    )


def others(host: HostPlan) -> tuple[Section, ...]:
    """For every other card: its own network by DHCP, and neither a way out nor a resolver.

    Of routes none is DHCP's, for one may lead anywhere; the described private networks are reached by the router that
    DHCP names for them (Hetzner leases single addresses there).
    """
    dhcp = {"UseGateway": False, "UseRoutes": False, "UseDNS": False, "UseNTP": False, "UseHostname": False}
    return (
        ("Match", {"Name": CARDS}),
        ("Link", {"RequiredForOnline": False}),
        ("Network", {"DHCP": "ipv4", "IPv6AcceptRA": False, **_QUIET}),
        ("DHCPv4", dhcp),
        *(("Route", {"Destination": network, "Gateway": "_dhcp4", "Metric": LAST}) for network in _private(host)),
    )


def _private(host: HostPlan) -> tuple[str, ...]:
    networks = () if isinstance(host, InternalPlan) else host.private_networks
    return tuple(str(network) for network in networks if network.version == 4 and not_public(network[0]))


def wanted_card(host: HostPlan) -> str:
    """What the chooser is told: a MAC, a name, or patterns of names."""
    described = host.uplink.card
    return CARDS if described is None else mac(described) or described


def chooser() -> str:
    """The script that decides between several cards."""
    return template("network", "choose-card.sh")


def chooser_unit(program: str) -> tuple[Section, ...]:
    """Runs `program` before networkd looks at any card, and after the firewall is there: cards are switched on."""
    return (
        (
            "Unit",
            {
                "Description": "Which network card leads out",
                "DefaultDependencies": False,
                "Wants": "network-pre.target",
                "After": "network-pre.target systemd-udev-trigger.service systemd-sysctl.service",
                "Before": "systemd-networkd.service shutdown.target",
                "Conflicts": "shutdown.target",
            },
        ),
        (
            "Service",
            {
                "Type": "oneshot",
                "RemainAfterExit": True,
                "ExecStart": program,
                **_CONSOLES,
                "TimeoutStartSec": "10min",
            },
        ),
    )


def networkd() -> tuple[Section, ...]:
    """networkd.conf: leave alone what Docker and others route, and keep the addresses that others know it by."""
    foreign = {"ManageForeignRoutes": False, "ManageForeignRoutingPolicyRules": False}
    return (("Network", {**foreign, "IPv6PrivacyExtensions": False}),)


def resolved(host: HostPlan) -> tuple[Section, ...]:
    """resolved.conf: no listener but the stub on loopback.

    Where neither the description nor the network names a resolver, a proxy asks its own, and the machine at home
    nobody: what is compiled into resolved is empty on Debian, and Cloudflare and Google elsewhere.
    """
    fallback = "" if isinstance(host, InternalPlan) else OWN_RESOLVER
    return (("Resolve", {**_QUIET, "FallbackDNS": fallback}),)


def sysctls(host: HostPlan) -> Mapping[str, int]:
    """Kernel settings: both machines forward packets between tunnel and clients or containers."""
    settings = {**_SHUT, "net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1}
    if isinstance(host, InternalPlan):
        # Docker binds published ports to the tunnel address, which may come up later than Docker does.
        settings |= {"net.ipv4.ip_nonlocal_bind": 1, "net.ipv6.ip_nonlocal_bind": 1}
    else:
        # haraka-out binds the tunnel address.
        settings |= {"net.ipv4.ip_nonlocal_bind": 1}
    return settings


def _match(card: Uplink) -> Mapping[str, object]:
    if card.card is None:
        return {"Name": CARDS}  # the chooser narrows it to one
    address = mac(card.card)
    return {"Name": card.card} if address is None else {"MACAddress": address}


def _network(card: Uplink) -> Mapping[str, object]:
    keys: dict[str, object] = {"DHCP": "ipv4" if card.dhcp else "no", "IPv6AcceptRA": card.ra, **_QUIET}
    if card.static:
        keys["ConfigureWithoutCarrier"] = True  # else a card without a router advertisement never counts as online
    if card.own6 is not None:
        keys["IPv6PrivacyExtensions"] = False
    plain = tuple(str(address) for address in card.addresses if not _second(card, address))
    return keys | {key: values for key, values in (("Address", plain), ("DNS", _texts(card.nameservers))) if values}


def _second(card: Uplink, address: object) -> bool:
    return isinstance(address, IPv6Interface) and card.own6 is not None and address.ip != card.own6


def _deprecated(card: Uplink) -> Iterator[Section]:
    """Further IPv6 addresses: with no preferred lifetime they are no source of what does not ask for them (RFC 6724 5,
    rule 3). Of IPv4 addresses the route says which."""
    for address in card.addresses:
        if _second(card, address):
            yield "Address", {"Address": str(address), "PreferredLifetime": "0"}


def _routes(card: Uplink) -> Iterator[Section]:
    """Default routes. On-link: providers route single addresses through a gateway outside the address's network."""
    for gateway, own in ((card.gateway4, card.own4), (card.gateway6, card.own6)):
        if gateway is not None:
            yield "Route", {"Gateway": str(gateway), "GatewayOnLink": True, "PreferredSource": _text(own)}
    if card.dhcp and card.own4 is not None:
        # DHCP's own route has DHCP's address as its source.
        yield "Route", {"Gateway": "_dhcp4", "PreferredSource": str(card.own4), "Metric": PREFERRED}


def _learned(card: Uplink) -> Iterator[Section]:
    """What is taken of DHCP's and the routers' word: nothing that the description says itself."""
    silent = {"UseDNS": False} if card.nameservers else {}
    if card.dhcp:
        yield "DHCPv4", {"UseMTU": True, **silent}
    if not card.ra:
        return
    if card.own6 is None:
        if silent:
            yield "DHCPv6", silent
            yield "IPv6AcceptRA", silent
        return
    yield "IPv6AcceptRA", {"UseAutonomousPrefix": False, "DHCPv6Client": False, **silent}


def _texts(values: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
