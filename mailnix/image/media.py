"""`mailnix build --format iso`: for each machine a medium that installs it, made of its packed image."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from attrs import evolve

from mailnix.errors import BuildError
from mailnix.image import iso
from mailnix.image.beside import SUMS, WRITER, sums
from mailnix.image.bootstrap import script
from mailnix.image.cache import file_digest, locked, need_space, plainly, scratch
from mailnix.image.gpt import SECTOR
from mailnix.image.live import Live, build_live
from mailnix.image.manifest import Manifest, ManifestEntry, read_manifest, with_entries, write_manifest
from mailnix.image.values import MIB, Format, Progress, silent
from mailnix.run import Runner, run

INSTALLER = "install.sh"
MakeImages: TypeAlias = Callable[[Path], object]
"""Makes the machines' images, raw and packed, in a folder, with their manifest."""


def build_media(
    images: MakeImages,
    hosts: Sequence[str],
    out: Path,
    serials: Mapping[str, str],
    *,
    cache: Path | None = None,
    runner: Runner = run,
    progress: Progress = silent,
) -> None:
    """Make the media of `hosts` in the folder `out`, with a manifest: all of them, or none.

    `serials` are the disks that are written without a question, by machine. Raises ToolMissing, BuildError or
    CommandFailed; `out` then is as it was before.
    """
    refuse_serials(serials, hosts)
    iso.need_tools()
    with plainly(out), locked(out / ".mailnix.lock", progress), scratch(out, "mailnix-media") as work:
        old = read_manifest(out)
        live = build_live(cache=cache, runner=runner, progress=progress)
        images(work)
        made = read_manifest(work)
        packed = () if made is None else made.images
        need_space(out, sum(entry.size for entry in packed) + len(packed) * 64 * MIB)
        entries = [_medium(entry, serials.get(entry.host, ""), live, work, runner, progress) for entry in packed]
        for entry in entries:
            (work / entry.file).replace(out / entry.file)
        write_manifest(out, with_entries(old, entries))


def refuse_serials(serials: Mapping[str, str], hosts: Sequence[str]) -> None:
    """Raise BuildError for a disk of a machine that has no medium, and for what is no serial number."""
    for host, serial in serials.items():
        if host not in hosts:
            raise BuildError(f"no medium is made for {host!r}", f"name one of {', '.join(hosts)}")
        if not (serial.isascii() and serial.isprintable() and serial) or " " in serial:
            raise BuildError(
                f"{serial!r} is no serial number", "write it as lsblk -o NAME,SERIAL shows it, without spaces"
            )


def _medium(
    entry: ManifestEntry, serial: str, live: Live, folder: Path, runner: Runner, progress: Progress
) -> ManifestEntry:
    progress(f"{entry.host}: making the medium that installs it")
    image = folder / entry.file
    with gzip.open(image) as plain:
        identity = iso.disk_id(plain.read(2 * SECTOR))
    medium = iso.Medium(entry.host, image, entry.sha256, identity, serial)
    beside = {SUMS: sums(Manifest((entry,))), WRITER: script("write-disk"), INSTALLER: script("install")}
    target = folder / f"{entry.host}.{Format.ISO}"
    with scratch(folder, f"{entry.host}-iso") as work:
        iso.make_iso(medium, live, beside, work, target, runner)
    image.unlink()
    return evolve(entry, file=target.name, format=Format.ISO, size=target.stat().st_size, sha256=file_digest(target))
