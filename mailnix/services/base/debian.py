"""Logs, time and security updates on Debian."""

from __future__ import annotations

from mailnix.debian.parts import DebianPart
from mailnix.plan import HostPlan, Plan
from mailnix.services.base.render import APT_PERIODIC, JOURNALD
from mailnix.services.text import ini
from mailnix.tree import File, Link


def debian(plan: Plan, _host: HostPlan) -> DebianPart:
    """journald's bounds, unattended upgrades (security only, Debian's default origins), time zone."""
    return DebianPart(
        packages=("systemd-timesyncd", "unattended-upgrades", "qemu-guest-agent", "ca-certificates"),
        entries=(
            File("/etc/systemd/journald.conf.d/mailnix.conf", ini(JOURNALD)),
            File("/etc/apt/apt.conf.d/20auto-upgrades", APT_PERIODIC),
            Link("/etc/localtime", f"/usr/share/zoneinfo/{plan.topology.timezone}"),
        ),
    )
