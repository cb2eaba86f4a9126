"""The partition table is checked as firmware checks it: signatures, checksums, places."""

from __future__ import annotations

import struct
import zlib
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailnix.errors import BuildError
from mailnix.image.gpt import (
    BIOS_OFFSET,
    BIOS_SIZE,
    END_RESERVE,
    ROOT_OFFSET,
    SECTOR,
    boot_sector,
    core_image,
    layout,
    tables,
)
from mailnix.image.loaders import LOADERS
from mailnix.image.values import MIB
from mailnix.model.architecture import Architecture

PC, ARM = LOADERS[Architecture.AMD64], LOADERS[Architecture.ARM64]
DISK = UUID("12345678-1234-4234-8234-123456789abc")
SIZES = st.integers(min_value=64, max_value=1 << 22).map(lambda mib: mib * MIB)


def parse_header(sector: bytes) -> tuple[Any, ...]:
    """The fields of a GPT header, after checking its own checksum with that field zeroed."""
    assert sector[:8] == b"EFI PART"
    (crc,) = struct.unpack_from("<I", sector, 16)
    assert zlib.crc32(sector[:16] + bytes(4) + sector[20:92]) == crc
    return struct.unpack_from("<QQQQ16sQIII", sector, 24)


@given(SIZES)
def test_both_headers_agree_and_their_checksums_hold(size: int) -> None:
    head, tail = tables(DISK, size, layout(DISK, size, PC), b"")
    last = size // SECTOR - 1
    here, other, first, last_usable, disk, at, count, width, crc = parse_header(head[SECTOR : 2 * SECTOR])
    assert (here, other, at, disk) == (1, last, 2, DISK.bytes_le)
    assert zlib.crc32(head[2 * SECTOR :]) == crc
    assert len(head) == (2 + count * width // SECTOR) * SECTOR
    backup = parse_header(tail[-SECTOR:])
    assert backup[:6] == (last, 1, first, last_usable, disk, last - 32)
    assert tail[:-SECTOR] == head[2 * SECTOR :]


@given(SIZES)
def test_partitions_lie_inside_the_disk_aligned_and_apart(size: int) -> None:
    partitions = layout(DISK, size, PC)
    assert [partition.name for partition in partitions] == ["bios", "efi", "root"]
    end = 34 * SECTOR
    for partition in partitions:
        assert partition.offset % MIB == 0
        assert partition.offset >= end
        end = partition.offset + partition.size
    assert end <= size - END_RESERVE
    assert partitions[-1].offset == ROOT_OFFSET


def test_a_machine_without_bios_has_no_partition_for_it_and_a_root_of_its_own_type() -> None:
    efi, root = layout(DISK, 100 * MIB, ARM)
    assert (efi.name, root.name, root.offset) == ("efi", "root", ROOT_OFFSET)
    assert root.kind == ARM.root != PC.root
    assert boot_sector(b"", last=999)[:440] == bytes(440)


def test_an_entry_counts_its_last_sector_in() -> None:
    entry = layout(DISK, 100 * MIB, PC)[0].entry
    assert len(entry) == 128
    assert struct.unpack_from("<QQ", entry, 32) == (BIOS_OFFSET // SECTOR, (BIOS_OFFSET + BIOS_SIZE) // SECTOR - 1)
    assert entry[56:].decode("utf-16-le").rstrip("\0") == "bios"


def test_a_disk_without_room_for_the_root_is_refused() -> None:
    with pytest.raises(BuildError, match="too small"):
        layout(DISK, 43 * MIB, PC)


def test_the_boot_sector_finds_grubs_core_and_protects_the_table() -> None:
    sector = boot_sector(bytes([0x11]) * 512, last=999)
    assert len(sector) == 512
    assert sector[510:] == b"\x55\xaa"
    assert struct.unpack_from("<Q", sector, 0x5C) == (BIOS_OFFSET // SECTOR,)
    assert sector[0x66:0x68] == b"\x90\x90"
    assert sector[0x5B] == 0x11
    assert sector[446 + 4] == 0xEE
    assert struct.unpack_from("<II", sector, 446 + 8) == (1, 999)


def test_grubs_core_is_told_where_its_other_sectors_are() -> None:
    core = core_image(bytes([0x22]) * (5 * SECTOR + 7))
    assert len(core) == 6 * SECTOR
    assert struct.unpack_from("<QHH", core, SECTOR - 12) == (BIOS_OFFSET // SECTOR + 1, 5, 0x2222)


def test_a_core_that_does_not_fit_its_partition_is_refused() -> None:
    with pytest.raises(BuildError, match="does not fit"):
        core_image(bytes(BIOS_SIZE + 1))
