"""A small disk that carries files to a machine: an ext2 file system with a label, readable by root only."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from mailnix.errors import BuildError
from mailnix.image.values import MIB
from mailnix.run import Runner, require, run
from mailnix.services.credentials.names import LABEL

LABEL_BYTES = 16


def label_argv(tool: str, folder: Path, image: Path, label: str, size: int) -> list[str]:
    """mke2fs filling a new file system of `size` bytes from `folder`, everything in it owned by root."""
    blocks = size // 1024
    features = ["-O", "^resize_inode,^dir_index", "-E", "root_owner=0:0"]
    return [tool, "-q", "-F", "-t", "ext2", "-b", "1024", "-m", "0", *features, "-L", label, "-d", str(folder),
            str(image), str(blocks)]  # fmt: skip


def make_labelled_disk(files: Mapping[str, bytes], target: Path, label: str = LABEL, *, runner: Runner = run) -> None:
    """Write a disk image to `target` (mode 0600) with `files`, by path below its root, each with mode 0600.

    The image appears whole or not at all; what it is made from never leaves a private folder beside it.
    """
    if len(label.encode()) > LABEL_BYTES:
        raise BuildError(f"the label {label!r} is longer than {LABEL_BYTES} bytes", "choose a shorter one")
    tool = require("mke2fs", "e2fsprogs")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    work = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))  # mode 0700
    try:
        root = work / "root"
        root.mkdir(mode=0o700)
        for path, data in files.items():
            _put(root, path, data)
        image = work / "image"
        image.touch(mode=0o600)
        runner(label_argv(tool, root, image, label, _size(files)))
        image.replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _put(root: Path, path: str, data: bytes) -> None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise BuildError(f"{path!r} is no path below the disk's root", "give a relative path")
    place = root.joinpath(*parts)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def _size(files: Mapping[str, bytes]) -> int:
    """Room for the files, their inodes and folders, and as much again; at least 2 MiB."""
    blocks = sum(len(data) // 1024 + 4 for data in files.values())
    return max(2 * MIB, -(-blocks * 2 * 1024 // MIB) * MIB + MIB)
