"""What watches over the tunnel, as sections for Debian's unit files and for NixOS's `systemd.services` alike.

At boot both machines look whether the network around them is as described. The machine at home dials again where a
tunnel is down; a proxy lets a machine in again whose clock has gone back.
"""

from __future__ import annotations

import json
import math
from typing import Final

from attrs import frozen

from mailnix.formats.text import Section, data
from mailnix.model import wireguard
from mailnix.plan import HostPlan, InternalPlan, Plan, ProxyPlan, TunnelLink

SURROUNDINGS: Final = "mailnix-surroundings"
REDIAL: Final = "mailnix-redial"
READMIT: Final = "mailnix-readmit"

_WATCH: Final = data("wireguard/watch.toml")
LOOK: Final[int] = _WATCH["look"]
READMIT_AFTER: Final[int] = _WATCH["readmit_after"]
_HARDENING: Final = data("hardening.toml")
_CONSOLES: Final = data("consoles.toml")


@frozen
class Programs:
    """Where a system keeps what the units call."""

    surroundings: str
    redial: str
    readmit: str


def described_json(plan: Plan, host: HostPlan) -> str:
    """What a machine compares the network around it with: see guest/surroundings.py."""
    facts: dict[str, object] = {"networks": _networks(plan, host)}
    if isinstance(host, ProxyPlan):
        card = host.uplink
        facts |= {
            "ipv4": str(host.ipv4),
            "addresses": [str(each.ip) for each in card.addresses],
            # Beside DHCP no address is of its own but a floating one.
            "floating": card.dhcp and card.own4 is not None,
            "ipv6": str(host.ipv6) if host.ipv6 is not None and card.ra else None,
        }
    return json.dumps(facts, indent=2) + "\n"


def _networks(plan: Plan, host: HostPlan) -> list[dict[str, str]]:
    anew = "leave the tunnel's subnet out, and bring both machines up anew"
    match host:
        case ProxyPlan():
            write = f'write private_networks=["%s"] for this proxy, {anew}'
            docker = []
        case InternalPlan():
            write = f'write lan="%s" for the machine at home, {anew}'
            docker = [
                _ours(
                    host.docker_subnet, "Docker's", 'write lan="%s" for the machine at home; check then names another'
                ),
                _ours(host.docker_subnet6, "Docker's", "write another docker_subnet6 for the machine at home"),
            ]
    six = "write another subnet6 for the tunnel, and bring both machines up anew"
    tunnel = [_ours(plan.tunnel4, "the tunnel's", write), _ours(plan.tunnel6, "the tunnel's", six)]
    return [*tunnel, *docker]


def _ours(network: object, whose: str, write: str) -> dict[str, str]:
    return {"network": str(network), "whose": whose, "write": write}


def interfaces(host: HostPlan) -> tuple[str, ...]:
    """The machine's own ends of tunnels."""
    match host:
        case ProxyPlan():
            return (host.tunnel.proxy.interface,)
        case InternalPlan():
            return tuple(link.internal.interface for link in host.tunnels)


def dials(host: InternalPlan) -> str:
    """A line a tunnel: see templates/redial.sh."""
    return "".join(f"{_dial(link)}\n" for link in host.tunnels)


def _dial(link: TunnelLink) -> str:
    looks = math.ceil(wireguard.stale_after(link.keepalive) / LOOK)
    return f"{link.internal.interface} {link.over} {link.endpoint} {link.port} {looks}"


def surroundings_unit(programs: Programs) -> tuple[Section, ...]:
    """mailnix-surroundings.service: once a boot, when addresses are there, and for the consoles too.

    It waits for routers, and nothing for it: a service of the type oneshot would hold multi-user.target up.
    """
    return (
        (
            "Unit",
            {
                "Description": "Look whether the network around this machine is as described",
                "Wants": "network-online.target",
                "After": "network-online.target",
            },
        ),
        (
            "Service",
            {
                "Type": "exec",
                "RemainAfterExit": True,
                "ExecStart": programs.surroundings,
                **_CONSOLES,
                **_HARDENING["everything"],
                **_HARDENING[SURROUNDINGS],
            },
        ),
        ("Install", {"WantedBy": "multi-user.target"}),
    )


def redial_unit(programs: Programs) -> tuple[Section, ...]:
    """mailnix-redial.service."""
    return _watcher("Dial again where a tunnel is down", REDIAL, programs.redial)


def readmit_unit(programs: Programs) -> tuple[Section, ...]:
    """mailnix-readmit.service."""
    return _watcher("Let a machine in again whose clock has gone back", READMIT, programs.readmit)


def timer(what: str) -> tuple[Section, ...]:
    """The timer of a watcher."""
    return (
        ("Unit", {"Description": f"Run {what} every minute"}),
        ("Timer", {"OnBootSec": LOOK, "OnUnitInactiveSec": LOOK, "AccuracySec": 1}),
        ("Install", {"WantedBy": "timers.target"}),
    )


def _watcher(description: str, name: str, program: str) -> tuple[Section, ...]:
    return (
        ("Unit", {"Description": description}),
        (
            "Service",
            {
                "Type": "oneshot",
                "ExecStart": program,
                "RuntimeDirectory": name,
                "RuntimeDirectoryPreserve": True,
                "LogLevelMax": "notice",  # that it ran is no news
                "TimeoutStartSec": "5min",
                **_HARDENING["everything"],
                **_HARDENING["wireguard"],
            },
        ),
    )
