"""The lab that is running, found by what it wrote down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mailnix.errors import LabError

if TYPE_CHECKING:
    from mailnix.lab.machine import Machine


def machines(state_dir: Path) -> dict[str, Machine]:
    """The running machines of the lab in `state_dir`, by name."""
    from mailnix.lab import records

    record = records.read(state_dir)
    found = {} if record is None else records.machines_of(record, tied=False)
    return {name: machine for name, machine in found.items() if machine.is_running()}


def state_dir_of(state_dir: Path | None) -> Path:
    """The folder given, or that of the one lab that runs; raises LabError where there is none, or more than one."""
    from mailnix import extras
    from mailnix.image.cache import cache_dir

    extras.need("lab", "the lab")
    if state_dir is not None:
        return state_dir
    labs = cache_dir() / "labs"
    running = [state_dir for state_dir in sorted(labs.iterdir()) if machines(state_dir)] if labs.is_dir() else []
    if len(running) == 1:
        return running[0]
    if not running:
        raise LabError("no lab is running", "start one with: mailnix lab CONFIG --keep")
    shown = " or ".join(str(state_dir) for state_dir in running)
    raise LabError(f"{len(running)} labs are running", f"say which: --state-dir {shown}")
