"""A medium that installs a machine: an ISO image for a USB stick or a CD, started by BIOS, UEFI and Secure Boot.

Laid out as Debian's and Ubuntu's are: El Torito for both firmwares, and for sticks GRUB's hybrid boot sector and a
GUID partition table with the EFI system partition (xorrisofs(1), "Bootable ISO images"; UEFI 2.10, 13.3.2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from uuid import UUID

from attrs import frozen

from mailnix.errors import BuildError
from mailnix.image.gpt import EFI_SYSTEM, SECTOR
from mailnix.image.live import GRUB, LOADERS, SHIM, Live
from mailnix.image.values import MIB
from mailnix.run import Runner, require, run

FOLDER: Final = "mailnix"
"""Where all is, on the medium; grub-mkimage (live-collect.sh) and the initramfs (live-prepare.sh) look there."""

SETTINGS: Final = "mailnix-install.conf"
"""What install.sh reads."""

ESP_BYTES: Final = 8 * MIB
BASIC_DATA: Final = UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7")
"""The type of the partition that has the ISO 9660 file system, which Windows then shows, too (UEFI 2.10, 5.3.3)."""

LONGEST_LABEL: Final = 32
"""Characters of a volume's name (ECMA-119, 8.4.7)."""


@frozen
class Medium:
    """What a medium installs: the machine's name, its packed image with the SHA-256 of that file, and the disk's id.

    `disk_serial` is the disk that is written without a question; empty: whoever sits there is asked.
    """

    machine: str
    image: Path
    sha256: str
    disk_id: UUID
    disk_serial: str = ""

    @property
    def label(self) -> str:
        """The volume's name, by which boot loader and live system know their own medium among others."""
        tail = f"_{self.sha256[:8]}"
        head = f"MAILNIX_{re.sub('[^A-Z0-9]', '_', self.machine.upper())}"
        return f"{head[: LONGEST_LABEL - len(tail)]}{tail}".upper()

    @property
    def settings(self) -> str:
        """mailnix-install.conf."""
        unasked = f"disk_serial={self.disk_serial}\n" if self.disk_serial else ""
        return f"machine={self.machine}\ndisk_id={self.disk_id}\n{unasked}"

    @property
    def early_cfg(self) -> str:
        """What the signed GRUB reads from the EFI system partition."""
        return (
            f"search --no-floppy --set=root --label {self.label}\n"
            f"set prefix=($root)/{FOLDER}\n"
            f"configfile ($root)/{FOLDER}/grub.cfg\n"
        )

    @property
    def grub_cfg(self) -> str:
        """The menu, on the screen and the first serial line, as on the machines themselves (customize.sh)."""
        options = f"console=tty0 console={LOADERS.serial} loglevel=4 panic=30"
        return f"""\
set timeout=5
set default=0
if serial --unit=0 --speed=115200; then
    terminal_input console serial
    terminal_output console serial
fi
menuentry "Install {self.machine} (mailnix)" {{
    linux /{FOLDER}/vmlinuz boot=mailnix mailnix.medium={self.label} {options}
    initrd /{FOLDER}/initrd.img
}}
"""


def disk_id(head: bytes) -> UUID:
    """The id of a disk with a GUID partition table, from its first two sectors (UEFI 2.10, 5.3.2).

    Raises BuildError where there is no such table.
    """
    if len(head) < 2 * SECTOR or not head[SECTOR:].startswith(b"EFI PART"):
        raise BuildError("an image has no GUID partition table", "run the same command again")
    return UUID(bytes_le=head[SECTOR + 56 : SECTOR + 72])


def need_tools() -> None:
    """Raise ToolMissing where no medium can be made here."""
    require("mmdebstrap", "mmdebstrap")
    require("xorrisofs", "xorriso")
    require("mcopy", "mtools")


def make_iso(
    medium: Medium, live: Live, beside: Mapping[str, str], work: Path, target: Path, runner: Runner = run
) -> None:
    """Write the medium to `target`; `beside` are texts that lie with the image, by name. `work` is an empty folder."""
    texts = {**beside, SETTINGS: medium.settings, "grub.cfg": medium.grub_cfg}
    files = {f"{medium.machine}.raw.gz": medium.image}
    for name, text in texts.items():
        files[name] = work / name
        files[name].write_text(text)
    for name in ("vmlinuz", "initrd.img", "eltorito.img"):
        files[name] = live.folder / name
    early, esp = work / "early.cfg", work / "esp.img"
    early.write_text(medium.early_cfg)
    for argv in esp_argvs(esp, live, early):
        runner(argv, env={"MTOOLS_SKIP_CHECK": "1"})
    runner(xorriso_argv(medium.label, files, live, esp, target))


def esp_argvs(esp: Path, live: Live, early: Path) -> list[list[str]]:
    """Make the EFI system partition, with mtools."""
    image, sectors = str(esp), str(ESP_BYTES // SECTOR)
    return [
        ["mformat", "-i", image, "-C", "-T", sectors, "-h", "16", "-s", "32", "-v", "EFI", "::"],
        *LOADERS.esp_argvs(image, live.folder / SHIM, live.folder / GRUB, early),
    ]


def xorriso_argv(label: str, files: Mapping[str, Path], live: Live, esp: Path, target: Path) -> list[str]:
    """xorrisofs putting `files`, by name, into FOLDER of the medium."""
    bios = ["-b", f"{FOLDER}/eltorito.img", "-c", f"{FOLDER}/boot.cat", "-no-emul-boot", "-boot-load-size", "4",
            "-boot-info-table", "--grub2-boot-info", "--grub2-mbr", str(live.folder / "boot_hybrid.img")]  # fmt: skip
    uefi = ["-eltorito-alt-boot", "-e", "--interval:appended_partition_2:all::", "-no-emul-boot",
            "-append_partition", "2", EFI_SYSTEM.bytes_le.hex(), str(esp), "-appended_part_as_gpt"]  # fmt: skip
    stick = ["-partition_offset", "16", "--mbr-force-bootable", "-iso_mbr_part_type", BASIC_DATA.bytes_le.hex()]
    grafts = [f"{FOLDER}/{name}={_escaped(path)}" for name, path in files.items()]
    # Level 3: a file may be larger than 4 GiB.
    return ["xorrisofs", "-quiet", "-iso-level", "3", "-r", "-V", label, "-o", str(target), *bios, *uefi, *stick,
            "-graft-points", *grafts]  # fmt: skip


def _escaped(path: Path) -> str:
    """A path where `=` and the backslash mean something else (mkisofs's -graft-points)."""
    return str(path).replace("\\", "\\\\").replace("=", "\\=")
