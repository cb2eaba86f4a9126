"""Debian's own packages: what its archive has newer ones of, and their upgrade, which does not go back.

dpkg installs an older package, and its scripts need not know how: Debian supports no way back. So this is no part of a
change of generations, but what unattended-upgrades does with security updates every day, for all of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from . import packages, state
from .packages import APT, INSTALL_AT_MOST
from .world import QUIET, Busy, Refused, World

UNIT = "mailnix-upgrade.service"
"""systemd runs it: a connection that is lost, by the upgrade itself perhaps, does not end it in the middle."""

UPGRADE = (*APT, "--with-new-pkgs", "upgrade")
"""Removes nothing: apt-get(8)."""

PLANNED = re.compile(r"Inst (?P<name>\S+)(?: \[(?P<old>[^]]+)\])? \((?P<new>\S+) ?(?P<origins>[^)]*)\)")
SECURITY = re.compile(r"-security\b", re.IGNORECASE)
NUMBERS = re.compile(r"(\d+)")
OURS = "mailnix-"


def upgrades(world: World) -> dict[str, Any]:
    """Packages that would be upgraded, or come with those (without an old version), and why a reboot is due, or ""."""
    _refuse_second(world)
    updated = packages.update(world)
    if updated.status != 0:
        raise Refused(f"Debian's archive does not answer: {updated.last}")
    return {"packages": [list(each) for each in _planned(world)], "reboot": reboot(world)}


def _planned(world: World) -> Iterator[tuple[str, str, str, bool]]:
    """Name, versions, whether Debian calls it a security update."""
    done = world.run([*UPGRADE, "--simulate"])
    if done.status != 0:
        raise Refused(f"apt cannot upgrade: {done.last}")
    for match in filter(None, map(PLANNED.match, done.output.splitlines())):
        security = SECURITY.search(match["origins"]) is not None
        yield match["name"], match["old"] or "", match["new"], security


def upgrade(world: World) -> dict[str, Any]:
    """Upgrade all of them, and wait for the end; raises Refused, Busy. What was begun goes on without us."""
    with state.lock(world):
        known = state.read(world)
        if known.pending:
            raise Busy(f"generation {known.pending.to} waits for its confirmation")
        found = upgrades(world)
        if ours := [name for name, *_ in found["packages"] if name.startswith(OURS)]:
            raise Refused(f"an archive of yours has {', '.join(ours)}: go on with that one, apt-get upgrade")
        if left := packages.unsettled(world):
            raise Refused(f"dpkg was interrupted before (dpkg --configure -a): {left}")
        environment = [f"--setenv={name}={value}" for name, value in QUIET.items()]
        options = ["--wait", "--collect", "--quiet", "--service-type=oneshot", f"--unit={UNIT}", *environment]
        done = world.run(["systemd-run", *options, *UPGRADE], within=INSTALL_AT_MOST)
        if done.status != 0:
            said = world.run(["journalctl", f"--unit={UNIT}", "--boot", "--lines=40", "--output=cat", "--no-pager"])
            raise Refused(f"Debian's packages were not upgraded: {said.last}")
    return {**found, "reboot": reboot(world)}


def _refuse_second(world: World) -> None:
    if world.run(["systemctl", "is-active", UNIT]).output.strip() in ("active", "activating"):
        raise Busy(f"an upgrade is under way: journalctl --follow --unit {UNIT}")


def reboot(world: World, running: str | None = None) -> str:
    """Why the machine wants to be started anew; empty where it does not. `running` is the kernel that does."""
    if (world.root / "run/reboot-required").exists():
        return "a package asks for it"
    now = running or os.uname().release
    kernels = [path.name.removeprefix("vmlinuz-") for path in (world.root / "boot").glob("vmlinuz-*")]
    newest = max(kernels, key=_in_order, default=now)
    return f"it runs Linux {now}, and has {newest}" if now in kernels and newest != now else ""


def _in_order(version: str) -> list[tuple[int, str]]:
    """So that 6.12.9 comes before 6.12.48."""
    return [(int(each), "") if each.isdigit() else (0, each) for each in NUMBERS.split(version)]
