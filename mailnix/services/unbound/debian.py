"""unbound on Debian: the package's own unit and trust anchor, with our settings."""

from __future__ import annotations

from typing import Final

from mailnix.formats.debian_part import DebianPart, Follows, Wanted
from mailnix.formats.text import Section, data, ini
from mailnix.plan import Plan, ProxyPlan
from mailnix.services.unbound.render import MEMORY_MAX, SERVICE, server, text
from mailnix.tree import File

CONFIG: Final = "/etc/unbound/unbound.conf.d/mailnix.conf"
_HARDENING: Final = data("hardening.toml")
UNIT: Final[tuple[Section, ...]] = (
    ("Unit", {"StartLimitIntervalSec": 0}),
    (
        "Service",
        {
            "MemoryMax": MEMORY_MAX,
            "Restart": "on-failure",
            "RestartSec": 5,
            **_HARDENING["everything"],
            **_HARDENING["unbound"],
        },
    ),
)


def debian(_plan: Plan, host: ProxyPlan) -> DebianPart:
    """Its settings, and what the package's unit lacks."""
    return DebianPart(
        packages=(
            "dns-root-data",  # the root's trust anchor, which the package's unit puts in place
            "unbound",
        ),
        entries=(
            File(CONFIG, text(server(host))),
            File(f"/etc/systemd/system/{SERVICE}.d/mailnix.conf", ini(UNIT)),
        ),
        packaged=(Wanted(SERVICE),),
        follows=(Follows(SERVICE, CONFIG),),
        masked=("unbound-resolvconf.service",),  # the machine's own resolver stays
    )
