"""Our programs for the machine: a folder of standard-library Python, and a starter for each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from mailnix.services.mailcow.render import SERVICE
from mailnix.services.mailcow.units import BACKUP_FOLDER, ROOT
from mailnix.services.text import template

STARTERS: Final[Mapping[str, str]] = {"mailcow-setup": "setup", "mailcow-provision": "provision"}
BACKUP: Final = "mailcow-backup"


@cache
def modules() -> Mapping[str, str]:
    """File name → text of the package `mailcow`, which lies beside the starters."""
    folder = files("mailnix.services.mailcow") / "files"
    return {item.name: item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".py")}


def starters() -> Mapping[str, str]:
    """File name → text of the programs that units and people call."""
    programs = {name: template(SERVICE, "launch.py.j2", module=module) for name, module in STARTERS.items()}
    return {**programs, BACKUP: template(SERVICE, "mailcow-backup.sh.j2", folder=BACKUP_FOLDER, root=ROOT)}
