"""Formats by the names people use, and each converted image opened as who takes it would."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import struct
from pathlib import Path

import pytest
from attrs import frozen

from mailnix.errors import BuildError
from mailnix.image.formats import convert, convert_argv, parse_format
from mailnix.image.values import MIB, Format
from mailnix.run import run

SIZE = 67 * MIB  # of whole MiB, and of no whole cylinder: qemu-img would round a VHD up
PLACE = 5 * MIB
CONTENT = os.urandom(MIB)

needs_qemu_img = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed: qemu-utils")


@frozen
class Opened:
    """What qemu-img calls a format, and bytes that a reader recognizes it by: (place in the file, bytes)."""

    name: str
    place: int
    magic: bytes


CONVERTED = {
    Format.QCOW2: Opened("qcow2", 0, b"QFI\xfb"),
    Format.VMDK: Opened("vmdk", 0, b"KDMV"),
    Format.VHDX: Opened("vhdx", 0, b"vhdxfile"),
    Format.VHD: Opened("vpc", SIZE, b"conectix"),  # a fixed one is raw, and its description comes last
    Format.VDI: Opened("vdi", 0x40, struct.pack("<I", 0xBEDA107F)),
}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """An image with something in the middle."""
    file = tmp_path / "proxy.raw"
    with file.open("wb") as image:
        image.truncate(SIZE)
        image.seek(PLACE)
        image.write(CONTENT)
    return file


def made(raw: Path, form: Format) -> Path:
    target = raw.with_suffix(f".{form}")
    convert(raw, target, form)
    return target


def test_a_format_is_known_by_its_name() -> None:
    assert parse_format("qcow2") is Format.QCOW2


def test_an_unknown_format_names_those_there_are() -> None:
    with pytest.raises(BuildError, match="no image format 'ova'") as caught:
        parse_format("ova")
    assert caught.value.hint == "choose one of raw, raw.gz, qcow2, vmdk, vhdx, vhd, vdi, iso"


@needs_qemu_img
@pytest.mark.parametrize("form", CONVERTED)
def test_a_converted_image_is_of_its_format_as_large_as_asked_and_holds_the_same(raw: Path, form: Format) -> None:
    image, expected = made(raw, form), CONVERTED[form]
    with image.open("rb") as file:
        file.seek(expected.place)
        assert file.read(len(expected.magic)) == expected.magic
    told = json.loads(run(["qemu-img", "info", "--output=json", "-f", expected.name, image]).stdout)
    assert told["virtual-size"] == SIZE
    assert run(["qemu-img", "compare", "-f", "raw", "-F", expected.name, raw, image], check=False).status == 0


@needs_qemu_img
@pytest.mark.parametrize("form", [form for form in CONVERTED if form is not Format.VHD])  # qemu-img checks no VHD
def test_a_converted_image_is_sound(raw: Path, form: Format) -> None:
    checked = run(["qemu-img", "check", "-f", CONVERTED[form].name, made(raw, form)], check=False)
    assert checked.status == 0, checked.stdout + checked.stderr


@needs_qemu_img
def test_a_vmdk_is_the_kind_that_is_uploaded(raw: Path) -> None:
    image = made(raw, Format.VMDK)
    assert b'createType="streamOptimized"' in image.read_bytes()[: 64 * 1024]
    assert image.stat().st_size < 2 * len(CONTENT)


@needs_qemu_img
def test_a_vhd_is_the_kind_that_azure_takes(raw: Path) -> None:
    """Fixed, whole MiB and a footer of 512 bytes, whose sizes are the disk's own."""
    image = made(raw, Format.VHD)
    assert image.stat().st_size == SIZE + 512
    footer = image.read_bytes()[-512:]
    original, current = struct.unpack_from(">QQ", footer, 40)
    (kind,) = struct.unpack_from(">I", footer, 60)
    assert (original, current, kind) == (SIZE, SIZE, 2)
    (checksum,) = struct.unpack_from(">I", footer, 64)
    assert checksum == ~sum(footer[:64] + footer[68:]) & 0xFFFFFFFF


@needs_qemu_img
@pytest.mark.parametrize("form", [Format.QCOW2, Format.VHDX, Format.VDI])
def test_what_is_zero_takes_no_room(raw: Path, form: Format) -> None:
    assert made(raw, form).stat().st_blocks * 512 < SIZE // 4


def test_a_packed_image_is_what_gzip_unpacks_and_the_same_every_time(raw: Path) -> None:
    image = made(raw, Format.RAW_GZ)
    packed = image.read_bytes()
    assert len(packed) < 2 * len(CONTENT)
    assert gzip.decompress(packed) == raw.read_bytes()
    os.utime(raw, (1, 1))
    assert made(raw, Format.RAW_GZ).read_bytes() == packed


def test_qemu_img_is_told_its_own_names() -> None:
    assert convert_argv(Path("a.raw"), Path("a.vhd"), Format.VHD) == [
        "qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o", "subformat=fixed,force_size=on", "a.raw", "a.vhd",
    ]  # fmt: skip
