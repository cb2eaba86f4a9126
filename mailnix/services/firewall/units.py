"""How a proxy takes the list of whom Mailcow has banned, as sections for Debian's unit files and for NixOS alike.

systemd listens on the tunnel's address and starts a program for each list: nothing runs in between.
"""

from __future__ import annotations

from typing import Final

from mailnix.formats.text import Section, data
from mailnix.model import ports
from mailnix.plan import ProxyPlan

BANS: Final = "mailnix-bans"
LIMITS: Final[dict[str, str | int]] = {"MaxConnections": 4, "TriggerLimitIntervalSec": 0}
"""However often somebody connects, the socket stays: systemd would give it up after 200 times in two seconds."""
_HARDENING: Final = data("hardening.toml")


def listens(host: ProxyPlan) -> str:
    """Where the machine at home hands the list to."""
    return f"{host.tunnel.proxy.ipv4}:{ports.BANS}"


def bans_socket(host: ProxyPlan) -> tuple[Section, ...]:
    """mailnix-bans.socket: bound before the tunnel is there."""
    return (
        ("Unit", {"Description": "The list of whom Mailcow has banned"}),
        ("Socket", {"ListenStream": listens(host), "FreeBind": True, "Accept": True, **LIMITS}),
        ("Install", {"WantedBy": "sockets.target"}),
    )


def bans_unit(program: str) -> tuple[Section, ...]:
    """mailnix-bans@.service: one list."""
    return (
        ("Unit", {"Description": "Take the list of whom Mailcow has banned", "CollectMode": "inactive-or-failed"}),
        (
            "Service",
            {
                "ExecStart": program,
                "StandardInput": "socket",
                "StandardOutput": "journal",
                "StandardError": "journal",
                "RuntimeMaxSec": 30,
                "LogLevelMax": "notice",  # that it ran is no news
                **_HARDENING["everything"],
                **_HARDENING["wireguard"],
            },
        ),
    )
