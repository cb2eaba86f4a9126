"""Room on the disk: looked at before a change begins, and kept for its way back, which must not fail for want of it."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from . import packages
from .state import Generation, State, numbers
from .world import Refused, World, home

RESERVE = "reserve"
"""A file whose room the way back has; gone before the way back begins, or once it is not wanted any more."""

MIB = 2**20
SLACK = 16 * MIB
"""For dpkg's lists, twice, for the state, and for what systemd writes meanwhile."""

BLOCK = 4096
"""Bytes that the smallest file takes; and an inode is wanted for each file."""


def look(world: World, debs: Iterable[Path], changes: packages.Changes, archives: Path, old: Generation | None) -> int:
    """Raise Refused where there is no room to unpack what `changes` (apt's, for these) brings, and to go back.

    Gives the bytes to keep for that: the former packages are unpacked beside the new ones.
    """
    names = {name for name, *_ in (*changes.new, *changes.upgrade)}
    coming = [deb for deb in (*debs, *archives.glob("*.deb")) if _of(deb) in names]
    keep = SLACK + sum(unpacked(world, deb) for deb in (old.debs if old else ()) if _of(deb) in names)
    wanted: dict[int, tuple[Path, int]] = {}
    for path, need in ((world.root / "usr", sum(unpacked(world, deb) for deb in coming)), (home(world), keep)):
        there = path if path.exists() else world.root
        device = there.stat().st_dev
        wanted[device] = (there, wanted.get(device, (there, 0))[1] + need)
    for path, need in wanted.values():
        _refuse(world, path, need)
    return keep


def _of(deb: Path) -> str:
    return deb.name.partition("_")[0]


def _refuse(world: World, path: Path, need: int) -> None:
    free, files = world.free(path)
    if free < need:
        what = f"{need / MIB:.0f} MiB, and {free / MIB:.0f} MiB are free"
    elif files < need // BLOCK // 4:  # a file has more than a block, mostly
        what = f"{need // BLOCK // 4} files, and {files} can be made (df -i)"
    else:
        return
    raise Refused(
        f"there is no room for it in {path}: it wants {what}; nothing was changed. See: df -h, apt-get clean,"
        " journalctl --vacuum-size=100M"
    )


def unpacked(world: World, deb: Path) -> int:
    """Bytes that a package takes: as it says itself (deb-control(5), in KiB), or as its files are."""
    if (said := packages.field(world, deb, "Installed-Size")).isdecimal():
        return int(said) * 1024
    counted = world.run(["sh", "-c", 'dpkg-deb --fsys-tarfile "$1" | wc -c', "sh", str(deb)]).output.strip()
    return int(counted) if counted.isdecimal() else deb.stat().st_size * 4


def keep(world: World, size: int) -> None:
    """Have that much on the disk for the way back; raises Refused."""
    path = home(world) / RESERVE
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
            os.posix_fallocate(handle.fileno(), 0, size)
            os.fsync(handle.fileno())
    except OSError as error:
        release(world)
        raise Refused(f"{without(error)}: nothing was changed") from None


def release(world: World) -> None:
    """The way back is about to begin, or is not wanted any more."""
    (home(world) / RESERVE).unlink(missing_ok=True)


def make(world: World, known: State) -> None:
    """Let go of generations that nobody goes back to just now, where there is no room for the way back; a last resort.

    What is pending, what runs, and what ran before stay.
    """
    if world.free(home(world))[0] >= SLACK or known.pending is None:
        return
    held = {known.current, known.previous, known.pending.before, known.pending.to}
    for number in numbers(world):
        if number not in held:
            shutil.rmtree(home(world) / str(number), ignore_errors=True)


def without(error: OSError) -> str:
    """What a failed write means, for people."""
    what = "there is no room left on the disk" if error.errno in (errno.ENOSPC, errno.EDQUOT) else str(error.strerror)
    return f"{what} ({error.filename})" if error.filename else what
