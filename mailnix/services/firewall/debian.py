"""The firewall on Debian: a unit of our own, because nftables.service flushes every table when it stops."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Final

from mailnix.formats.debian_part import DebianPart, Follows, Verb, Wanted
from mailnix.formats.text import ini
from mailnix.plan import HostPlan, Plan, ProxyPlan
from mailnix.services.credentials import names
from mailnix.services.firewall import units
from mailnix.services.firewall.render import FAMILY, TABLE, script
from mailnix.tree import File

RULES: Final = "/etc/mailnix/firewall.nft"
UNIT: Final = "mailnix-firewall.service"
TAKE_BANS: Final = f"{names.SCRIPTS}/take-bans"


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
    bans = tuple(_bans(host)) if isinstance(host, ProxyPlan) else ()
    socket = (Wanted(f"{units.BANS}.socket", by="sockets.target"),) if bans else ()
    return DebianPart(
        packages=("nftables",),
        entries=(File(RULES, script(host)), File(f"/etc/systemd/system/{UNIT}", unit), *bans),
        wanted=(Wanted(UNIT, by="sysinit.target"), *socket),
        masked=("nftables.service",),
        # Never stopped: a change of the unit reaches the machine at its next boot.
        follows=(Follows(UNIT, RULES, Verb.RELOAD), Follows(UNIT, f"/etc/systemd/system/{UNIT}", Verb.RELOAD)),
    )


def _bans(host: ProxyPlan) -> Iterator[File]:
    """Python, for the program, is on every machine: unattended-upgrades is made of it."""
    text = (files("mailnix.services.firewall") / "guest" / "bans.py").read_text("utf-8")
    yield File(TAKE_BANS, text, mode=0o755)
    yield File(f"/etc/systemd/system/{units.BANS}.socket", ini(units.bans_socket(host)))
    program = f"{TAKE_BANS} {host.tunnel.proxy.interface}"
    yield File(f"/etc/systemd/system/{units.BANS}@.service", ini(units.bans_unit(program)))
