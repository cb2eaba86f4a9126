"""The tunnels as networkd's own sections, for Debian's ini files and for NixOS's `systemd.network` alike.

Keys are credentials (`@name`, systemd.netdev(5) since 256), public ones too: no key stands in a file, and rotating
them needs no new image.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from mailnix.formats.text import Section, ini
from mailnix.plan import HostPlan, InternalPlan, ProxyPlan, TunnelEnd, TunnelLink

ANYWHERE: Final = ("0.0.0.0/0", "::/0")
PREFIX: Final = 50  # the number that networkd sorts our files by
RULE_PRIORITY: Final = 100  # before the main table


@frozen
class TunnelUnits:
    """One interface: networkd's .netdev and .network, section by section."""

    interface: str
    netdev: tuple[Section, ...]
    network: tuple[Section, ...]

    @property
    def file_stem(self) -> str:
        """The files' name without its ending."""
        return f"{PREFIX}-{self.interface}"

    def texts(self) -> Mapping[str, str]:
        """File name → text, as networkd reads it."""
        return {f"{self.file_stem}.netdev": ini(self.netdev), f"{self.file_stem}.network": ini(self.network)}


def tunnels(host: HostPlan) -> tuple[TunnelUnits, ...]:
    """Every WireGuard interface of a host."""
    match host:
        case ProxyPlan():
            return (_proxy_end(host.tunnel),)
        case InternalPlan():
            return tuple(_internal_end(link) for link in host.tunnels)


def _proxy_end(link: TunnelLink) -> TunnelUnits:
    peer = link.internal
    return TunnelUnits(
        link.proxy.interface,
        _netdev(link, link.proxy, {"ListenPort": link.port}, {"AllowedIPs": (f"{peer.ipv4}/32", f"{peer.ipv6}/128")}),
        (
            *_addresses(link.proxy),
            ("Route", {"Destination": f"{peer.ipv4}/32"}),
            ("Route", {"Destination": f"{peer.ipv6}/128"}),
        ),
    )


def _internal_end(link: TunnelLink) -> TunnelUnits:
    """Clients' packets come with their own source addresses: so any address is allowed from the peer, while only marked
    answers leave this way (domain facts A7)."""
    peer = link.proxy
    dial = {
        "AllowedIPs": ANYWHERE,
        "Endpoint": link.dialled,
        "PersistentKeepalive": link.keepalive,
    }
    return TunnelUnits(
        link.internal.interface,
        _netdev(link, link.internal, {}, dial),
        (
            *_addresses(link.internal, {"IPv4ReversePathFilter": "loose"}),
            ("Route", {"Destination": f"{peer.ipv4}/32"}),
            ("Route", {"Destination": f"{peer.ipv6}/128"}),
            *(("Route", {"Destination": anywhere, "Table": link.table}) for anywhere in ANYWHERE),
            (
                "RoutingPolicyRule",
                {"FirewallMark": link.mark, "Table": link.table, "Priority": RULE_PRIORITY, "Family": "both"},
            ),
        ),
    )


def _netdev(
    link: TunnelLink, end: TunnelEnd, wireguard: Mapping[str, object], peer: Mapping[str, object]
) -> tuple[Section, ...]:
    return (
        ("NetDev", {"Name": end.interface, "Kind": "wireguard", "MTUBytes": link.mtu}),
        ("WireGuard", {"PrivateKey": f"@{end.private_key}", **wireguard}),
        (
            "WireGuardPeer",
            {"PublicKey": f"@{end.peer_public_key}", "PresharedKey": f"@{end.preshared_key}", **peer},
        ),
    )


def _addresses(end: TunnelEnd, network: Mapping[str, object] | None = None) -> tuple[Section, ...]:
    return (
        ("Match", {"Name": end.interface}),
        (
            "Network",
            {
                "Address": (f"{end.ipv4}/32", f"{end.ipv6}/128"),
                "IPv6AcceptRA": False,
                "LinkLocalAddressing": "no",
                "ConfigureWithoutCarrier": True,
                **(network or {}),
            },
        ),
        ("Link", {"RequiredForOnline": False}),
    )
