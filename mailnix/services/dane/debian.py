"""A key of a proxy's own on Debian."""

from __future__ import annotations

from typing import Final

from mailnix.formats.debian_part import DebianPart, Follows, Wanted
from mailnix.formats.text import ini, template
from mailnix.plan import Plan, ProxyPlan
from mailnix.services.dane import render
from mailnix.services.dane.values import RENEW, SHOW, USER
from mailnix.tree import File

PROGRAM: Final = "/usr/lib/mailnix/mailnix-dane"
SETTINGS: Final = "/etc/mailnix/dehydrated.conf"
USERS: Final = "/usr/lib/sysusers.d/mailnix-dane.conf"


def debian(plan: Plan, host: ProxyPlan) -> DebianPart:
    """What shows the key and gets certificates for it; nothing where the description does not ask for it."""
    if not host.dane:
        return DebianPart()
    units = {
        f"{SHOW}.service": render.show_unit(PROGRAM, host),
        f"{RENEW}.service": render.renew_unit(PROGRAM, SETTINGS, host),
        f"{RENEW}.timer": render.renew_timer(),
    }
    return DebianPart(
        packages=("dehydrated", "openssl"),
        entries=(
            *(File(f"/etc/systemd/system/{name}", ini(sections)) for name, sections in units.items()),
            File(PROGRAM, template(render.SERVICE, render.SCRIPT), mode=0o755),
            File(SETTINGS, render.client(plan)),
            File(USERS, f'u {USER} - "Certificate for incoming mail" - -\n'),
        ),
        wanted=(Wanted(f"{SHOW}.service"), Wanted(f"{RENEW}.timer", "timers.target")),
        follows=(Follows("systemd-sysusers.service", USERS),),
    )
