"""Why Mailcow's own code cannot run here."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from mailnix import run
from mailnix.nar import nar_hash
from mailnix.services.mailcow.pin import PIN, Pin

PACKAGES: Final = tuple((Path(__file__).parent / "packages").read_text().split())
"""Debian's packages that stand for Mailcow's images; daemons are started by nobody but us (see CONTRIBUTING.md)."""

NAMESPACES: Final = ("unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child")

Installed = Callable[[Sequence[str]], set[str]]


def missing(installed: Installed | None = None) -> str:
    """What this machine lacks, in words; an empty text where it lacks nothing."""
    if os.geteuid() != 0:
        return "namespaces and an overlay are made by root"
    have = (installed or of_dpkg)(PACKAGES)
    absent = [name for name in PACKAGES if name not in have]
    if absent:
        return f"these packages are not installed (how: CONTRIBUTING.md): {' '.join(absent)}"
    if run.run(
        [*NAMESPACES, "ip", "link", "add", "name", "a0", "type", "veth", "peer", "name", "b0"], check=False
    ).status:
        return "no namespaces here, or no pairs of virtual cards"
    return ""


def of_dpkg(names: Sequence[str]) -> set[str]:
    """Those of the packages that dpkg has installed."""
    if not Path("/usr/bin/dpkg-query").exists():
        return set()
    asked = run.run(["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *names], check=False)
    pairs = (line.split() for line in asked.stdout.splitlines())
    return {name for name, status in pairs if status == "installed"}


def refusal(tree: Path, pin: Pin = PIN) -> str:
    """Why a folder is not Mailcow as it is pinned; an empty text where it is."""
    if not (tree / "data/web/json_api.php").is_file():
        return f"{tree} is no tree of Mailcow"
    found = nar_hash(tree)
    if found == pin.nar_hash:
        return ""
    return f"{tree} is not Mailcow {pin.tag}, the pinned one: its hash is {found}, wanted {pin.nar_hash}"
