"""Credentials on Debian: two units, three scripts, and the list of what this host needs."""

from __future__ import annotations

from mailnix.formats.debian_part import DebianPart, Wanted
from mailnix.formats.text import ini
from mailnix.plan import HostPlan, Plan
from mailnix.services.credentials import names
from mailnix.services.credentials.render import LIST, SCRIPT_NAMES, names_text, script, units
from mailnix.tree import File


def debian(_plan: Plan, host: HostPlan) -> DebianPart:
    """What takes, receives and waits for credentials; no credential itself."""
    return DebianPart(
        packages=("ca-certificates",),
        entries=(
            *(File(f"/etc/systemd/system/{unit}", ini(sections)) for unit, sections in units().items()),
            *(File(f"{names.SCRIPTS}/{name}", script(name), mode=0o755) for name in SCRIPT_NAMES),
            File(LIST, names_text(host)),
        ),
        wanted=(Wanted(names.SEED, by="sysinit.target"), Wanted(names.READY)),
    )
