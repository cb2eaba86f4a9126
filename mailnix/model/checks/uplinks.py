"""Network cards: which one, its addresses, and the way out, of proxies and of the machine at home alike."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any, Final

import attrs

from mailnix.model.checks import texts
from mailnix.model.checks.found import Found, each
from mailnix.model.net import Address, mac, not_public, useless
from mailnix.model.topology import Internal, Proxy, Topology

_NAME: Final = re.compile(r"(?=.*[^0-9])[A-Za-z0-9_][A-Za-z0-9._-]{0,14}")
_NO_CARDS: Final = re.compile(r"lo|wg.*|docker.*|br-mailcow|br-[0-9a-f]{12}|veth.*|all|default")
"""Loopback, tunnels, Docker's bridges (mostly twelve hexadecimal digits), and what sysctl(8) means by these names."""
_SHOWN: Final = 50
_BROADCASTS_TO: Final = 30  # longer networks have no broadcast address (RFC 3021)
LENGTH4, LENGTH6 = 32, 128
_USUAL: Final = {4: 24, 6: 64}


def check(topology: Topology, found: Found) -> None:
    """Check every machine's card."""
    for path, proxy in each(topology.proxies, Proxy, "proxies"):
        _proxy(proxy, path, found)
    if isinstance(topology.internal, Internal):
        _home(topology.internal, topology, found)


def _proxy(proxy: Proxy, path: str, found: Found) -> None:
    _card(proxy.card, f"{path}.card", found)
    prefix = _prefix(proxy, "prefix", LENGTH4, proxy.gateway is not None, path, found)
    own = _card_ipv4(proxy, path, found)
    if proxy.gateway is not None:
        field = "ipv4" if proxy.card_ipv4 is None else "card_ipv4"
        _in_network(own, prefix, f"{path}.{field}", found)
    others = (texts.quiet(proxy.ipv4, IPv4Address), own)
    _router(proxy.gateway, own, others, prefix, f"{path}.gateway", found)
    _ipv6(proxy, path, found)
    _extra(proxy, path, found)


def _home(internal: Internal, topology: Topology, found: Found) -> None:
    _card(internal.card, "internal.card", found)
    static = internal.ipv4 is not None
    prefix = _prefix(internal, "prefix", LENGTH4, static, "internal", found)
    own = texts.address(internal.ipv4, IPv4Address, "internal.ipv4", found)
    if own is not None:
        kind = useless(own)
        if kind is not None:
            found.error("internal.ipv4", f"{own} is {kind}", "write an address of the home network")
        for path, proxy in each(topology.proxies, Proxy, "proxies"):
            if own == texts.quiet(proxy.ipv4, IPv4Address):
                found.error("internal.ipv4", f"{own} is the address of {path}", "write one of the home network")
        _in_network(own, prefix, "internal.ipv4", found)
        lan = texts.network(internal.lan)
        if lan is not None and own not in lan:
            found.error("internal.ipv4", f"{own} is not in internal.lan ({lan})", "look at both")
    if static and internal.gateway is None:
        found.error("internal.gateway", "a static address needs a router", "write your home router's address")
    if internal.gateway is not None and not static:
        found.error("internal.ipv4", "there is a gateway, and no static address", "give ipv4 too, or leave gateway out")
    _router(internal.gateway, own, (own,), prefix, "internal.gateway", found)


def _card(card: Any, path: str, found: Found) -> None:
    if not isinstance(card, str):
        return
    hint = "write what `ip -brief link` shows: ens3, or 52:54:00:ab:cd:ef"
    address = mac(card)
    if address is not None:
        if int(address[:2], 16) & 1 or not address.strip("0:"):
            found.error(path, f"{card} is no MAC of a network card", hint)
    elif not _NAME.fullmatch(card) or _NO_CARDS.fullmatch(card):
        found.error(path, f"{card[:_SHOWN]!r} is neither the name nor the MAC of a network card", hint)
    elif card.startswith("wl"):
        found.error(path, f"{card} is a Wi-Fi card, and this machine does not speak Wi-Fi", "name a wired one")


def _prefix(machine: Proxy | Internal, name: str, longest: int, used: bool, path: str, found: Found) -> int | None:
    """The length of a network, if it can be one; `used` is whether an address is set by it."""
    value = getattr(machine, name)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    if not 1 <= value <= longest:
        found.error(
            f"{path}.{name}", f"{value} is not a prefix length (1 to {longest})", "write what stands after the /"
        )
        return None
    if not used and value != attrs.fields_dict(type(machine))[name].default:
        found.error(f"{path}.{name}", "there is no static address that it would be of", _missing(machine, name))
    return value


def _missing(machine: Proxy | Internal, name: str) -> str:
    if name == "prefix6":
        return "give ipv6, too, or leave it out"
    needs = "gateway" if isinstance(machine, Proxy) else "ipv4 and gateway"
    return f"leave it out, or give {needs}, too: the address comes by DHCP otherwise"


def _card_ipv4(proxy: Proxy, path: str, found: Found) -> IPv4Address | None:
    """The address that the card itself has, where it is static."""
    at = f"{path}.card_ipv4"
    public = texts.quiet(proxy.ipv4, IPv4Address)
    if proxy.card_ipv4 is None:
        if proxy.floating is True and proxy.gateway is not None:
            message = "beside a floating ipv4, the card needs a static address of its own"
            found.error(at, message, "give card_ipv4, or leave floating out")
            return None
        return public
    own = texts.address(proxy.card_ipv4, IPv4Address, at, found)
    if own is None:
        return None
    kind = useless(own)
    if proxy.floating is True and kind is None and (private := not_public(own)) is not None:
        message = f"the card has {own}, {private}: such a provider mostly translates ipv4, which is on no card then"
        found.warning(f"{path}.floating", message, "leave floating out, unless its guide says to set ipv4 on the card")
    if kind is not None:
        found.error(at, f"{own} is {kind}", "write what the provider gave the card itself")
    elif own == public:
        found.error(at, "is ipv4 itself", "leave it out")
    elif proxy.gateway is None:
        hint = "give gateway, too, where the provider has no DHCP; else it may be left out"
        found.warning(at, f"nothing sets {own} without a gateway: the card's address comes by DHCP", hint)
    elif proxy.floating is not True and not_public(own) is None:
        hint = f"floating=True, where {str(proxy.ipv4)[:_SHOWN]} was moved to this machine"
        found.warning(at, f"{own} is public: mail leaves from it, unless the provider translates it", hint)
    return own


def _in_network(own: IPv4Address | None, prefix: int | None, path: str, found: Found) -> None:
    """A machine's address is none that belongs to its network as a whole."""
    if own is None or prefix is None or prefix > _BROADCASTS_TO:
        return
    network = IPv4Interface(f"{own}/{prefix}").network
    for number, what in ((0, "network"), (-1, "broadcast")):
        if own == network[number]:
            found.error(path, f"{own} is the {what} address of {network}", "write the machine's own, or look at prefix")


def _router(
    text: Any,
    own: IPv4Address | None,
    others: tuple[IPv4Address | None, ...],
    prefix: int | None,
    path: str,
    found: Found,
) -> None:
    gateway = texts.address(text, IPv4Address, path, found)
    if gateway is None:
        return
    kind = useless(gateway)
    if gateway in others:
        found.error(path, "is the machine's own address", "write the router's")
    elif kind is not None and not gateway.is_link_local:  # some clouds have a router there
        found.error(path, f"{gateway} is {kind}", "write the router's address")
    elif own is not None and prefix is not None and prefix < LENGTH4:
        network = IPv4Interface(f"{own}/{prefix}").network
        if gateway not in network:
            hint = "look at prefix: 32 is right where the router is in no network of the machine"
            found.error(path, f"{gateway} is not in {network}", hint)
        else:
            _in_network(gateway, prefix, path, found)


def _ipv6(proxy: Proxy, path: str, found: Found) -> None:
    length = _prefix(proxy, "prefix6", LENGTH6, proxy.ipv6 is not None, path, found)
    own = texts.quiet(proxy.ipv6, IPv6Address)
    if own is not None and length is not None and length < LENGTH6 - 1:
        network = IPv6Interface((int(own), length)).network
        if own == network[0]:
            hint = f"choose one in it, for example {network[1]}"
            found.error(f"{path}.ipv6", f"{own} is the network {network}, which is no machine's address", hint)
    at = f"{path}.gateway6"
    if proxy.gateway6 is None and own is not None and proxy.gateway is not None:
        message = "the IPv6 router is learned from its advertisements, which few providers without DHCP send"
        found.warning(at, message, "write the one that the provider names, often fe80::1")
    gateway = texts.address(proxy.gateway6, IPv6Address, at, found)
    if gateway is None:
        return
    kind = useless(gateway)
    if proxy.ipv6 is None:
        found.error(at, "there is no ipv6 address that would use it", "give ipv6 too, or leave it out")
    elif gateway == own:
        found.error(at, "is the machine's own address", "write the router's, often fe80::1")
    elif kind is not None and not gateway.is_link_local:
        found.error(at, f"{gateway} is {kind}", "write the router's address, often fe80::1")


def _extra(proxy: Proxy, path: str, found: Found) -> None:
    fields = (("ipv4", proxy.ipv4, IPv4Address), ("card_ipv4", proxy.card_ipv4, IPv4Address))
    seen: dict[Address, str] = {}
    for name, text, kind in (*fields, ("gateway", proxy.gateway, IPv4Address)):
        if (known := texts.quiet(text, kind)) is not None:
            seen.setdefault(known, f"{path}.{name}")
    for name, text in (("ipv6", proxy.ipv6), ("gateway6", proxy.gateway6)):
        if (six := texts.quiet(text, IPv6Address)) is not None:
            seen.setdefault(six, f"{path}.{name}")
    for at, text in each(proxy.extra_addresses, str, f"{path}.extra_addresses"):
        extra = texts.interface(text, at, found)
        if extra is None:
            continue
        if (useless_kind := useless(extra.ip)) is not None:
            found.error(at, f"{extra.ip} is {useless_kind}", "write an address that the provider gave you")
        elif extra.ip in seen:
            found.error(at, f"{extra.ip} is {seen[extra.ip]} already", "write each address once")
        elif isinstance(extra, IPv6Interface) and proxy.ipv6 is None and not_public(extra.ip) is None:
            found.error(at, "the proxy has no IPv6 otherwise", "give ipv6, which mail leaves from")
        elif "/" not in text and not_public(extra.ip) is not None:
            message = f"{text} is set without a network: its neighbours are looked for on the internet"
            found.warning(
                at, message, f"write the length of its network, too, for example {text}/{_USUAL[extra.version]}"
            )
        elif isinstance(extra, IPv4Interface):
            _in_network(extra.ip, extra.network.prefixlen, at, found)
        seen.setdefault(extra.ip, at)
