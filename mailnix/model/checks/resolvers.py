"""Whom the machines ask for names."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

from mailnix.model import resolvers
from mailnix.model.checks import texts
from mailnix.model.checks.found import Found, each
from mailnix.model.net import Address, useless
from mailnix.model.topology import Internal, Proxy, Topology

_REFUSED: Final = "block lists such as Spamhaus refuse what it asks"


def check(topology: Topology, found: Found) -> None:
    """Check the resolvers of every machine, and those that Mailcow's own asks."""
    for path, proxy in each(topology.proxies, Proxy, "proxies"):
        _of_proxy(proxy, path, found)
    internal = topology.internal
    if isinstance(internal, Internal):
        _of_home(internal, found)
        for at, asked in _listed(internal.forwarders, "internal.forwarders", found):
            if asked.is_loopback or asked.is_link_local:
                hint = "name the router by an address of another kind, its IPv4 one for example, or leave it out"
                found.error(at, f"nobody answers at {asked} in Mailcow's container", hint)
            elif (who := resolvers.operator(asked)) is not None:
                found.warning(
                    at, f"{asked} is {who}'s: {_REFUSED}, and spam passes", "name the router or the provider's"
                )


def _of_proxy(proxy: Proxy, path: str, found: Found) -> None:
    at = f"{path}.nameservers"
    own = f'nameservers=["{resolvers.LOCAL}"] is the proxy\'s own'
    _needed(proxy.gateway, proxy.nameservers, at, f"{own}, and the best; your provider's will do", found)
    addresses = _own(proxy)
    for here, asked in _listed(proxy.nameservers, at, found):
        if (asked.is_loopback and str(asked) != resolvers.LOCAL) or asked in addresses:
            found.error(here, f"no resolver listens at {asked}", own)
        elif isinstance(asked, IPv6Address) and proxy.ipv6 is None:
            found.error(here, "the proxy has no IPv6 address to ask it from", "give ipv6, too, or name another")
        elif (who := resolvers.operator(asked)) is not None:
            message = f"{asked} is {who}'s: {_REFUSED}, and DANE needs a resolver that the proxy can trust"
            found.warning(here, message, own)


def _own(proxy: Proxy) -> set[Address]:
    """Every address that is described as the machine's own."""
    cards = [texts.quiet(text, IPv4Address) for text in (proxy.ipv4, proxy.card_ipv4)]
    unsaid = Found()  # what is wrong with further addresses is said where they are checked
    further = [texts.interface(text, at, unsaid) for at, text in each(proxy.extra_addresses, str, "")]
    known = (*cards, texts.quiet(proxy.ipv6, IPv6Address), *(extra.ip for extra in further if extra is not None))
    return {address for address in known if address is not None}


def _of_home(internal: Internal, found: Found) -> None:
    at = "internal.nameservers"
    router = internal.gateway if isinstance(internal.gateway, str) else "192.168.1.1"
    _needed(internal.ipv4, internal.nameservers, at, f'mostly the router: nameservers=["{router[:50]}"]', found)
    for here, asked in _listed(internal.nameservers, at, found):
        if asked.is_loopback or asked == texts.quiet(internal.ipv4, IPv4Address):
            found.error(here, f"no resolver listens at {asked}", "name the router, or the provider's")


def _needed(static: Any, named: Any, path: str, hint: str, found: Found) -> None:
    if static is not None and named == ():
        found.error(path, "a machine with a static address is told no resolver: it would find no name", hint)


def _listed(given: Any, path: str, found: Found) -> list[tuple[str, Address]]:
    """The resolvers that could be one, each with its path."""
    seen: dict[Address, str] = {}  # and where it is
    for at, text in each(given, str, path):
        asked = texts.any_address(text, at, found)
        if asked is None:
            continue
        kind = useless(asked)
        if kind is not None and not asked.is_loopback and not asked.is_link_local:
            found.error(at, f"{asked} is {kind}: nobody answers there", "name a resolver")
        elif asked in seen:
            found.error(at, f"{asked} is {seen[asked]} already", "name each once")
        else:
            seen[asked] = at
    return [(at, asked) for asked, at in seen.items()]
