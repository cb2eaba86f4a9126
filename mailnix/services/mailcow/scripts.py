"""Our programs for the machine: a folder of standard-library Python, and a starter for each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from mailnix.formats.text import template
from mailnix.services.mailcow.render import SERVICE

BY_PEOPLE: Final[Mapping[str, str]] = {"mailcow-backup": "backup", "mailcow-restore": "restore"}
STARTERS: Final[Mapping[str, str]] = {
    "mailcow-setup": "setup",
    "mailcow-provision": "provision",
    "mailcow-bans": "bans",
    **BY_PEOPLE,
}


@cache
def modules() -> Mapping[str, str]:
    """File name → text of the package `mailcow`, which lies beside the starters."""
    folder = files("mailnix.services.mailcow") / "guest"
    return {item.name: item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".py")}


def starters() -> Mapping[str, str]:
    """File name → text of the programs that units and people call."""
    return {name: starter(module) for name, module in STARTERS.items()}


def starter(module: str) -> str:
    """A program that finds `modules` beside it."""
    return template(SERVICE, "launch.py.j2", module=module)
