"""What mail programs reach: services by name, and home networks that reach them directly."""

from __future__ import annotations

import difflib
from typing import Final

from mailnix.model.checks.found import Found, each
from mailnix.model.checks.texts import network as as_network
from mailnix.model.clientport import KNOWN, ClientPort, named
from mailnix.model.net import not_public
from mailnix.model.topology import Internal, Topology

NAMES: Final = tuple(client.name for client in KNOWN)


def check(topology: Topology, found: Found) -> None:
    """Check the names, what they leave out, and the home networks."""
    _names(topology, found)
    if isinstance(topology.internal, Internal):
        _at_home(topology.internal, found)


def _names(topology: Topology, found: Found) -> None:
    seen: set[str] = set()
    for path, name in each(topology.client_services, str, "client_services"):
        if name not in NAMES:
            found.error(path, f"{name[:40]!r} is no service of Mailcow's for mail programs", _meant(name))
        elif name in seen:
            found.error(path, f"{name} is given twice", "leave one of them out")
        seen.add(name)
    if isinstance(topology.client_services, tuple) and seen <= set(NAMES):
        _left_out(named(seen), found)


def _meant(name: str) -> str:
    by_number = [client.name for client in KNOWN if name == str(client.port)]
    close = by_number or difflib.get_close_matches(name.lower(), NAMES, n=1)
    return f"did you mean {close[0]}?" if close else f"it may be {', '.join(NAMES)}"


def _left_out(clients: tuple[ClientPort, ...], found: Found) -> None:
    if not clients:
        found.warning(
            "client_services", "no mail program can be used, only the web pages", 'add "imaps", "submissions"'
        )
        return
    if not any(client.reads for client in clients):
        found.warning("client_services", "no mail program can read mail", 'add "imaps"')
    if not any(client.sends for client in clients):
        found.warning("client_services", "no mail program can send mail", 'add "submissions"')
    for client in clients:
        if client.reads and client.starttls:
            message = f"{client.name} begins in clear, where somebody on the way can keep TLS away (RFC 8314 3)"
            found.warning("client_services", message, f'use "{client.name}s"')


def _at_home(internal: Internal, found: Found) -> None:
    """Home networks, as the machine sees their addresses: private ones of IPv4."""
    for path, text in each(internal.lan_client_cidrs, str, "internal.lan_client_cidrs"):
        network = as_network(text)
        if network is None:
            found.error(path, f"{text[:50]!r} is not a network", 'write one such as "192.168.1.0/24"')
        elif network.version != 4:
            hint = "leave it out: over IPv6 programs at home come by a proxy"
            found.error(path, f"{network} is IPv6, over which Mailcow is reached through the tunnel alone", hint)
        elif not (not_public(network[0]) or "").startswith("a private address"):
            found.error(path, f"{network} is no home network: others come by a proxy", "name the home network")
