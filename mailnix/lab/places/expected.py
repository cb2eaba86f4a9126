"""What a machine's cards must be set to in a place, and what is wrong where they are not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Interface, IPv6Network, ip_address

from mailnix.lab.places.look import Look, families
from mailnix.lab.places.place import Cable
from mailnix.plan.types import Address, Interface, Uplink


def wrong(uplink: Uplink, cable: Cable, mac: str, seen: Look) -> tuple[str, ...]:
    """Everything that is not as described or given, of a machine whose card `mac` leads out; empty where all is."""
    card = next((name for name, found in seen.cards.items() if found.mac == mac), "")
    if not card:
        return (f"there is no card {mac}",)
    return (
        *_addresses(uplink, cable, seen.cards[card].addresses),
        *_sources(uplink, cable, seen),
        *_gateways(uplink, cable, card, seen),
        *_resolvers(uplink, cable, seen),
    )


def _addresses(uplink: Uplink, cable: Cable, found: Iterable[Interface]) -> Iterator[str]:
    has4, has6 = families(found)
    described4, described6 = families(uplink.addresses)
    if uplink.dhcp and cable.lease:
        described4 |= {cable.lease.address}
    # Without described ones those that a router's prefix makes are welcome, else there are none.
    free = {address for address in has6 if uplink.ra and uplink.own6 is None and _made(address, cable)}
    if has4 != described4:
        yield f"its IPv4 addresses are {_text(has4)} rather than {_text(described4)}"
    if has6 - free != described6:
        yield f"its IPv6 addresses are {_text(has6)} rather than {_text(described6)}"


def _made(address: IPv6Interface, cable: Cable) -> bool:
    said = cable.advertised
    return said is not None and said.autonomous and address.ip in IPv6Network(said.prefix)


def _sources(uplink: Uplink, cable: Cable, seen: Look) -> Iterator[str]:
    lease = cable.lease if uplink.dhcp else None
    own4 = uplink.own4 or (lease.address.ip if lease and lease.router else None)
    if seen.source4 != own4:
        yield f"IPv4 leaves from {seen.source4} rather than {own4}"
    if uplink.own6 is not None and seen.source6 != uplink.own6:
        yield f"IPv6 leaves from {seen.source6} rather than {uplink.own6}"


def _gateways(uplink: Uplink, cable: Cable, card: str, seen: Look) -> Iterator[str]:
    lease = cable.lease if uplink.dhcp else None
    gateway4 = uplink.gateway4 or (lease.router if lease else None)
    if gateway4 is not None and (seen.gateway4, seen.card4) != (gateway4, card):
        yield f"IPv4 goes to {seen.gateway4} by {seen.card4} rather than to {gateway4} by {card}"
    learns = uplink.ra and cable.advertised is not None and cable.advertised.router
    if (learns or uplink.gateway6 is not None) and seen.card6 != card:
        yield f"IPv6 goes out by {seen.card6 or 'no card'} rather than {card}"
    if uplink.gateway6 is not None and seen.gateway6 != uplink.gateway6:
        yield f"IPv6 goes to {seen.gateway6} rather than to {uplink.gateway6}"


def _resolvers(uplink: Uplink, cable: Cable, seen: Look) -> Iterator[str]:
    leased = cable.lease.resolvers if uplink.dhcp and cable.lease else ()
    advertised = cable.advertised.resolvers if uplink.ra and cable.advertised else ()
    wanted: set[Address] = set(uplink.nameservers) or {ip_address(each) for each in (*leased, *advertised)}
    if set(seen.resolvers) != wanted and wanted:
        yield f"it asks {_text(seen.resolvers)} rather than {_text(wanted)}"


def _text(found: Iterable[object]) -> str:
    return ", ".join(sorted(map(str, found))) or "none"
