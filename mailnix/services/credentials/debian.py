"""Credentials on Debian: units, their scripts, and the list of what this host needs."""

from __future__ import annotations

from mailnix.formats.debian_part import DebianPart, Follows, Verb, Wanted
from mailnix.formats.text import ini
from mailnix.plan import HostPlan, Plan
from mailnix.services.credentials import names
from mailnix.services.credentials.render import LIST, RULES, SCRIPT_NAMES, SHOW, names_text, rules, script, units
from mailnix.tree import File


def debian(_plan: Plan, host: HostPlan) -> DebianPart:
    """What takes, receives and awaits credentials, no credential itself; a sealed machine has no host key to show."""
    left_out = {names.SHOWN, SHOW} if host.sealed else set()
    wanted = (Wanted(names.SEED, by="sysinit.target"), Wanted(names.READY), Wanted(names.SHOWN))
    return DebianPart(
        packages=("ca-certificates",),
        entries=(
            *(File(f"/etc/systemd/system/{unit}", ini(units()[unit])) for unit in units() if unit not in left_out),
            *(
                File(f"{names.SCRIPTS}/{name}", script(name), mode=0o755)
                for name in SCRIPT_NAMES
                if name not in left_out
            ),
            File(LIST, names_text(host)),
            File(RULES, rules()),
        ),
        wanted=tuple(each for each in wanted if each.unit not in left_out),
        # All that needs a credential would restart with them; a template does not run, and udev starts one anew.
        follows=tuple(
            Follows(unit, path, Verb.AT_BOOT)
            for unit in units()
            if unit != names.LATE
            for path in (f"/etc/systemd/system/{unit}", *(f"{names.SCRIPTS}/{name}" for name in SCRIPT_NAMES))
        ),
    )
