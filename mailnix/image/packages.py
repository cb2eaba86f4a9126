"""`mailnix emit --format deb`: a folder of packages, one generation of each machine after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from mailnix.debian.host import DebianHost
from mailnix.debian.package import Package, generation, haraka, package_name
from mailnix.errors import BuildError
from mailnix.image import package
from mailnix.image.base import npm_tree
from mailnix.image.cache import cache_dir, locked, plainly
from mailnix.image.values import Progress, silent
from mailnix.run import Runner, run
from mailnix.services.haraka.npm_tree import FOLDER
from mailnix.write import write_file


@frozen
class Made:
    """A package in the folder; `anew`: whether it was not there before."""

    path: Path
    anew: bool


def write_packages(
    hosts: tuple[DebianHost, ...], out: Path, *, runner: Runner = run, progress: Progress = silent
) -> tuple[Made, ...]:
    """Each machine's package, and Haraka's, in `out`: a new generation only of a machine that is described otherwise.

    Raises BuildError, ToolMissing.
    """
    with plainly(out):
        return tuple(_made(hosts, out, runner, progress))


def _made(hosts: tuple[DebianHost, ...], out: Path, runner: Runner, progress: Progress) -> Iterator[Made]:
    out.mkdir(parents=True, exist_ok=True)
    for host in hosts:
        newest, there = _newest(out, host.name)
        wanted = generation(host, newest + 1)
        if there is not None and _digest(there, runner) == wanted.digest:
            yield Made(there, anew=False)
        else:
            yield Made(package.make(wanted, out, runner=runner), anew=True)
    if any(host.npm_tree for host in hosts):
        place = out / haraka().file_name
        there_already = place.is_file()
        if not there_already:
            write_file(place, haraka_package(runner=runner, progress=progress).read_bytes())
        yield Made(place, anew=not there_already)


def _newest(out: Path, host: str) -> tuple[int, Path | None]:
    """The highest generation of a machine in the folder, and its file."""
    found: tuple[int, Path | None] = (0, None)
    for path in out.glob(f"{package_name(host)}_*_all.deb"):
        number = path.name.split("_")[1]
        if number.isdecimal() and int(number) > found[0]:
            found = int(number), path
    return found


def _digest(deb: Path, runner: Runner) -> str:
    answer = runner(("dpkg-deb", "--field", str(deb), Package.DIGEST), check=False)
    if answer.status != 0:
        raise BuildError(f"{deb} is damaged", "remove it, and run the same command again")
    return answer.stdout.strip()


def haraka_package(*, cache: Path | None = None, runner: Runner = run, progress: Progress = silent) -> Path:
    """The package of the pinned npm tree, made once and kept in the cache."""
    store = (cache or cache_dir()) / "packages"
    store.mkdir(parents=True, exist_ok=True)
    wanted = haraka()
    with locked(store / f"{wanted.file_name}.lock", progress):
        if not (store / wanted.file_name).is_file():
            with tempfile.TemporaryDirectory(dir=store, prefix=".npm.") as scratch:
                tree = npm_tree(Path(scratch) / "npm", runner, progress)
                package.make(wanted, store, (tree, FOLDER), runner=runner)
    return store / wanted.file_name
