"""What a generation would change: its package's files against those of the machine, and the units that restart."""

from __future__ import annotations

import hashlib
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import packages, state, walls
from .world import Refused, World

VERBS = {"try-restart": "restart", "try-reload-or-restart": "reload", "reload-or-restart": "reload"}
"""What systemctl(1) is told, in the words for people."""


@dataclass(frozen=True)
class Content:
    """A file's digest and permission bits, or a link's target."""

    text: str
    mode: int = 0


def plan(world: World, number: int) -> dict[str, Any]:
    """Packages, files and units."""
    generation = state.generation(world, number)
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "tree.tar"
        done = world.run(["sh", "-c", 'dpkg-deb --fsys-tarfile "$1" >"$2"', "sh", str(generation.own), str(archive)])
        if done.status != 0:
            raise Refused(f"{generation.own.name} cannot be read: {done.last}")
        wanted = dict(_tree(archive))
        units = _units(world, archive, Path(folder))
    return {
        "packages": packages.simulate(world, generation.debs, generation.folder / "archives").json(),
        "files": _files(world, generation.package, wanted),
        "units": units,
        "warnings": walls.warnings(world),
    }


def _tree(archive: Path) -> Iterator[tuple[str, Content]]:
    """Files and links of a package by their path."""
    with tarfile.open(archive) as tar:
        for member in tar:
            path = "/" + member.name.removeprefix("./")
            content = tar.extractfile(member) if member.isreg() else None
            if content is not None:
                yield path, Content(hashlib.sha256(content.read()).hexdigest(), member.mode)
            elif member.issym():
                yield path, Content(member.linkname)


def _there(path: Path) -> Content | None:
    """What the machine has at a path."""
    if path.is_symlink():
        return Content(str(path.readlink()))
    if not path.is_file():
        return None
    with path.open("rb") as handle:
        return Content(hashlib.file_digest(handle, "sha256").hexdigest(), path.stat().st_mode & 0o7777)


def _files(world: World, package: str, wanted: dict[str, Content]) -> dict[str, list[str]]:
    lines = world.run(["dpkg", "--listfiles", package]).output.splitlines()
    had = {line for line in lines if line.startswith("/") and not _is_folder(world.root / line[1:])}
    there = {path: _there(world.root / path[1:]) for path in wanted}
    return {
        "added": sorted(path for path in wanted if there[path] is None),
        "changed": sorted(path for path in wanted if there[path] not in (None, wanted[path])),
        "removed": sorted(had - set(wanted)),
    }


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _units(world: World, archive: Path, folder: Path) -> list[list[str]]:
    """What the package's own program would do with units; nothing where it brings none."""
    names = world.names
    with tarfile.open(archive) as tar:
        for path in (names.activate, names.activates):
            try:
                content = tar.extractfile(f".{path}")
            except KeyError:
                return []
            (folder / path.rpartition("/")[2]).write_bytes(content.read() if content else b"")
    program, told = (folder / path.rpartition("/")[2] for path in (names.activate, names.activates))
    done = world.run([sys.executable, str(program), "--dry-run", str(told)])  # nothing in /tmp may be run everywhere
    if done.status != 0:
        raise Refused(f"what it would do with units is not known: {done.last}")
    return [list(pair) for line in done.output.splitlines() for pair in _of_command(line.split())]


def _of_command(words: list[str]) -> Iterator[tuple[str, str]]:
    """Units and what a command does to each; nothing for commands that are about others."""
    program, *rest = words or [""]
    verb, *units = [word for word in rest if not word.startswith("-")] or [""]
    if program == "systemctl":
        yield from ((unit, VERBS.get(verb, verb)) for unit in units)
    elif program == "networkctl" and verb == "reload":
        yield "systemd-networkd.service", verb
