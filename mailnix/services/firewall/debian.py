"""The firewall on Debian: a unit of our own, because nftables.service flushes every table when it stops."""

from __future__ import annotations

from typing import Final

from mailnix.formats.debian_part import DebianPart, Wanted
from mailnix.formats.text import ini
from mailnix.plan import HostPlan, Plan
from mailnix.services.firewall.render import FAMILY, TABLE, script
from mailnix.tree import File

RULES: Final = "/etc/mailnix/firewall.nft"
UNIT: Final = "mailnix-firewall.service"


def debian(_plan: Plan, host: HostPlan) -> DebianPart:
    """The table, loaded before the network is up."""
    load = f"/usr/sbin/nft -f {RULES}"
    unit = ini(
        [
            (
                "Unit",
                {
                    "Description": "mailnix's firewall table",
                    "DefaultDependencies": False,
                    "Before": ("network-pre.target", "shutdown.target"),
                    "After": "local-fs.target",
                    "Wants": "network-pre.target",
                    "Conflicts": "shutdown.target",
                },
            ),
            (
                "Service",
                {
                    "Type": "oneshot",
                    "RemainAfterExit": True,
                    "ExecStart": load,
                    "ExecReload": load,
                    "ExecStop": f"/usr/sbin/nft delete table {FAMILY} {TABLE}",
                },
            ),
        ]
    )
    return DebianPart(
        packages=("nftables",),
        entries=(File(RULES, script(host)), File(f"/etc/systemd/system/{UNIT}", unit)),
        wanted=(Wanted(UNIT, by="sysinit.target"),),
        masked=("nftables.service",),
    )
