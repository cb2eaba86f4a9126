"""How each machine's network card is set, and where the tunnel leads."""

from __future__ import annotations

from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Interface,
    IPv6Address,
    IPv6Interface,
    ip_address,
    ip_interface,
)

from mailnix.model.topology import Family, Internal, Proxy
from mailnix.plan.types import Address, Interface, Uplink

HOST4 = 32


def of_proxy(proxy: Proxy) -> Uplink:
    """The proxy's public card: its own address by DHCP or as given, a floating one beside it, IPv6 as described.

    Router advertisements are of use for the IPv6 router alone. So a proxy without `ipv6` has no such address at all:
    one that is in no record would serve nobody, and mail must not come from it.
    """
    static = proxy.gateway is not None
    ipv4, of_card = IPv4Address(proxy.ipv4), IPv4Address(proxy.card_ipv4 or proxy.ipv4)
    addresses: list[Interface] = []
    if static:
        addresses.append(IPv4Interface(f"{of_card}/{proxy.prefix}"))
    if proxy.floating:
        addresses.append(IPv4Interface((ipv4, HOST4)))
    if proxy.ipv6 is not None:
        addresses.append(IPv6Interface(f"{proxy.ipv6}/{proxy.prefix6}"))
    addresses += [ip_interface(text) for text in proxy.extra_addresses]
    own4 = ipv4 if proxy.floating else of_card
    return Uplink(
        card=proxy.card,
        dhcp=not static,
        addresses=tuple(addresses),
        own4=own4 if static or proxy.floating else None,
        own6=IPv6Address(proxy.ipv6) if proxy.ipv6 else None,
        gateway4=IPv4Address(proxy.gateway) if proxy.gateway else None,
        gateway6=IPv6Address(proxy.gateway6) if proxy.gateway6 else None,
        nameservers=_addresses(proxy.nameservers),
        ra=proxy.ipv6 is not None and proxy.gateway6 is None,
    )


def of_internal(internal: Internal) -> Uplink:
    """The home machine's card: by DHCP, or as given; IPv6 as the home router advertises it."""
    if internal.ipv4 is None or internal.gateway is None:
        return Uplink(internal.card, dhcp=True, nameservers=_addresses(internal.nameservers))
    own4 = IPv4Address(internal.ipv4)
    return Uplink(
        card=internal.card,
        dhcp=False,
        addresses=(IPv4Interface(f"{own4}/{internal.prefix}"),),
        own4=own4,
        gateway4=IPv4Address(internal.gateway),
        nameservers=_addresses(internal.nameservers),
    )


def endpoint(proxy: Proxy, over: Family) -> Address | str:
    """What the machine at home dials: as described, or the public address of the family `over`."""
    if proxy.endpoint is not None:
        return _address_or_name(proxy.endpoint)
    if over is Family.IPV6 and proxy.ipv6 is not None:
        return IPv6Address(proxy.ipv6)
    return IPv4Address(proxy.ipv4)


def _address_or_name(text: str) -> Address | str:
    try:
        return ip_address(text)
    except (AddressValueError, ValueError):
        return text


def _addresses(texts: tuple[str, ...]) -> tuple[Address, ...]:
    return tuple(ip_address(text) for text in texts)
