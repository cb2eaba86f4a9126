"""Disks of the lab's machines: thin writable overlays, so that the images of `mailnix build` stay as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mailnix.lab.qemu_argv import UEFI
from mailnix.lab.spec import DiskFormat, MachineSpec
from mailnix.run import Runner, require, run

IMAGES: Final = "images"  # below a lab's folder
DISK_SIZE: Final = "8G"


def overlay(base: Path, target: Path, *, base_format: DiskFormat, size: str = "", runner: Runner = run) -> Path:
    """Make `target`, a qcow2 that reads from `base` and keeps what is written; `size` (like "8G") may be larger."""
    qemu_img = require("qemu-img", "qemu-utils")
    target.unlink(missing_ok=True)
    backing = ("-b", str(base.resolve()), "-F", str(base_format))
    runner((qemu_img, "create", "-q", "-f", "qcow2", *backing, str(target), *((size,) if size else ())))
    return target


def firmware_vars(spec: MachineSpec, target: Path, runner: Runner = run) -> Path:
    """Make a machine's own copy of UEFI's variables, where it has none yet; qcow2, because raw can't keep a state."""
    if not target.exists():
        qemu_img = require("qemu-img", "qemu-utils")
        begun = UEFI[spec.architecture, spec.firmware].variables
        runner((qemu_img, "convert", "-f", "raw", "-O", "qcow2", str(begun), str(target)))
    return target
