"""Caddy on Debian."""

from __future__ import annotations

from typing import Final

from mailnix.formats.debian_part import DebianPart, Follows, Verb, Wanted
from mailnix.formats.text import Section, data, ini
from mailnix.plan import Plan, ProxyPlan
from mailnix.services.caddy.render import caddyfile
from mailnix.tree import File

STORAGE: Final = "/var/lib/caddy/.local/share/caddy"
CONFIG: Final = "/etc/caddy/Caddyfile"

HARDENING: Final[tuple[Section, ...]] = (
    ("Unit", {"StartLimitIntervalSec": 0}),
    (
        "Service",
        {
            "Restart": "on-failure",
            "RestartSec": 5,
            **data("hardening.toml")["caddy"],
        },
    ),
)


def debian(plan: Plan, host: ProxyPlan) -> DebianPart:
    """The Caddyfile, and what the package's unit lacks."""
    return DebianPart(
        packages=("caddy",),
        entries=(
            File(CONFIG, caddyfile(plan, host)),
            File("/etc/systemd/system/caddy.service.d/mailnix.conf", ini(HARDENING)),
        ),
        packaged=(Wanted("caddy.service"),),
        follows=(Follows("caddy.service", CONFIG, Verb.RELOAD),),
    )
