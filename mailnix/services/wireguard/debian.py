"""WireGuard on Debian: networkd's files, and what watches over the tunnel."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Final

from mailnix.formats.debian_part import DebianPart, Follows, Wanted
from mailnix.formats.text import ini, template
from mailnix.plan import HostPlan, InternalPlan, Plan
from mailnix.services.credentials import names
from mailnix.services.wireguard import units
from mailnix.services.wireguard.render import tunnels
from mailnix.tree import File

DESCRIBED: Final = "/etc/mailnix/surroundings.json"
TUNNELS: Final = "/etc/mailnix/tunnels"
SEE_SURROUNDINGS: Final = f"{names.SCRIPTS}/see-surroundings"
_UNITS: Final = "/etc/systemd/system"


def debian(plan: Plan, host: HostPlan) -> DebianPart:
    """The .netdev and .network files of each tunnel, `wg`, and units that call it.

    Python, for one of the programs, is on every machine: unattended-upgrades is made of it.
    """
    networkd = (
        File(f"/etc/systemd/network/{name}", text) for units in tunnels(host) for name, text in units.texts().items()
    )
    watcher = units.REDIAL if isinstance(host, InternalPlan) else units.READMIT
    return DebianPart(
        packages=("wireguard-tools",),
        entries=(*networkd, *_surroundings(plan, host), *_watcher(host, watcher)),
        wanted=(Wanted(f"{units.SURROUNDINGS}.service"), Wanted(f"{watcher}.timer", "timers.target")),
        follows=(Follows(f"{units.SURROUNDINGS}.service", DESCRIBED),),
    )


def programs(host: HostPlan) -> units.Programs:
    """The words that each unit starts."""
    ours = " ".join(units.interfaces(host))
    return units.Programs(
        surroundings=f"{SEE_SURROUNDINGS} {DESCRIBED} {ours}",
        redial=f"{names.SCRIPTS}/redial {TUNNELS} /run/{units.REDIAL}",
        readmit=f"{names.SCRIPTS}/readmit {ours} {units.READMIT_AFTER} /run/{units.READMIT}",
    )


def _surroundings(plan: Plan, host: HostPlan) -> Iterator[File]:
    program = files("mailnix.services.wireguard") / "guest" / "surroundings.py"
    yield File(SEE_SURROUNDINGS, program.read_text("utf-8"), mode=0o755)
    yield File(DESCRIBED, units.described_json(plan, host))
    yield File(f"{_UNITS}/{units.SURROUNDINGS}.service", ini(units.surroundings_unit(programs(host))))


def _watcher(host: HostPlan, name: str) -> Iterator[File]:
    made = units.redial_unit if isinstance(host, InternalPlan) else units.readmit_unit
    script = name.removeprefix("mailnix-")
    yield File(f"{names.SCRIPTS}/{script}", template("wireguard", f"{script}.sh"), mode=0o755)
    if isinstance(host, InternalPlan):
        yield File(TUNNELS, units.dials(host))
    yield File(f"{_UNITS}/{name}.service", ini(made(programs(host))))
    yield File(f"{_UNITS}/{name}.timer", ini(units.timer(name)))
