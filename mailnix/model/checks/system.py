"""The system as a whole: its name and version, its time zone."""

from __future__ import annotations

import re
import zoneinfo
from typing import Final

from mailnix.model.checks.found import Found
from mailnix.model.names import host_problem
from mailnix.model.topology import SCHEMA_VERSION, Topology

_ZONE: Final = re.compile(r"[A-Za-z]+([/_+-][A-Za-z0-9_+-]+)*")
_A_ZONE: Final = "Europe/Berlin"


def check(topology: Topology, found: Found) -> None:
    """Check what belongs to no single machine or domain."""
    _hostname(topology, found)
    _version(topology, found)
    _timezone(topology, found)


def _hostname(topology: Topology, found: Found) -> None:
    problem = host_problem(topology.hostname)
    if problem is not None:
        found.error("hostname", problem, "write the name that clients connect to, such as mail.example.org")


def _version(topology: Topology, found: Found) -> None:
    if isinstance(topology.version, int) and topology.version != SCHEMA_VERSION:
        message = f"{topology.version} is not a version that this mailnix reads (it reads {SCHEMA_VERSION})"
        hint = "install a newer mailnix" if topology.version > SCHEMA_VERSION else "leave version out"
        found.error("version", message, hint)


def _timezone(topology: Topology, found: Found) -> None:
    name = topology.timezone
    # A machine without time zone data knows none; there the name's form must do.
    if not isinstance(name, str) or _is_zone(name) or (not _is_zone(_A_ZONE) and _ZONE.fullmatch(name)):
        return
    found.error("timezone", f"{name[:40]!r} is not a time zone", f"write a name from the tz database: {_A_ZONE}")


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
