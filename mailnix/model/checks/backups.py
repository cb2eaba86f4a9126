"""Backups: a folder that can hold them, a time that systemd reads, days that keep some."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

from mailnix.model import paths
from mailnix.model.calendar import calendar_problem
from mailnix.model.checks.found import Found
from mailnix.model.topology import Backup, Internal, Topology

_PATH: Final = re.compile(r"/[A-Za-z0-9._@+-]+(?:/[A-Za-z0-9._@+-]+)*")  # Mailcow's script quotes nothing
_GONE_AFTER_A_START: Final = ("/dev", "/proc", "/run", "/sys", "/tmp", "/var/run")
_TAKEN: Final = (paths.MAILCOW, paths.DOCKER)
DAYS_MAX: Final = 3650


def check(topology: Topology, found: Found) -> None:
    """Check what the machine at home is told about backups."""
    if not isinstance(topology.internal, Internal):
        return
    backup = topology.internal.backup
    if backup is None:
        message = "there is none: the mail is on one disk, once"
        found.warning("internal.backup", message, 'add backup=Backup("/mnt/backups"), a folder on another disk')
    elif isinstance(backup, Backup):
        _folder(backup.folder, found)
        _at(backup.at, found)
        _days(backup.keep_days, found)


def _folder(folder: str, found: Found) -> None:
    path = "internal.backup.folder"
    if not isinstance(folder, str):
        return
    inside = next((p for p in (*_GONE_AFTER_A_START, *_TAKEN) if PurePosixPath(folder).is_relative_to(p)), None)
    if not folder.startswith("/") or folder.strip("/") == "":
        found.error(
            path, f"{folder[:40]!r} is not an absolute path of a folder", f'write one such as "{paths.BACKUPS}"'
        )
    elif not _PATH.fullmatch(folder) or any(part in (".", "..") for part in folder.split("/")):
        hint = "use letters, digits and . _ @ + - between single slashes"
        found.error(path, f"{folder[:40]!r} is a path that Mailcow's own script does not take", hint)
    elif inside in _TAKEN:
        found.error(path, f"{inside} is what is backed up", "choose a folder elsewhere")
    elif inside is not None:
        found.error(path, f"what is in {inside} is gone after a start", "choose a folder on a disk")


def _at(at: str, found: Found) -> None:
    if isinstance(at, str) and (problem := calendar_problem(at)) is not None:
        found.error("internal.backup.at", problem, 'write a time of day such as "03:30", or as systemd.time(7) has it')


def _days(days: int, found: Found) -> None:
    if isinstance(days, int) and not 1 <= days <= DAYS_MAX:
        found.error("internal.backup.keep_days", f"{days} is not between 1 and {DAYS_MAX}", "leave it out for 7")
