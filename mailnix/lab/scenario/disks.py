"""Searching the lab machines' disks from outside, in the bytes that QEMU wrote."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.plan.types import Plan

QCOW2_HEADER: Final = struct.Struct(">4sIQI")  # magic, version, where the backing file's name stands, its length
QCOW2_MAGIC: Final = b"QFI\xfb"


@frozen
class DiskFiles:
    """What each machine's disks are made of: overlay, backing image, seed disk.

    Reading clusters instead of the disk they make up is enough: file systems keep small files in single blocks of
    4 KiB, and clusters are larger.
    """

    plan: Plan
    secrets: Path
    files: Mapping[str, tuple[Path, ...]]

    def foreign_secrets(self, machine: str, owner: str) -> tuple[str, ...]:
        """Names of `owner`'s secrets that stand on the disk of `machine`."""
        from mailnix.secrets.search import foreign_secrets

        return foreign_secrets(self.plan, self.secrets, owner, self.files[machine])

    def search(self, machine: str, wanted: Mapping[str, Iterable[bytes]]) -> tuple[str, ...]:
        """Which of these named bytes stand on the disk of `machine`."""
        from mailnix.secrets.search import search

        return search(self.files[machine], wanted)


def with_backing(disk: Path) -> tuple[Path, ...]:
    """A disk's file and, where it is a qcow2 overlay, the files below it (QEMU's docs/interop/qcow2)."""
    with disk.open("rb") as stream:
        header = stream.read(QCOW2_HEADER.size)
        if len(header) < QCOW2_HEADER.size:
            return (disk,)
        magic, _version, offset, length = QCOW2_HEADER.unpack(header)
        if magic != QCOW2_MAGIC or not offset:
            return (disk,)
        stream.seek(offset)
        name = stream.read(length).decode()
    return (disk, *with_backing(disk.parent / name))
