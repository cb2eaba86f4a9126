"""A package that apt, or what else uses dpkg, has installed: put together again from the disk, to go back to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from . import packages
from .world import Refused, World

INFO = "var/lib/dpkg/info"
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")
OTHERS = ("Status", "Maintainer")
"""Fields that dpkg adds, or that are written for every package of ours."""

Lay = Callable[[Path, Path], None]
"""Puts a file at another place, too."""

Build = Callable[[Path, Mapping[str, str], Mapping[str, str], Iterable[str]], Path]
"""Makes a package of a tree: its fields, its scripts, files whose sums are not those of their bytes."""


def number_of(package: str, installed: packages.Known) -> int:
    """The generation that it is; raises Refused for what is none of ours."""
    if not installed.version.isdigit():
        raise Refused(f"{package} {installed.version} is no generation: install one that mailnix emit has made")
    return int(installed.version)


def repack(world: World, package: str, tree: Path, lay: Lay, build: Build) -> Path:
    """The package as it is installed, with what was changed by hand, which stays known as such."""
    for path in _files(world, package):
        lay(world.root / path, tree / path)
    scripts = {
        name: there.read_text() for name in SCRIPTS if (there := world.root / INFO / f"{package}.{name}").is_file()
    }
    return build(tree, _fields(world, package), scripts, packages.drift(world, [package]))


def _files(world: World, package: str) -> Iterator[str]:
    for line in world.run(["dpkg", "--listfiles", package]).output.splitlines():
        path = world.root / line[1:]
        if line.startswith("/") and (path.is_symlink() or path.is_file()):
            yield line[1:]


def _fields(world: World, package: str) -> dict[str, str]:
    said = world.run(["dpkg-query", "--status", package]).output
    fields = (line.partition(": ") for line in said.splitlines() if line[:1].isalpha())
    return {name: value for name, _, value in fields if name not in OTHERS}
