"""Write hosts/ anew from docs/examples/two_machines.py: run this when a change to a service is meant to change it."""

from __future__ import annotations

import shutil
from pathlib import Path

from mailnix.config import load
from mailnix.nixos.flake import machines
from mailnix.plan import derive

REPOSITORY = Path(__file__).resolve().parents[2]

shutil.rmtree(REPOSITORY / "hosts", ignore_errors=True)
for file in machines(derive(load(REPOSITORY / "docs/examples/two_machines.py"))):
    path = REPOSITORY / file.path[1:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.data)
