"""What mailnix brought: which generation runs, whether one waits, which of its files are as they were laid."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from pathlib import Path
from typing import Any

from .here import Here
from .system import is_nixos

MOST = 40  # paths that are named; who has changed more knows it
PROFILE = "/nix/var/nix/profiles/system"
RUNNING = "/run/current-system"


def generation(here: Here, told: Any) -> Any:
    """The generation that runs (None: that of an image), whether another waits, how the last change ended."""
    if is_nixos(here):
        return _nixos(here, told["state"], told["run"])
    path = f"{told['state']}/state.json"
    if not here.at(path).exists():
        return _said(None, None, {}, "")
    state = json.loads(here.text(path))
    current, last = state.get("current"), state.get("last") or {}
    pending = (state.get("pending") or {}).get("to")
    return _said(current, pending, last, _made(here, f"{told['state']}/{current}/made.json"))


def _nixos(here: Here, state: str, run: str) -> dict[str, Any]:
    """As `status` of mailnix/deploy/nixos/guest says it, without its locks."""
    found = re.search(r"system-(\d+)-link", str(here.at(PROFILE).readlink()) if here.at(PROFILE).is_symlink() else "")
    current = int(found[1]) if found else None
    pending = None
    if here.at(f"{run}/state").exists():
        waits = re.search(r"\bto=(\d+)", here.text(f"{run}/state"))
        pending = int(waits[1]) if waits else 0
    try:
        last = json.loads(here.text(f"{run}/last"))
    except (OSError, ValueError):
        last = {}
    records = sorted(here.at(state).glob(f"{current}-*.json"))
    made = _made(here, f"{state}/{records[-1].name}") if records else ""
    return _said(current, pending, last or {}, made)


def _made(here: Here, path: str) -> str:
    try:
        return str(json.loads(here.text(path)).get("made", ""))
    except (OSError, ValueError):
        return ""


def _said(current: object, pending: object, last: dict[str, Any], made: str) -> dict[str, Any]:
    end, why = str(last.get("end", "")), str(last.get("why", ""))[:200]
    return {"current": current, "pending": pending, "end": end, "why": why, "made": made}


def drift(here: Here, told: Any) -> Any:
    """Files that are not as they were laid, and which are gone. NixOS' own cannot be changed, its system can."""
    if is_nixos(here):
        same = here.at(RUNNING).resolve() == here.at(PROFILE).resolve()
        return {"changed": [] if same else [RUNNING], "gone": []}
    laid: dict[str, str] = json.loads(here.text(told["list"]))["files"]
    changed, gone = [], []
    for path, digest in sorted(laid.items()):
        found = _digest(here.at(path))
        if found is None:
            gone.append(path)
        elif found != digest and not _enables(path, found, digest):
            changed.append(path)
    return {"changed": changed[:MOST], "gone": gone[:MOST]}


def _enables(path: str, found: str, laid: str) -> bool:
    """Whether a link has a unit started, as it shall: packages name the folder of their units in one way or another."""
    both = found.startswith("->") and laid.startswith("->")
    return ".wants/" in path and both and found.rpartition("/")[2] == laid.rpartition("/")[2]


def _digest(path: Path) -> str | None:
    """As mailnix/services/activation/listed.py has it: content and mode of a file, the target of a link."""
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            return f"-> {path.readlink()}"
        return hashlib.sha256(b"%o\n" % stat.S_IMODE(found.st_mode) + path.read_bytes()).hexdigest()
    except OSError:
        return None
