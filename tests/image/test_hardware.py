"""A built image has the drivers of the hardware that people have: read in its base, which is made by any build."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from mailnix import Internal, Proxy
from mailnix.image.bootstrap import base_key
from mailnix.image.cache import cache_dir, load
from mailnix.image.gpt import ROOT_OFFSET
from mailnix.image.hardware import ARM64_CARDS, ARM64_DISKS, CARDS, DISKS, SEEDS
from mailnix.image.hosts import host_builds
from mailnix.image.values import BaseSpec
from mailnix.model.architecture import Architecture
from mailnix.plan import derive
from mailnix.run import require
from tests.descriptions import PUBLIC4, sound

PCS_ALONE = {"vmw_pvscsi"}
"""Linux has it for x86 alone (drivers/scsi/Kconfig)."""
MODULE = re.compile(rb"/([\w-]+)\.ko(?:\.[gx]z|\.zst)?(?=\0)")
ZSTD = b"\x28\xb5\x2f\xfd"
MADE = "no base image is in the cache; mailnix build makes it"


def bases() -> dict[str, BaseSpec]:
    """What each machine's image starts from, on each processor."""
    found: dict[str, BaseSpec] = {}
    for processor in Architecture:
        machines = {
            "proxies": [Proxy("proxy", PUBLIC4, architecture=processor)],
            "internal": Internal("internal", architecture=processor),
        }
        found |= {f"{host.name}-{processor}": host.base for host in host_builds(derive(sound(**machines)))}
    return found


BASES = bases()


def of_each(kinds: Mapping[str, list[str]], arm64: Mapping[str, list[str]]) -> pytest.MarkDecorator:
    """Each driver of these in each machine's image; `arm64` has what such a one has besides."""
    wanted = [
        (host, kind, driver)
        for host, base in BASES.items()
        for kind, drivers in {**kinds, **(arm64 if base.architecture is Architecture.ARM64 else {})}.items()
        for driver in drivers
        if base.architecture is Architecture.AMD64 or driver not in PCS_ALONE
    ]
    return pytest.mark.parametrize(("host", "kind", "driver"), wanted)


@cache
def base(host: str) -> tuple[Path, frozenset[str]]:
    """The disk of a machine's base, and every path in it; skips where it is not made yet."""
    found = load(cache_dir() / "base" / base_key(BASES[host]), verify=False)
    if found is None:
        pytest.skip(MADE)
    return found.disk, frozenset(found.kinds)


def plain(name: str) -> str:
    """A module's name as the kernel compares it."""
    return name.replace("-", "_")


@cache
def installed(host: str) -> frozenset[str]:
    """Modules in the root file system, and what is compiled into the kernel."""
    _, paths = base(host)
    return compiled(host) | {plain(Path(path).name.partition(".ko")[0]) for path in paths if ".ko" in path}


@cache
def early(host: str) -> frozenset[str]:
    """Modules in the initramfs, and what is compiled into the kernel."""
    disk, paths = base(host)
    (name,) = [path for path in paths if path.startswith("/boot/initrd.img-")]
    image = read(disk, name)
    start = image.index(ZSTD)
    unpacked = subprocess.run(
        [require("zstd", "zstd"), "-dcq"], input=image[start:], stdout=subprocess.PIPE, check=True
    ).stdout
    found = {plain(match.decode()) for match in MODULE.findall(image[:start] + unpacked)}
    return compiled(host) | found


def compiled(host: str) -> frozenset[str]:
    """What is in the kernel itself."""
    disk, paths = base(host)
    lines = read(disk, next(path for path in paths if path.endswith("/modules.builtin"))).decode().splitlines()
    return frozenset(plain(Path(line).stem) for line in lines)


def read(disk: Path, path: str) -> bytes:
    place = f"{disk}?offset={ROOT_OFFSET}"
    done = subprocess.run(
        [require("debugfs", "e2fsprogs"), "-R", f"cat {path}", place], capture_output=True, check=True
    )
    return done.stdout


@of_each(DISKS, ARM64_DISKS)
def test_the_initramfs_reaches_every_disk(host: str, kind: str, driver: str) -> None:
    assert plain(driver) in early(host), kind


@of_each(CARDS, ARM64_CARDS)
def test_every_network_card_has_its_driver(host: str, kind: str, driver: str) -> None:
    assert plain(driver) in installed(host), kind


@of_each(SEEDS, {})
def test_every_seed_disk_can_be_read(host: str, kind: str, driver: str) -> None:
    assert plain(driver) in installed(host), kind
