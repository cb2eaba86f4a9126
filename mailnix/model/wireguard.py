"""WireGuard's numbers, as its white paper and kernel have them: what a packet costs, when a session is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailnix.model.topology import Family

OVERHEAD: Final[Mapping[Family, int]] = {Family.IPV4: 60, Family.IPV6: 80}
"""Bytes around each packet: 20 or 40 of IP, 8 of UDP, 32 of WireGuard (wg-quick(8) reckons with 80)."""

ETHERNET: Final = 1500  # bytes; most links' MTU

REKEY_AFTER: Final = 120  # seconds; the initiator then makes the next handshake, when it has something to send
REKEY_TIMEOUT: Final = 5  # seconds between attempts
REJECT_AFTER: Final = 180  # seconds; older sessions carry nothing


def mtu(link: int, over: Family) -> int:
    """The tunnel's MTU on a path that carries packets of `link` bytes."""
    return link - OVERHEAD[over]


def stale_after(keepalive: int) -> int:
    """Seconds after which a missing handshake means that the tunnel is down, not idle.

    With something to send every `keepalive` seconds, the end that dials out makes one at the next occasion after
    REKEY_AFTER; two attempts more may be lost on the way.
    """
    return max(REJECT_AFTER, REKEY_AFTER + keepalive + 2 * REKEY_TIMEOUT)
