"""Whoever uses dpkg just now, as unattended-upgrades does every night, is waited for: half of its work is no fault."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from .world import MINUTE, Refused, World, say

LOCKS = ("var/lib/dpkg/lock-frontend", "var/lib/dpkg/lock")
AT_MOST, LOOK_EVERY, SAY_EVERY = 10 * MINUTE, 5.0, 60.0
FLOCK = "hhqqi4x"
"""struct flock of fcntl(2), on machines of 64 bits: what kind of lock, from where on, how many bytes, whose."""


def wait(world: World) -> None:
    """Until nobody uses it; raises Refused, with who does, where that takes too long."""
    waited = 0.0
    while who := holder(world.root):
        if waited >= AT_MOST:
            raise Refused(
                f"{who} has been using dpkg for {AT_MOST / MINUTE:.0f} minutes: wait for its end, or see what it waits"
                " for; nothing was changed"
            )
        if waited % SAY_EVERY == 0:
            say(f"waiting for {who}, which uses dpkg")
        world.sleep(LOOK_EVERY)
        waited += LOOK_EVERY


def holder(root: Path) -> str:
    """The program that holds a lock of dpkg's; empty where none does."""
    for name in LOCKS:
        try:
            descriptor = os.open(root / name, os.O_RDWR)
        except OSError:  # no lock without its file
            continue
        try:
            asked = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, process = struct.unpack(FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
        finally:
            os.close(descriptor)
        if kind != fcntl.F_UNLCK:
            return f"{_called(process)} (process {process})"
    return ""


def _called(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:
        return "a program"
