"""sshd's settings, for both systems (names as in sshd_config(5)), and who has no use for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailnix.model import ports
from mailnix.model.ssh_keys import RSA_BITS_MIN
from mailnix.plan import HostPlan, InternalPlan, ProxyPlan

Settings = Mapping[str, bool | int | str]

# Keys only, so nobody guesses, and MaxAuthTries stays at its 6: each key of an agent is a try, the right one among
# them.
COMMON: Final[Settings] = {
    "PasswordAuthentication": False,
    "KbdInteractiveAuthentication": False,
    "PermitRootLogin": "prohibit-password",
    "X11Forwarding": False,
    "RequiredRSASize": RSA_BITS_MIN,
}


def settings(host: HostPlan) -> Settings:
    """One machine's; it listens on every address, so it waits for no tunnel, and the firewall says who reaches it."""
    match host:
        case ProxyPlan():
            return {**COMMON, **_jump_host(host)}
        case InternalPlan():
            return COMMON


def _jump_host(proxy: ProxyPlan) -> Settings:
    """A proxy hands bytes on, to the machine at home and nowhere else, and gets no hold of anybody's agent."""
    home = proxy.tunnel.internal.ipv4
    return {
        "AllowAgentForwarding": False,
        "AllowStreamLocalForwarding": False,
        "AllowTcpForwarding": "local",
        "PermitOpen": f"{home}:{ports.SSH} {home}:{ports.MAILCOW_HTTP}",
    }
