"""The machines themselves: every unit well, every secret at home."""

from __future__ import annotations

import json

from mailnix.lab.scenario.evidence import require
from mailnix.lab.scenario.scene import DELIVERY, Scene

BOOTED = 900.0  # seconds; containers start slowly in emulation


def no_unit_has_failed(scene: Scene) -> str:
    """No unit has failed on any of the plan's machines."""
    for host in scene.plan.hosts:
        guest = scene.guest(host.name)
        # Units that start now may yet fail: wait until systemd has nothing left to do.
        guest.execute("systemctl is-system-running --wait", timeout=BOOTED)
        failed = json.loads(guest.succeed("systemctl list-units --failed --output=json --no-pager"))
        names = [unit["unit"] for unit in failed]
        require(not names, f"{host.name}: failed units", ", ".join(names))
    return ", ".join(f"{host.name}: none" for host in scene.plan.hosts)


def clocks_are_synchronised(scene: Scene, patience: float = DELIVERY) -> str:
    """Every machine has set its clock by a time server: DKIM, TLS and one-time passwords need the right time."""
    return ", ".join(f"{host.name}: by {_time_server(scene, host.name, patience)}" for host in scene.plan.hosts)


def _time_server(scene: Scene, machine: str, patience: float) -> str:
    guest = scene.guest(machine)
    asked = "timedatectl show --property=NTPSynchronized --value"
    scene.wait_for(f"{machine} to set its clock", lambda: guest.succeed(asked).strip() == "yes", patience)
    return guest.succeed("timedatectl show-timesync --property=ServerName --value").strip()


def home_secrets_stay_home(scene: Scene) -> str:
    """No secret that belongs to the internal host stands on a proxy's disk."""
    owner = scene.plan.internal.name
    at_home = scene.disks.foreign_secrets(owner, owner)
    require(at_home, "the search does not even find them at home, so it shows nothing")
    for proxy in scene.plan.proxies:
        found = scene.disks.foreign_secrets(proxy.name, owner)
        require(not found, f"secrets of {owner} on the disk of {proxy.name}", ", ".join(found))
    return f"{len(at_home)} secrets of {owner} looked for on {', '.join(p.name for p in scene.plan.proxies)}"
