"""Texts that every machine shares."""

from __future__ import annotations

from typing import Final

from mailnix.formats.text import Section

JOURNALD: Final[tuple[Section, ...]] = (("Journal", {"Storage": "persistent", "SystemMaxUse": "200M"}),)

# A machine on a busy host (an oversold VPS, an emulator) needs minutes for what systemd gives 90 seconds.
PATIENT: Final[tuple[Section, ...]] = (
    ("Manager", {"DefaultTimeoutStartSec": "15min", "DefaultDeviceTimeoutSec": "15min"}),
)

EVERY_BOOT: Final[tuple[Section, ...]] = (("Unit", {"ConditionNeedsUpdate": ""}),)

APT_PERIODIC: Final = """\
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
APT::Periodic::AutocleanInterval "7";
// Our configuration stays where a package brings a new one; else upgrades of that package would be held back.
Dpkg::Options { "--force-confdef"; "--force-confold"; };
"""
