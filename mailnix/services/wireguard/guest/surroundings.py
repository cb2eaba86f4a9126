#!/usr/bin/python3
"""Say what of the network around this machine is not as described, and what to write in the description.

Usage: surroundings DESCRIBED INTERFACE...

DESCRIBED is JSON: "networks" is a list of ours, each with its "network", "whose" it is, and what to "write" (%s is the
other network). Of a proxy there are also "ipv4", the "addresses" that are set on its card, whether "ipv4" is
"floating" beside an address by DHCP, and "ipv6" where its router is to be learned. The interfaces are ours; Docker's
are left out, too. Changes nothing and never fails: who can be helped is a reader.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

Network = IPv4Network | IPv6Network
Ask = Callable[[str], str]
Pause = Callable[[float], None]
Found = list[dict[str, Any]]

ADDRESSES = "address show"
ROUTES4, ROUTES6 = "-4 route show table main", "-6 route show table main"
DOCKER = ("docker0", "br-", "veth")
PATIENCE = 10  # seconds
LOOKS = 20
"""How often routers are looked for, once a second: a machine is online before routers advertise themselves (RFC 4861
lets them take some seconds to answer)."""

# Behind these the provider translates: RFC 1918, RFC 6598; RFC 3927 is of nobody.
PRIVATE = tuple(
    IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16")
)


def main(described: str, *interfaces: str) -> int:
    """Print a sentence for each overlap at once, and one for each address or router when they had time to come."""
    facts = json.loads(Path(described).read_text("utf-8"))
    for sentence in sentences(facts["networks"], surroundings(ip, interfaces)):
        _say(sentence)
    for sentence in addressed(facts, ip, interfaces, time.sleep):
        _say(sentence)
    return 0


def ip(words: str) -> str:
    """What ip(8) says as JSON, nothing at all where it fails."""
    return said(["ip", "-json", *words.split()], PATIENCE)


def said(words: list[str], patience: float) -> str:
    """What a program prints, "[]" for no word; nothing at all where it fails or takes longer, in seconds."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=patience)
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() or "[]"


def surroundings(ask: Ask, interfaces: Collection[str]) -> dict[Network, str]:
    """Each network that the machine has an address in or a route to → the interface; not the whole internet."""
    found: dict[Network, str] = {}
    for network, interface in (*_addresses(ask), *_routes(ask)):
        if _foreign(interface, interfaces) and network is not None and network.prefixlen:
            found.setdefault(network, interface)
    return found


def sentences(ours: Iterable[Mapping[str, str]], around: Mapping[Network, str]) -> Iterator[str]:
    """What to tell about each overlap; of networks within one another the widest says it all."""
    for one in ours:
        network = ip_network(one["network"])
        clashes = [other for other in around if _overlap(network, other)]
        for other in clashes:
            if not any(
                other != wider and _overlap(other, wider) and other.prefixlen > wider.prefixlen for wider in clashes
            ):
                where = f"{other} ({around[other]})"
                write = one["write"].replace("%s", str(other))
                yield f"this machine is in {where}, which overlaps {one['whose']}, {network}: {write}"


def addressed(facts: Mapping[str, Any], ask: Ask, interfaces: Collection[str], pause: Pause) -> Iterator[str]:
    """What to tell about a proxy's addresses and its IPv6 router; waits for routers that are not there yet."""
    if "ipv4" not in facts:
        return
    wanted = (ROUTES4, ROUTES6) if facts.get("ipv6") else (ROUTES4,)
    for look in range(LOOKS):
        ways = {words: _ways_out(ask, words, interfaces) for words in wanted}
        if all(way is None or way for way in ways.values()):
            break
        if look + 1 < LOOKS:
            pause(1)
    yield from _of_ipv4(facts, ask, interfaces, ways[ROUTES4] or set())
    if ways.get(ROUTES6) == set():
        yield (
            f"no IPv6 router advertised itself, so {facts['ipv6']} leads nowhere: write gateway6 for this proxy, the "
            "router that the provider names (fe80::1 at many)"
        )


def _of_ipv4(facts: Mapping[str, Any], ask: Ask, interfaces: Collection[str], ways: Collection[str]) -> Iterator[str]:
    """An address in the place of the described one; beside a floating one, one that the provider translates to."""
    described = facts["ipv4"]
    cards = [(name, str(info.get("local"))) for name, info in _infos(ask)]
    others = [each for each in cards if _foreign(each[0], interfaces) and each[1] not in facts["addresses"]]
    if facts["floating"]:
        # Whatever else the card has is described.
        leased = [(card, local) for card, local in others if card in ways]
        if not any(_public(local) for _, local in leased):
            for card, local in [each for each in leased if _private(each[1])][:1]:
                yield (
                    f"DHCP gave this machine {local} ({card}), a private address, so the provider probably translates "
                    f"{described} to it (1:1 NAT): leave floating out for this proxy"
                )
    elif described not in (local for _, local in cards):
        for card, local in [each for each in others if _public(each[1])][:1]:
            yield (
                f"this machine has {local} ({card}), and {described} is on no card: write floating=True for this proxy "
                f'if the provider moves {described} to this machine, or ipv4="{local}" if that is its address'
            )


def _addresses(ask: Ask) -> Iterator[tuple[Network | None, str]]:
    for name, address in _infos(ask):
        # Where there is a peer (PPP), the length is that of its network, and ours is one address.
        peer = address.get("address")
        yield _network(f"{peer or address.get('local')}/{address.get('prefixlen')}"), name
        if peer:
            yield _network(str(address.get("local"))), name


def _infos(ask: Ask) -> list[tuple[str, dict[str, Any]]]:
    """Each interface's name with each of its addresses."""
    links = _listed(ask, ADDRESSES) or []
    return [(str(link.get("ifname")), info) for link in links for info in _dicts(link.get("addr_info"))]


def _routes(ask: Ask) -> Iterator[tuple[Network | None, str]]:
    for words in (ROUTES4, ROUTES6):
        for route in _listed(ask, words) or ():
            for interface in _interfaces(route)[:1]:
                yield _network(str(route.get("dst"))), interface


def _ways_out(ask: Ask, words: str, interfaces: Collection[str]) -> set[str] | None:
    """The cards of default routes; None where that is not known."""
    routes = _listed(ask, words)
    if routes is None:
        return None
    default = (route for route in routes if route.get("dst") == "default")
    return {card for route in default for card in _interfaces(route) if _foreign(card, interfaces)}


def _interfaces(route: Mapping[str, Any]) -> list[str]:
    """Where a route leads; nowhere where it is one that drops."""
    several = [hop.get("dev") for hop in (route, *_dicts(route.get("nexthops")))]
    return [str(name) for name in several if name] if route.get("type", "unicast") == "unicast" else []


def _listed(ask: Ask, words: str) -> Found | None:
    """What ip(8) lists; None where it says nothing that can be read."""
    try:
        found = json.loads(ask(words))
    except ValueError:
        return None
    listed = _dicts(found)
    return listed if listed == found else None


def _dicts(value: object) -> Found:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _foreign(interface: str, ours: Collection[str]) -> bool:
    return interface != "lo" and interface not in ours and not interface.startswith(DOCKER)


def _private(address: str) -> bool:
    network = _network(address)
    return isinstance(network, IPv4Network) and any(network.subnet_of(each) for each in PRIVATE)


def _public(address: str) -> bool:
    return isinstance(_network(address), IPv4Network) and not _private(address)


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None  # "default"


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _say(sentence: str) -> None:
    print(f"mailnix: {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
