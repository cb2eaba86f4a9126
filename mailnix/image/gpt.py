"""A GUID partition table with a BIOS boot sector, as bytes: no partitioning program, no loop device.

UEFI specification 2.10, chapter 5; the two patches of GRUB's own sectors are those that grub-bios-setup makes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from uuid import UUID

from attrs import frozen

from mailnix.errors import BuildError
from mailnix.image.loaders import Loaders
from mailnix.image.values import MIB

SECTOR = 512
ENTRIES = 128
ENTRY_BYTES = 128
TABLE_SECTORS = ENTRIES * ENTRY_BYTES // SECTOR
TAIL_SECTORS = TABLE_SECTORS + 1

BIOS_BOOT = UUID("21686148-6449-6e6f-744e-656564454649")
EFI_SYSTEM = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")


@frozen
class Partition:
    """One partition: its type, its own id, its name, and its place in bytes."""

    kind: UUID
    uuid: UUID
    name: str
    offset: int
    size: int

    @property
    def entry(self) -> bytes:
        """Its 128 bytes in the table; the last sector is counted in."""
        first, last = self.offset // SECTOR, (self.offset + self.size) // SECTOR - 1
        name = self.name.encode("utf-16-le")
        return struct.pack("<16s16sQQQ72s", self.kind.bytes_le, self.uuid.bytes_le, first, last, 0, name)


BIOS_OFFSET, BIOS_SIZE = 1 * MIB, 1 * MIB
ESP_OFFSET, ESP_SIZE = 2 * MIB, 40 * MIB
ROOT_OFFSET = ESP_OFFSET + ESP_SIZE
END_RESERVE = 1 * MIB
"""What stays free after the root partition: the backup table, rounded up so that partitions stay aligned."""


def layout(disk_uuid: UUID, disk_size: int, loaders: Loaders) -> tuple[Partition, ...]:
    """BIOS boot where there is such a thing, EFI system and root; the root is last, so that it can grow."""

    def own(number: int) -> UUID:
        return UUID(int=disk_uuid.int ^ number)

    root_size = (disk_size - END_RESERVE - ROOT_OFFSET) // MIB * MIB
    if root_size <= 0:
        raise BuildError(f"a disk of {disk_size} bytes is too small", "give the machine a larger disk")
    return (
        *((Partition(BIOS_BOOT, own(1), "bios", BIOS_OFFSET, BIOS_SIZE),) if loaders.bios else ()),
        Partition(EFI_SYSTEM, own(2), "efi", ESP_OFFSET, ESP_SIZE),
        Partition(loaders.root, own(3), "root", ROOT_OFFSET, root_size),
    )


def tables(disk_uuid: UUID, disk_size: int, partitions: Sequence[Partition], boot_img: bytes) -> tuple[bytes, bytes]:
    """The first 34 and the last 33 sectors of the disk: boot sector, table, and its backup."""
    last = disk_size // SECTOR - 1
    entries = b"".join(partition.entry for partition in partitions).ljust(ENTRIES * ENTRY_BYTES, b"\0")
    primary = _header(disk_uuid, here=1, other=last, table=2, last=last, entries=entries)
    backup = _header(disk_uuid, here=last, other=1, table=last - TABLE_SECTORS, last=last, entries=entries)
    return boot_sector(boot_img, last) + primary + entries, entries + backup


def _header(disk_uuid: UUID, *, here: int, other: int, table: int, last: int, entries: bytes) -> bytes:
    first_usable, last_usable = 2 + TABLE_SECTORS, last - TAIL_SECTORS

    def pack(crc: int) -> bytes:
        places = (here, other, first_usable, last_usable)
        rest = (disk_uuid.bytes_le, table, ENTRIES, ENTRY_BYTES, zlib.crc32(entries))
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, *places, *rest)

    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")


def boot_sector(boot_img: bytes, last: int) -> bytes:
    """GRUB's first sector, told where its core is, over a protective partition table; no `boot_img`: that alone.

    At 0x5c: sector of the core image. At 0x66: a jump that old BIOSes need on floppies, made a no-op as on every disk.
    """
    code = bytearray(boot_img[:440].ljust(440, b"\0"))
    if boot_img:
        struct.pack_into("<Q", code, 0x5C, BIOS_OFFSET // SECTOR)
        code[0x66:0x68] = b"\x90\x90"
    protective = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, min(last, 0xFFFFFFFF))
    return bytes(code) + bytes(6) + protective.ljust(64, b"\0") + b"\x55\xaa"


def core_image(core_img: bytes) -> bytes:
    """GRUB's core as it stands in the BIOS boot partition: its first sector is told where the others are.

    The list of blocks ends that sector: start (8 bytes), count (2), segment (2, already set by grub-mkimage).
    """
    sectors = -(-len(core_img) // SECTOR)
    if sectors * SECTOR > BIOS_SIZE:
        raise BuildError(f"GRUB's core image has {len(core_img)} bytes and does not fit", "load fewer GRUB modules")
    core = bytearray(core_img.ljust(sectors * SECTOR, b"\0"))
    struct.pack_into("<QH", core, SECTOR - 12, BIOS_OFFSET // SECTOR + 1, sectors - 1)
    return bytes(core)
