"""Debian packages of ours, made with dpkg-deb(1): equal input gives equal bytes."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Final

from mailnix.debian.package import Package
from mailnix.run import Runner, require, run
from mailnix.tree import Tree
from mailnix.write import write_tree

EPOCH: Final = "1"
"""Seconds: the age of every file in a package (`SOURCE_DATE_EPOCH`). 0 is taken for no time by some programs."""


def make(package: Package, folder: Path, extra: tuple[Path, str] | None = None, *, runner: Runner = run) -> Path:
    """The package's .deb in `folder`, whole or not at all. `extra`: a folder, and where it goes on the machine.

    Raises ToolMissing where there is no dpkg-deb, BuildError where it fails.
    """
    require("dpkg-deb", "dpkg")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".deb.") as scratch:
        root = Path(scratch) / "root"
        write_tree(Tree.of((*package.tree, *package.control())), root)
        for path in root.glob(".mailnix-tree.json"):
            path.unlink()
        if extra is not None:
            _add(root, *extra)
        for path in (root, *(path for path in root.rglob("*") if path.is_dir() and not path.is_symlink())):
            path.chmod(0o755)  # whatever the umask was
        made = Path(scratch) / package.file_name
        words = ("dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(root), str(made))
        runner(words, env={"SOURCE_DATE_EPOCH": EPOCH})
        made.replace(folder / package.file_name)
    return folder / package.file_name


def _add(root: Path, source: Path, dest: str) -> None:
    """A folder of files below a package's root, readable by all, with their sums beside those of the others."""
    place = root / dest.lstrip("/")
    shutil.copytree(source, place, symlinks=True)
    with (root / "DEBIAN" / "md5sums").open("a") as sums:
        for path in sorted(place.rglob("*")):
            if path.is_symlink():
                continue
            if path.is_file():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
                sums.write(f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n")
