"""A disk with container images for a machine without a registry: the machine loads what is on MAILNIX-IMAGES."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from mailnix.errors import BuildError, CommandFailed
from mailnix.image.archives import CHUNK, GZIP, SAVE, ZSTD, Saved, ensure, saved
from mailnix.image.cache import need_space, plainly, scratch
from mailnix.image.formats import convert, need_tools
from mailnix.image.values import MIB, Format, Progress, silent
from mailnix.model.architecture import Architecture
from mailnix.run import Runner, require, run
from mailnix.services.mailcow.pinned_images import IMAGES, Image, wanted

LABEL: Final = "MAILNIX-IMAGES"
NAME: Final = "mailcow-images"
BLOCK: Final = 1024  # bytes
ROOM: Final = 16 * MIB
"""On the disk, beside its files and an eighth of what they take: the file system's own."""


def images_disk(
    files: Sequence[Path],
    images: Iterable[Image],
    out: Path,
    form: Format = Format.RAW,
    *,
    architecture: Architecture = Architecture.AMD64,
    runner: Runner = run,
    progress: Progress = silent,
) -> Path:
    """Make the disk from archives of `docker save` (as they are, or packed by gzip or zstd); gives its file in `out`.

    Every archive is read to its end and compared with the pin first. Raises BuildError, before `out` changes.
    """
    require("mkfs.ext4", "e2fsprogs")
    need_tools(form)
    with plainly(out), scratch(out, NAME) as work:
        folder = work / "files"
        folder.mkdir()
        need_space(folder, room(files, folder, form, runner))
        found: list[Saved] = []
        for number, file in enumerate(files):
            progress(f"{file.name}: reading it to its end")
            archive = folder / f"{number:02}.tar"
            unpacked(file, archive, runner)
            found += saved(archive, file.name)
        unpinned = ensure(found, images, architecture)
        if unpinned:
            progress(f"no digest is pinned of {len(unpinned)} images: names, architecture and content are as they say")
        disk = work / f"{NAME}.raw"
        runner(disk_argv(folder, disk))
        place = out / f"{NAME}.{form}"
        if form is not Format.RAW:
            convert(disk, work / place.name, form, runner)
        (work / place.name).replace(place)
    return place


def images_of(source: Path | None) -> tuple[Image, ...]:
    """The images that Mailcow's tree runs: the user's, or the pinned one where that is None."""
    if source is None:
        return IMAGES
    compose = source / "docker-compose.yml"
    if not compose.is_file():
        raise BuildError(f"{source} is not a tree of Mailcow", "give the folder that holds docker-compose.yml")
    return wanted(compose.read_text("utf-8", errors="replace"))


def room(files: Iterable[Path], folder: Path, form: Format, runner: Runner = run) -> int:
    """Bytes that the disk takes while it is made of archives: each of them unpacked, then all on it, then converted.

    A packed one is read to its end for that: neither format is sure to say how much is in it.
    """
    copied = whole = 0
    for file in files:
        with _readable(file):
            size = unpacked_size(file, runner)
            linked = _packing(file) is None and file.stat().st_dev == folder.stat().st_dev
        whole += size
        copied += 0 if linked else size
    disk = disk_blocks(whole) * BLOCK
    return copied + (disk if form is Format.RAW else 2 * disk)


def unpacked_size(file: Path, runner: Runner = run) -> int:
    """Bytes of an archive when it is unpacked, or of as much of it as can be."""
    packing = _packing(file)
    if packing is None:
        return file.stat().st_size
    if packing == ZSTD:
        require("zstd", "zstd")
        return int(runner(["sh", "-c", 'zstd -d -c -q -- "$1" | wc -c', "sh", file]).stdout)
    with gzip.open(file) as packed:
        return sum(len(chunk) for chunk in iter(lambda: packed.read(CHUNK), b""))


def _packing(file: Path) -> bytes | None:
    """How a packed file begins; None for one that is not."""
    with file.open("rb") as source:
        head = source.read(len(ZSTD))
    return next((packing for packing in (ZSTD, GZIP) if head.startswith(packing)), None)


def unpacked(file: Path, target: Path, runner: Runner = run) -> None:
    """Put an archive to `target` uncompressed; raises BuildError where it cannot be read to its end."""
    with _readable(file):
        packing = _packing(file)
        if packing is None:
            _shared(file, target)
        elif packing == ZSTD:
            runner([require("zstd", "zstd"), "-d", "-q", "-o", target, file])
        else:
            with gzip.open(file) as packed, target.open("wb") as plain:
                shutil.copyfileobj(packed, plain, CHUNK)


@contextlib.contextmanager
def _readable(file: Path) -> Iterator[None]:
    """What goes wrong with an archive, as BuildError."""
    try:
        yield
    except FileNotFoundError:
        raise BuildError(f"{file} does not exist", "name a file that docker save has made") from None
    except (OSError, EOFError, zlib.error, CommandFailed) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise BuildError(f"{file} cannot be read to its end: {why}", SAVE) from None


def _shared(file: Path, target: Path) -> None:
    """Copy without copying, where both are on one file system; else byte by byte."""
    try:
        os.link(file.resolve(), target)
    except OSError:
        shutil.copyfile(file, target)


def disk_blocks(size: int) -> int:
    """Blocks of the disk for so many bytes of files."""
    return (size + size // 8 + ROOM) // BLOCK


def disk_argv(folder: Path, disk: Path) -> list[str]:
    """Make an ext4 file system of a folder's files, which belong to root there."""
    blocks = disk_blocks(sum(file.stat().st_size for file in folder.iterdir()))
    # fmt: off
    return [
        "mkfs.ext4", "-q", "-F", "-b", "4096", "-L", LABEL, "-m", "0", "-O", "^has_journal,^resize_inode",
        "-E", "root_owner=0:0", "-d", str(folder), str(disk), f"{blocks}k",
    ]
    # fmt: on
