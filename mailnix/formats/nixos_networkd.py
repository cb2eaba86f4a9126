"""networkd's sections as values of NixOS's `systemd.network` options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mailnix.formats.nix import NixValue
from mailnix.formats.text import Section

_ONCE: Final = {
    "Match": "matchConfig",
    "Link": "linkConfig",
    "Network": "networkConfig",
    "DHCPv4": "dhcpV4Config",
    "DHCPv6": "dhcpV6Config",
    "IPv6AcceptRA": "ipv6AcceptRAConfig",
    "NetDev": "netdevConfig",
    "WireGuard": "wireguardConfig",
}
_MANY: Final = {
    "Address": "addresses",
    "Route": "routes",
    "RoutingPolicyRule": "routingPolicyRules",
    "WireGuardPeer": "wireguardPeers",
}


def unit(sections: Iterable[Section]) -> Mapping[str, NixValue]:
    """The sections of one .netdev or .network file, in their order; raises KeyError for one that has no option."""
    once: dict[str, NixValue] = {}
    many: dict[str, list[NixValue]] = {}
    for name, keys in sections:
        values = {key: _value(value) for key, value in keys.items() if value is not None}
        if name in _MANY:
            many.setdefault(_MANY[name], []).append(values)
            continue
        if addresses := values.pop("Address", None):
            once["address"] = addresses
        once[_ONCE[name]] = values
    return {**once, **many}


def _value(value: object) -> NixValue:
    if isinstance(value, bool | int):
        return value
    if isinstance(value, tuple | list):
        return [_value(item) for item in value]
    return str(value)
