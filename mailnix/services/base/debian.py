"""Logs, time and security updates on Debian."""

from __future__ import annotations

from typing import Final

from mailnix.formats.debian_part import DebianPart, Follows
from mailnix.formats.text import ini
from mailnix.plan import HostPlan, Plan
from mailnix.services.base.render import APT_PERIODIC, EVERY_BOOT, JOURNALD, PATIENT
from mailnix.tree import File, Link

# Our files are written into a finished image, so /usr looks no newer than /etc, and users of services would never be
# made: look at every boot.
SYSUSERS = File("/etc/systemd/system/systemd-sysusers.service.d/mailnix.conf", ini(EVERY_BOOT))
UPGRADES: Final = "/etc/apt/apt.conf.d/20auto-upgrades"
LOCALTIME: Final = "/etc/localtime"
TIMEOUTS = File("/etc/systemd/system.conf.d/mailnix.conf", ini(PATIENT))


def debian(plan: Plan, _host: HostPlan) -> DebianPart:
    """journald's bounds, unattended upgrades (security only, Debian's default origins), time zone."""
    return DebianPart(
        packages=("systemd-timesyncd", "unattended-upgrades", "qemu-guest-agent", "ca-certificates"),
        entries=(
            SYSUSERS,
            TIMEOUTS,
            File("/etc/systemd/journald.conf.d/mailnix.conf", ini(JOURNALD)),
            File(UPGRADES, APT_PERIODIC),
            Link(LOCALTIME, f"/usr/share/zoneinfo/{plan.topology.timezone}"),
        ),
        enabled=("systemd-timesyncd.service",),
        follows=(Follows("systemd-journald.service", "/etc/systemd/journald.conf.d/"),),
    )
