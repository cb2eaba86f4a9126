#!/usr/bin/python3
"""Say which networks this machine is in that overlap ours, and what to write in the description.

Usage: overlaps NETWORKS INTERFACE...

NETWORKS is a JSON list of ours: each with its "network", "whose" it is, and what to "write" (%s is the other network).
The interfaces are ours; Docker's are left out, too. Changes nothing and never fails: who can be helped is a reader.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

Network = IPv4Network | IPv6Network
Ask = Callable[[str], str]

ADDRESSES = "address show"
ROUTES4, ROUTES6 = "-4 route show table main", "-6 route show table main"
DOCKER = ("docker0", "br-", "veth")
WARNING = "<4>"  # sd-daemon(3)


def main(networks: str, *interfaces: str) -> int:
    """Print a sentence for each overlap."""
    ours = json.loads(Path(networks).read_text("utf-8"))
    for sentence in sentences(ours, surroundings(ip, interfaces)):
        print(f"{WARNING}mailnix: {sentence}")
    return 0


def ip(words: str) -> str:
    """What ip(8) says as JSON, "[]" where it fails."""
    done = subprocess.run(["ip", "-json", *words.split()], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout.strip() or "[]"


def surroundings(ask: Ask, interfaces: Collection[str]) -> dict[Network, str]:
    """Each network that the machine has an address in or a route to → the interface; not the whole internet."""
    found: dict[Network, str] = {}
    for network, interface in (*_addresses(ask), *_routes(ask)):
        foreign = interface != "lo" and interface not in interfaces and not interface.startswith(DOCKER)
        if foreign and network is not None and network.prefixlen:
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


def _addresses(ask: Ask) -> Iterator[tuple[Network | None, str]]:
    for link in json.loads(ask(ADDRESSES)):
        for address in link.get("addr_info", ()):
            # Where there is a peer (PPP), the length is that of its network, and ours is one address.
            peer = address.get("address")
            yield _network(f"{peer or address.get('local')}/{address.get('prefixlen')}"), link.get("ifname", "")
            if peer:
                yield _network(str(address.get("local"))), link.get("ifname", "")


def _routes(ask: Ask) -> Iterator[tuple[Network | None, str]]:
    for route in (*json.loads(ask(ROUTES4)), *json.loads(ask(ROUTES6))):
        several: list[Any] = route.get("nexthops", [])
        interface = route.get("dev") or next((hop.get("dev") for hop in several), None)
        if interface and route.get("type", "unicast") == "unicast":
            yield _network(str(route.get("dst"))), interface


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None  # "default"


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
