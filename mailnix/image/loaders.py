"""What starts a machine, by its processor: Debian's signed loaders, and what firmware calls them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from uuid import UUID

from attrs import frozen

from mailnix.model.architecture import Architecture


@frozen
class Loaders:
    """Where Debian's packages have a shim and a GRUB for UEFI, and how firmware and the kernel know the machine.

    `packages` are unpacked for their files; `efi` is what firmware starts from a disk that it does not know (UEFI 2.10,
    3.5.1.1), `grub` what that shim starts next; `root` is the root partition's type (UAPI's Discoverable Partitions
    Specification), `serial` the kernel's first serial console. `bios`: whether there are machines without UEFI.
    """

    packages: tuple[str, ...]
    signed_shim: str
    signed_grub: str
    efi: str
    grub: str
    root: UUID
    serial: str
    bios: bool = False

    @property
    def env(self) -> Mapping[str, str]:
        """What customize.sh reads."""
        return {
            "LOADERS": " ".join(self.packages),
            "SHIM": self.signed_shim,
            "GRUB": self.signed_grub,
            "SERIAL": self.serial,
            "BIOS": "yes" if self.bios else "",
        }

    def esp_argvs(self, image: str, shim: Path, grub: Path, early: Path) -> list[list[str]]:
        """Fill a FAT file system that is an EFI system partition, with mtools; `early` is what the signed GRUB reads.

        `image` is mtools' word for where it is: FILE, or FILE@@OFFSET.
        """
        return [
            ["mmd", "-i", image, "::/EFI", "::/EFI/BOOT", "::/EFI/debian"],
            ["mcopy", "-i", image, str(shim), f"::/EFI/BOOT/{self.efi}"],
            ["mcopy", "-i", image, str(grub), f"::/EFI/BOOT/{self.grub}"],
            ["mcopy", "-i", image, str(early), "::/EFI/debian/grub.cfg"],
        ]


LOADERS: Final = {
    Architecture.AMD64: Loaders(
        packages=("grub-common", "grub-pc-bin", "grub-efi-amd64-signed", "shim-signed", "libdevmapper1.02.1"),
        signed_shim="usr/lib/shim/shimx64.efi.signed",
        signed_grub="usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
        efi="BOOTX64.EFI",
        grub="grubx64.efi",
        root=UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709"),
        serial="ttyS0,115200",
        bios=True,
    ),
    Architecture.ARM64: Loaders(
        packages=("grub-efi-arm64-signed", "shim-signed"),
        signed_shim="usr/lib/shim/shimaa64.efi.signed",
        signed_grub="usr/lib/grub/arm64-efi-signed/grubaa64.efi.signed",
        efi="BOOTAA64.EFI",
        grub="grubaa64.efi",
        root=UUID("b921b045-1df0-41c3-af44-4c6f280d3fae"),
        serial="ttyAMA0,115200",
    ),
}
