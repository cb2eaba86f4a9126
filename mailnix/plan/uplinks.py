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
    """The proxy's public card: its own address by DHCP or as given, a floating one beside it, IPv6 as described."""
    static = proxy.gateway is not None
    ipv4 = IPv4Address(proxy.ipv4)
    addresses: list[Interface] = []
    if static:
        addresses.append(IPv4Interface(f"{proxy.card_ipv4 or proxy.ipv4}/{proxy.prefix}"))
    if proxy.floating:
        addresses.append(IPv4Interface((ipv4, HOST4)))
    if proxy.ipv6 is not None:
        addresses.append(IPv6Interface(f"{proxy.ipv6}/{proxy.prefix6}"))
    addresses += [ip_interface(text) for text in proxy.extra_addresses]
    on_card = proxy.floating or (static and proxy.card_ipv4 is None)
    return Uplink(
        card=proxy.card,
        dhcp=not static,
        addresses=tuple(addresses),
        own4=ipv4 if on_card else None,
        own6=IPv6Address(proxy.ipv6) if proxy.ipv6 else None,
        gateway4=IPv4Address(proxy.gateway) if proxy.gateway else None,
        gateway6=IPv6Address(proxy.gateway6) if proxy.gateway6 else None,
        nameservers=_addresses(proxy.nameservers),
    )


def of_internal(internal: Internal) -> Uplink:
    """The home machine's card: by DHCP, or as given."""
    if internal.ipv4 is None or internal.gateway is None:
        return Uplink(internal.card, dhcp=True, nameservers=_addresses(internal.nameservers))
    return Uplink(
        card=internal.card,
        dhcp=False,
        addresses=(IPv4Interface(f"{internal.ipv4}/{internal.prefix}"),),
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
