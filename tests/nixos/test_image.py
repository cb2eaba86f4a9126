"""The image of a NixOS machine, as far as it can be made without nixpkgs' programs: nixpkgs' own steps, by Debian's."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from mailnix.run import run
from tests.nixos.conftest import Nix

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
TOOLS = ("parted", "sgdisk", "partx", "mkfs.ext4", "mkfs.vfat", "sfdisk", "blkid")
SECTOR = 512
# Type ids of partitions: UEFI Specification, "GUID Partition Table"; GRUB's manual, "BIOS installation".
ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
GRUB_BIOS = "21686148-6449-6E6F-744E-656564454649"
# What would copy a closure and a file system without root; they keep what they were asked.
FAKES = {
    "nix-store": "cat >/dev/null 2>&1 </dev/null; exit 0",
    "nixos-install": 'mkdir -p "$2/nix/store"; head -c 3000000 /dev/zero >"$2/nix/store/closure"; echo "$@" >installed',
    "cptofs": 'echo "$@" >copied',
}


@pytest.fixture(scope="module")
def image(nix: Nix, nixpkgs: Path) -> Any:
    modules = f"[ (import {REPOSITORY}/modules).default {REPOSITORY}/hosts/proxy ]"
    return nix.eval(f"import {HERE}/image.nix {{ tree = {nixpkgs}; modules = {modules}; }}")


@pytest.fixture(scope="module")
def disk(image: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw disk before a machine would install GRUB on it: partitions, and both file systems with their labels."""
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    work = tmp_path_factory.mktemp("image")
    for name, script in FAKES.items():
        path = work / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    first, _, steps = image["preVM"].partition("\n")
    assert first.startswith("export PATH=/nix/store/")
    registration = re.sub(r"< /nix/store/\S+", "</dev/null", steps)
    environment = {"PATH": f"{work}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": str(work), "out": f"{work}/out"}
    run(["bash", "-e", "-c", f"cd {work}\n{registration}"], env=environment, timeout=120)
    return work / "nixos.raw"


def partitions(disk: Path) -> list[dict[str, Any]]:
    table = json.loads(run(["sfdisk", "--json", disk]).stdout)["partitiontable"]
    assert table["label"] == "gpt"
    found: list[dict[str, Any]] = sorted(table["partitions"], key=lambda part: int(part["node"][-1]))
    return found


def file_system(disk: Path, part: dict[str, Any]) -> dict[str, str]:
    """What udev would see in a partition."""
    words = ["blkid", "--probe", "--output", "export", f"--offset={part['start'] * SECTOR}"]
    said = run([*words, f"--size={part['size'] * SECTOR}", disk]).stdout
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


def test_both_kinds_of_firmware_find_their_partition_and_the_last_one_can_grow(disk: Path) -> None:
    esp, grub, root = partitions(disk)
    assert (esp["type"], grub["type"]) == (ESP, GRUB_BIOS)
    assert esp["start"] + esp["size"] <= root["start"]
    assert esp["size"] * SECTOR > 900 * 1024**2, "every generation's kernel is there"
    assert grub["start"] + grub["size"] <= esp["start"]
    slack = disk.stat().st_size - (root["start"] + root["size"]) * SECTOR
    assert slack < 3 * 1024**2


def test_the_machine_mounts_by_the_labels_that_the_image_gives(image: Any, disk: Path) -> None:
    esp, _, root = partitions(disk)
    label = re.search(r"^mkfs\.vfat -n (\S+) /dev/vda1$", image["buildCommand"], re.M)
    assert label
    offset, kilobytes = esp["start"], esp["size"] * SECTOR // 1024
    run(["mkfs.vfat", f"--offset={offset}", "-n", label[1], disk, str(kilobytes)])
    made = {
        f"/dev/disk/by-label/{found['LABEL']}": found["TYPE"] for found in (file_system(disk, p) for p in (esp, root))
    }
    assert made == {image["devices"]["/boot"]: "vfat", image["devices"]["/"]: "ext4"}


def test_grub_is_for_both_kinds_of_firmware_on_the_builders_disk_alone(image: Any) -> None:
    assert image["grub"] == {"devices": ["/dev/vda"], "efiSupport": True, "efiInstallAsRemovable": True}
    assert image["boot"] == "/boot"
    assert "mount /dev/vda1 /mnt/boot" in image["buildCommand"]
    assert image["later"] == ["nodev"]


def test_the_root_partition_that_grows_is_the_one_that_is_mounted(image: Any) -> None:
    assert f'rootDevice="{image["devices"]["/"]}"' in image["grows"]


def test_the_image_has_the_machine_and_no_copy_of_nixpkgs(image: Any, disk: Path) -> None:
    words = (disk.parent / "installed").read_text().split()
    assert words[:3] == ["--root", f"{disk.parent}/root", "--no-bootloader"]
    assert re.fullmatch(r"/nix/store/\w+-nixos-system-proxy-.*", words[words.index("--system") + 1])
    assert "--no-channel-copy" in words
    assert (disk.parent / "copied").read_text().split()[:5] == ["-p", "-P", "3", "-t", "ext4"]
    assert image["filePath"] == f"{image['hostName']}.img"
