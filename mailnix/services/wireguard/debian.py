"""WireGuard on Debian: networkd's files."""

from __future__ import annotations

from mailnix.formats.debian_part import DebianPart
from mailnix.plan import HostPlan, Plan
from mailnix.services.wireguard.render import tunnels
from mailnix.tree import File


def debian(_plan: Plan, host: HostPlan) -> DebianPart:
    """The .netdev and .network files of each tunnel; `wg` for people who look."""
    files = (
        File(f"/etc/systemd/network/{name}", text) for units in tunnels(host) for name, text in units.texts().items()
    )
    return DebianPart(packages=("wireguard-tools",), entries=tuple(files))
