"""Every directive that our modules and emitted machines give NixOS, in the words of the program that reads it.

What is an option of NixOS's own (`after`, `wantedBy`) is NixOS's to write rightly; free-form sets go to the program as
they are, under the names in `FREE_FORM`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from tests.versions.emitted import Directives

UNIT: Final = {
    "serviceConfig": "Service",
    "unitConfig": "Unit",
    "timerConfig": "Timer",
    "pathConfig": "Path",
    "socketConfig": "Socket",
    "mountConfig": "Mount",
}
LIMITS: Final = {"startLimitIntervalSec": "Unit.StartLimitIntervalSec", "startLimitBurst": "Unit.StartLimitBurst"}
NETWORK: Final = {
    "matchConfig": "Match",
    "linkConfig": "Link",
    "networkConfig": "Network",
    "dhcpV4Config": "DHCPv4",
    "dhcpV6Config": "DHCPv6",
    "ipv6AcceptRAConfig": "IPv6AcceptRA",
    "netdevConfig": "NetDev",
    "wireguardConfig": "WireGuard",
    "wireguardPeers": "WireGuardPeer",
    "addresses": "Address",
    "routes": "Route",
    "routingPolicyRules": "RoutingPolicyRule",
}
FREE_FORM: Final = {
    "services.openssh.settings": "sshd",
    "services.unbound.settings": "unbound",
    "virtualisation.docker.daemon.settings": "dockerd",
    "boot.kernel.sysctl": "sysctl",
}


def defined(definitions: Iterable[Mapping[str, Any]]) -> Directives:
    """From definitions as the stand-in for NixOS's module system gives them: `path` and `value`."""
    found: Directives = {}
    for each in definitions:
        for program, name in _of(each["path"], each["value"]):
            found.setdefault(program, set()).add(name)
    return found


def _of(path: Sequence[str], value: object) -> Iterator[tuple[str, str]]:
    match path:
        case ["systemd", "services" | "timers" | "paths" | "sockets" | "mounts", _, kind, *rest] if kind in UNIT:
            yield from (("systemd", f"{UNIT[kind]}.{key}") for key in _keys(rest, value))
        case ["systemd", "services", _, kind] if kind in LIMITS:
            yield "systemd", LIMITS[kind]
        case ["systemd", "settings", section, *rest]:
            yield from (("systemd", f"{section}.{key}") for key in _keys(rest, value))
        case ["systemd", "network", "config", kind, *rest] if kind in NETWORK:
            yield from (("systemd-networkd", f"{NETWORK[kind]}.{key}") for key in _keys(rest, value))
        case ["systemd", "network", "networks" | "netdevs", _, kind, *rest] if kind in NETWORK:
            yield from (("systemd-networkd", f"{NETWORK[kind]}.{key}") for key in _keys(rest, value))
        case _:
            yield from _free(path, value)


def _free(path: Sequence[str], value: object) -> Iterator[tuple[str, str]]:
    """Whole settings of a program; sysctls and sections have dots in their names."""
    name = ".".join(path)
    for start, program in FREE_FORM.items():
        if name == start and isinstance(value, dict):
            yield from ((program, key) for key in value)
        elif name.startswith(f"{start}."):
            yield program, re.sub(r"^\"|\"$", "", name.removeprefix(f"{start}."))


def _keys(rest: Sequence[str], value: object) -> Iterable[str]:
    if rest:
        return rest[:1]
    each = value if isinstance(value, list) else [value]
    return {key for item in each if isinstance(item, dict) for key in item}
