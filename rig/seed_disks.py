"""Seed disks as people and providers make them, each by a function in the place of `make_labelled_disk`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from mailnix.run import require, run
from mailnix.services.credentials.names import LABEL_FAT

MIB = 2**20
SIZE = 40 * MIB  # of disks with partitions
START = 1 * MIB  # of their partition

Files = Mapping[str, bytes]
MakeDisk = Callable[[Files, Path, str], object]


def laid(files: Files, out: Path) -> Path:
    """The disk's content as a folder."""
    tree = out.with_suffix(".tree")
    for name, content in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content)
    return tree


def partitioned(out: Path, kind: str, letter: str) -> None:
    """A partition table of a kind of sfdisk's, with one partition."""
    with out.open("wb") as disk:
        disk.truncate(SIZE)
    table = f"label: {kind}\nstart={START // 512}, size={(SIZE - 2 * START) // 512}, type={letter}\n"
    run([require("sfdisk", "fdisk"), "-q", out], stdin=table.encode())


def fat_on_gpt(files: Files, out: Path, _label: str) -> None:
    """As somebody makes a stick who has Windows."""
    tree = laid(files, out)
    partitioned(out, "gpt", "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7")
    place, sectors = f"{out}@@{START}", str((SIZE - 2 * START) // 512)
    geometry = ("-T", sectors, "-h", "16", "-s", "32")
    run([require("mformat", "mtools"), "-i", place, "-F", "-v", LABEL_FAT, *geometry, "::"])
    run([require("mcopy", "mtools"), "-i", place, "-s", *sorted(tree.iterdir()), "::/"])


def ext4_on_mbr(files: Files, out: Path, label: str) -> None:
    """As a partitioning program of Linux makes one."""
    tree = laid(files, out)
    partitioned(out, "dos", "83")
    words = ("-q", "-F", "-L", label, "-E", f"offset={START},root_owner=0:0", "-d", tree, out)
    run([require("mkfs.ext4", "e2fsprogs"), *words, f"{(SIZE - 2 * START) // 1024}k"])


def iso(files: Files, out: Path, label: str) -> None:
    """As providers take them, and show as a CD."""
    run([require("xorrisofs", "xorriso"), "-quiet", "-R", "-V", label, "-o", out, laid(files, out)])
