"""What a generation's services need that is no package (images, trees of source): had while the former ones run."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from . import state
from .world import MINUTE, Refused, World

FETCH_AT_MOST = 120 * MINUTE
"""Some gigabytes, over a slow line at home."""


def ahead(world: World, number: int) -> dict[str, Any]:
    """Run what the generation brings for that, in a folder where its files are unpacked; raises Refused."""
    with tempfile.TemporaryDirectory() as folder:
        for deb in state.generation(world, number).debs:
            unpacked = world.run(["dpkg-deb", "--extract", str(deb), folder])
            if unpacked.status != 0:
                raise Refused(f"{deb.name} cannot be unpacked: {unpacked.last}")
        program = Path(folder) / world.names.ahead.lstrip("/")
        if not program.exists():
            return {"ahead": False}
        done = world.run([sys.executable, str(program), folder], within=FETCH_AT_MOST)
        if done.status != 0:
            raise Refused(f"generation {number} cannot be had yet: {done.last}")
    return {"ahead": True}
