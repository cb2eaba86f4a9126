"""Resolvers that are open to everybody: block lists refuse what comes through them."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Final

from mailnix.model.net import Address, Network

LOCAL: Final = "127.0.0.1"
"""Where a proxy's own resolver listens, for whoever names it."""

_PUBLIC: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ip_network(text), who)
    for who, texts in {
        "Google": "8.8.8.0/24 8.8.4.0/24 2001:4860:4860::/48",
        "Cloudflare": "1.1.1.0/24 1.0.0.0/24 2606:4700:4700::/48",
        "Quad9": "9.9.9.0/24 149.112.112.0/24 2620:fe::/48",
        "OpenDNS": "208.67.220.0/24 208.67.222.0/24 2620:119:35::/48 2620:119:53::/48 2620:0:ccc::/47",
        "AdGuard": "94.140.14.0/23 2a10:50c0::/48",
        "CleanBrowsing": "185.228.168.0/23 2a0d:2a00::/32",
        "Control D": "76.76.2.0/24 76.76.10.0/24 2606:1a40::/32",
        "DNS.WATCH": "84.200.69.80 84.200.70.40 2001:1608:10:25::/64",
        "DNS4EU": "86.54.11.0/24 2a13:1001::/32",
        "Hurricane Electric": "74.82.42.42 2001:470:20::2",
        "Level 3": "4.2.2.0/29 209.244.0.3 209.244.0.4",
        "Mullvad": "194.242.2.0/24 2a07:e340::/32",
        "NextDNS": "45.90.28.0/22 2a07:a8c0::/31",
        "UltraDNS": "64.6.64.6 64.6.65.6 156.154.70.0/23 2620:74:1b::/48 2610:a1:1018::/48 2610:a1:1019::/48",
        "Yandex": "77.88.8.0/24 2a02:6b8::feed:0/112",
        "AliDNS": "223.5.5.5 223.6.6.6 2400:3200::/32",
        "DNSPod": "119.29.29.29",
        "114DNS": "114.114.114.0/23",
    }.items()
    for text in texts.split()
)
"""By what their operators publish."""


def operator(address: Address) -> str | None:
    """Who runs this public resolver; None where it is none that we know."""
    return next((who for network, who in _PUBLIC if address in network), None)
