"""Tunnel addresses, interface names and marks: stable by a machine's name, whatever order the proxies stand in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from typing import Final

INTERNAL_OFFSET: Final = 2
_USABLE_MAX: Final = 253
MARK_BASE: Final = 0x6D00  # 'm'; the low byte is the proxy's offset
TABLE_BASE: Final = 27900  # routing tables, out of the way of what people number by hand
INTERFACE_MAX: Final = 15  # IFNAMSIZ - 1

# Chosen so that a proxy called "proxy", as in every example, gets the first address of the subnet.
_SALT: Final = "mailnix-170:"


def _wanted(name: str, slots: int) -> int:
    digest = hashlib.sha256((_SALT + name).encode()).digest()
    return int.from_bytes(digest[:8], "big") % slots


def offsets(names: Iterable[str], subnet: IPv4Network) -> Mapping[str, int]:
    """Host numbers within the tunnel subnet for proxies.

    Each name hashes to a wanted number; where two want the same, the alphabetically later one takes the next free.
    """
    free = [n for n in range(1, min(subnet.num_addresses - 1, _USABLE_MAX + 1)) if n != INTERNAL_OFFSET]
    taken: dict[str, int] = {}
    for name in sorted(set(names)):
        start = _wanted(name, len(free))
        for step in range(len(free)):
            number = free[(start + step) % len(free)]
            if number not in taken.values():
                taken[name] = number
                break
    return taken


def interface(proxy: str) -> str:
    """The internal host's interface for the tunnel to `proxy`; long names are cut and told apart by a digest."""
    name = f"wg-{proxy}"
    if len(name) <= INTERFACE_MAX:
        return name
    return f"{name[: INTERFACE_MAX - 5]}-{hashlib.sha256(proxy.encode()).hexdigest()[:4]}"
