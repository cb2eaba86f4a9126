from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import pytest

from mailnix.lab import disks
from mailnix.lab.qemu_argv import UEFI
from mailnix.lab.spec import DiskFormat, Firmware, MachineSpec
from mailnix.run import Completed

SPEC = MachineSpec("one", Path("/one.qcow2"), firmware=Firmware.UEFI)

pytestmark = pytest.mark.qemu


class Recorder:
    def __init__(self) -> None:
        self.argvs: list[list[str]] = []

    def __call__(self, argv: Sequence[str | PathLike[str]], **_more: Any) -> Completed:
        self.argvs.append([str(word) for word in argv])
        return Completed(tuple(map(str, argv)), 0, "", "")


def test_an_overlay_reads_from_its_base_and_replaces_an_older_one(tmp_path: Path) -> None:
    recorder = Recorder()
    target = tmp_path / "over.qcow2"
    target.write_text("old")
    assert disks.overlay(Path("/base.img"), target, base_format=DiskFormat.RAW, size="8G", runner=recorder) == target
    assert not target.exists()
    # fmt: off
    assert recorder.argvs[0][1:] == [
        "create", "-q", "-f", "qcow2", "-b", "/base.img", "-F", "raw", str(target), "8G",
    ]
    # fmt: on


def test_firmware_variables_are_copied_once(tmp_path: Path) -> None:
    recorder = Recorder()
    target = tmp_path / "vars.qcow2"
    disks.firmware_vars(SPEC, target, recorder)
    begun = UEFI[SPEC.architecture, SPEC.firmware].variables
    assert recorder.argvs[0][1:] == ["convert", "-f", "raw", "-O", "qcow2", str(begun), str(target)]
    target.touch()
    disks.firmware_vars(SPEC, target, recorder)
    assert len(recorder.argvs) == 1
