"""What an image is made of, as values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from attrs import field, frozen

from mailnix.debian.packages import KERNEL
from mailnix.model.architecture import Architecture
from mailnix.tree import Tree

Progress: TypeAlias = Callable[[str], None]

MIB = 1024 * 1024
SLACK = 512 * MIB


def silent(_line: str) -> None:
    """Progress that nobody reads."""


class Format(StrEnum):
    """A file format for disk images, by the name that people use, which is how the file's name ends."""

    RAW = "raw"
    RAW_GZ = "raw.gz"
    QCOW2 = "qcow2"
    VMDK = "vmdk"
    VHDX = "vhdx"
    VHD = "vhd"
    VDI = "vdi"
    ISO = "iso"
    """No image of the machine's disk, but a medium that installs it (`mailnix.image.media`)."""


def _sorted_names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


@frozen
class BaseSpec:
    """What decides a base image: equal specs share one cached base.

    `packages` is the whole set (see `mailnix.debian.packages.package_set`), `npm_tree` asks for the pinned Haraka tree
    in /usr/lib/haraka, `slack` is the free space of the root file system in bytes, room for the host's own files.
    """

    packages: tuple[str, ...] = field(converter=_sorted_names)
    kernel: str = KERNEL
    npm_tree: bool = False
    slack: int = SLACK
    architecture: Architecture = Architecture.AMD64


@frozen
class ExtraTree:
    """A directory to copy whole: `source` on the building machine to the absolute path `dest` in the image.

    Files keep only their executable bit and belong to root; `.git` is left out.
    """

    source: Path
    dest: str


@frozen
class HostBuild:
    """One machine to make an image of: its packages, and the tree laid on top of the base that they give.

    `disk_size` (bytes) is the virtual size; None: just large enough. The root file system grows to its disk at boot.
    `slack` (bytes) is the free space in the base, into which the machine's own files go.
    """

    name: str
    packages: tuple[str, ...]
    tree: Tree
    npm_tree: bool = False
    kernel: str = KERNEL
    disk_size: int | None = None
    extra_trees: tuple[ExtraTree, ...] = ()
    slack: int = SLACK
    architecture: Architecture = Architecture.AMD64

    @property
    def base(self) -> BaseSpec:
        """The base that this machine's image starts from."""
        return BaseSpec(self.packages, self.kernel, self.npm_tree, self.slack, self.architecture)
