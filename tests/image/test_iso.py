"""A medium, opened with other programs than made it: what is on it, and how each firmware starts it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from uuid import UUID

import pytest
from attrs import evolve

from mailnix.errors import BuildError
from mailnix.image.gpt import EFI_SYSTEM, SECTOR, layout, tables
from mailnix.image.iso import BASIC_DATA, FOLDER, LONGEST_LABEL, SETTINGS, Medium, disk_id, make_iso
from mailnix.image.live import FILES, Live
from mailnix.image.loaders import LOADERS
from mailnix.image.values import MIB
from mailnix.model.architecture import Architecture
from mailnix.run import run
from tests.image.fake_live import content

IDENTITY = UUID("01234567-89ab-cdef-0123-456789abcdef")
MEDIUM = Medium("internal", Path("/out/internal.raw.gz"), "a1b2c3d4" * 8, IDENTITY)

needs_tools = pytest.mark.skipif(
    not all(map(shutil.which, ("xorrisofs", "xorriso", "mcopy", "sfdisk"))),
    reason="programs are missing: xorriso, mtools, fdisk",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A medium with an image of a few bytes, in folders whose names mean something to xorriso."""
    folder = tmp_path_factory.mktemp("a=b")
    for name in FILES:
        (folder / name).write_bytes(content(name))
    image = folder / "internal.raw.gz"
    image.write_bytes(b"packed")
    work = folder / "work"
    work.mkdir()
    target = folder / "internal.iso"
    make_iso(evolve(MEDIUM, image=image), Live("key", folder), {"install.sh": "exit\n"}, work, target)
    return target


def on_it(medium: Path, path: str, tmp_path: Path) -> bytes:
    out = tmp_path / Path(path).name
    run(["xorriso", "-osirrox", "on", "-indev", medium, "-extract", path, out])
    return out.read_bytes()


@needs_tools
def test_all_that_is_needed_is_in_one_folder(made: Path, tmp_path: Path) -> None:
    listed = run(["xorriso", "-indev", made, "-find", f"/{FOLDER}", "-type", "f"]).stdout
    names = {Path(line.strip("'")).name for line in listed.splitlines()}
    own = {"internal.raw.gz", "install.sh", "grub.cfg", SETTINGS}
    assert names == own | {"vmlinuz", "initrd.img", "eltorito.img"}
    assert on_it(made, f"/{FOLDER}/internal.raw.gz", tmp_path) == b"packed"
    assert on_it(made, f"/{FOLDER}/vmlinuz", tmp_path) == content("vmlinuz")


@needs_tools
def test_both_firmwares_find_it_on_a_cd(made: Path) -> None:
    told = run(["xorriso", "-indev", made, "-report_el_torito", "plain"]).stdout
    assert re.findall(r"^El Torito boot img : +\d +(\w+) +(y)", told, re.M) == [("BIOS", "y"), ("UEFI", "y")]


@needs_tools
def test_both_firmwares_find_it_on_a_stick(made: Path) -> None:
    table = json.loads(run(["sfdisk", "--json", made]).stdout)["partitiontable"]
    kinds = [UUID(each["type"]) for each in table["partitions"]]
    assert (table["label"], kinds[:2]) == ("gpt", [BASIC_DATA, EFI_SYSTEM])
    assert made.read_bytes().startswith(content("boot_hybrid.img")[:100])  # the BIOS's


@needs_tools
def test_the_signed_boot_loader_looks_for_this_medium(made: Path) -> None:
    table = json.loads(run(["sfdisk", "--json", made]).stdout)["partitiontable"]
    place = f"{made}@@{table['partitions'][1]['start'] * SECTOR}"
    shown = run(["mtype", "-i", place, "::/EFI/debian/grub.cfg"], env={"MTOOLS_SKIP_CHECK": "1"}).stdout
    assert shown.splitlines() == MEDIUM.early_cfg.splitlines()
    assert run(["blkid", "-p", "-o", "value", "-s", "LABEL", made]).stdout.strip() == MEDIUM.label
    assert f"--label {MEDIUM.label}\n" in shown


@needs_tools
@pytest.mark.parametrize(("path", "name"), [("BOOTX64.EFI", "shimx64.efi"), ("grubx64.efi", "grubx64.efi")])
def test_what_debian_has_signed_is_where_the_firmware_looks(made: Path, tmp_path: Path, path: str, name: str) -> None:
    table = json.loads(run(["sfdisk", "--json", made]).stdout)["partitiontable"]
    place = f"{made}@@{table['partitions'][1]['start'] * SECTOR}"
    run(["mcopy", "-n", "-i", place, f"::/EFI/BOOT/{path}", tmp_path / path], env={"MTOOLS_SKIP_CHECK": "1"})
    assert (tmp_path / path).read_bytes() == content(name)


def test_a_label_is_a_name_of_a_volume_and_this_images_own() -> None:
    assert MEDIUM.label == "MAILNIX_INTERNAL_A1B2C3D4"
    long = evolve(MEDIUM, machine="a-very-long.name-of-a-machine")
    assert re.fullmatch(r"[A-Z0-9_]+", long.label)
    assert len(long.label) <= LONGEST_LABEL
    assert long.label.endswith("_A1B2C3D4")


def test_the_live_system_is_told_which_medium_is_its_own() -> None:
    assert f"boot=mailnix mailnix.medium={MEDIUM.label} " in MEDIUM.grub_cfg
    assert "console=tty0 console=ttyS0,115200" in MEDIUM.grub_cfg


def test_a_disk_is_written_without_a_question_only_where_one_was_named() -> None:
    asked, unasked = MEDIUM.settings, evolve(MEDIUM, disk_serial="S4-X").settings
    assert asked == f"machine=internal\ndisk_id={IDENTITY}\n"
    assert unasked == f"{asked}disk_serial=S4-X\n"


def test_a_disk_is_known_by_the_id_of_its_table() -> None:
    head, _ = tables(IDENTITY, 64 * MIB, layout(IDENTITY, 64 * MIB, LOADERS[Architecture.AMD64]), b"")
    assert disk_id(head) == IDENTITY


@pytest.mark.parametrize("head", [b"", bytes(2 * SECTOR), bytes(SECTOR) + b"EFI PART"])
def test_a_disk_without_a_table_is_refused(head: bytes) -> None:
    with pytest.raises(BuildError, match="no GUID partition table"):
        disk_id(head)
