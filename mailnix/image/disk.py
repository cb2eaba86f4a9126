"""A machine's disk image: a copy of its base, with the machine's own files written into it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mailnix.errors import BuildError
from mailnix.image import debugfs
from mailnix.image.base import build_bases, write_tables
from mailnix.image.cache import Base, copy_sparse, file_digest, locked, need_space, plainly, scratch
from mailnix.image.formats import convert, need_tools
from mailnix.image.gpt import ROOT_OFFSET
from mailnix.image.loaders import LOADERS
from mailnix.image.manifest import ManifestEntry, read_manifest, with_entries, write_manifest
from mailnix.image.values import MIB, Format, HostBuild, Progress, silent
from mailnix.run import Runner, end_all, require, run

FILES_DATE = 1735689600
"""The date of every file that we write, 2025-01-01: the same inputs give the same image, bit for bit."""

AT_ONCE = 2
"""Machines whose files are written at the same time: each is a few seconds of one processor."""

SHARE_OF_SLACK = 0.75
"""How much of the base's free space a machine's own files may take; logs and state need the rest before it grows."""


def build_image(
    host: HostBuild,
    out: Path,
    form: Format = Format.RAW,
    *,
    cache: Path | None = None,
    mirrors: Sequence[str] = (),
    runner: Runner = run,
    progress: Progress = silent,
) -> ManifestEntry:
    """Make the disk image of one machine in the folder `out`, and note it in the manifest there."""
    return build_images((host,), out, form, cache=cache, mirrors=mirrors, runner=runner, progress=progress)[0]


def build_images(
    hosts: Sequence[HostBuild],
    out: Path,
    form: Format = Format.RAW,
    *,
    cache: Path | None = None,
    mirrors: Sequence[str] = (),
    runner: Runner = run,
    progress: Progress = silent,
) -> tuple[ManifestEntry, ...]:
    """Make the disk images of machines in the folder `out`, with a manifest: all of them, or none.

    Raises ToolMissing, BuildError or CommandFailed; `out` then is as it was before.
    """
    need_tools(form)
    require("debugfs", "e2fsprogs")
    with plainly(out), locked(out / ".mailnix.lock", progress), scratch(out, "mailnix-build") as work:
        old = read_manifest(out)
        bases = build_bases([h.base for h in hosts], cache=cache, mirrors=mirrors, runner=runner, progress=progress)
        need_space(out, sum(_room(host, base, form) for host, base in zip(hosts, bases, strict=True)))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            pairs = zip(hosts, bases, strict=True)
            tasks = [pool.submit(_build, host, base, work, form, runner, progress) for host, base in pairs]
            try:
                entries = tuple(task.result() for task in tasks)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                end_all()  # see `build_bases`
                raise
        for entry in entries:
            (work / entry.file).replace(out / entry.file)
        write_manifest(out, with_entries(old, entries))
    return entries


def _room(host: HostBuild, base: Base, form: Format) -> int:
    """Bytes needed at most while a machine's image is made: what the base holds, once more where it is converted."""
    own = sum(debugfs.walk(extra).size for extra in host.extra_trees)
    return (base.disk.stat().st_blocks * 512 + own) * (1 if form is Format.RAW else 2) + 64 * MIB


def _build(host: HostBuild, base: Base, work: Path, form: Format, runner: Runner, progress: Progress) -> ManifestEntry:
    progress(f"{host.name}: writing {len(host.tree)} files into a copy of its base")
    stage = work / f"{host.name}.stage"
    stage.mkdir()
    change = debugfs.merge((debugfs.stage(host.tree, stage), *map(debugfs.walk, host.extra_trees)))
    if change.size > base.slack * SHARE_OF_SLACK:
        raise BuildError(
            f"{host.name}: its own files take {change.size // MIB} MiB, more than its base image has room for",
            "leave out large extra trees, or give the machine more slack",
        )
    raw = work / f"{host.name}.raw"
    copy_sparse(base.disk, raw)
    size = disk_size(host, base)
    if size != base.size:
        write_tables(raw, base.key, size, base.boot_img, LOADERS[host.architecture])
    write_change(raw, change, base, runner)
    inputs = inputs_digest(base.key, change, size)
    shutil.rmtree(stage)
    return _finished(host, base, raw, form, inputs, runner, progress)


def disk_size(host: HostBuild, base: Base) -> int:
    """The virtual size of the machine's disk in bytes, whole MiB; raises BuildError where the base does not fit."""
    if host.disk_size is None:
        return base.size
    size = host.disk_size // MIB * MIB
    if size < base.size:
        raise BuildError(f"{host.name}: a disk of {size // MIB} MiB is too small", f"give it {base.size // MIB} MiB")
    return size


def write_change(raw: Path, change: debugfs.Change, base: Base, runner: Runner) -> None:
    """Write files and links into the root file system of a disk image, and look at each of them afterwards."""
    place = f"{raw}?offset={ROOT_OFFSET}"
    tool = require("debugfs", "e2fsprogs")
    script = raw.with_suffix(".debugfs")
    script.write_text(debugfs.script(change, base.kinds, FILES_DATE))
    done = runner([tool, "-w", "-f", str(script), place])
    bad = debugfs.complaints(done.stdout, done.stderr)
    if not bad:
        script.write_text(debugfs.stat_script(change))
        bad = debugfs.mismatches(change, runner([tool, "-f", str(script), place]).stdout)
    script.unlink()
    if bad:
        raise BuildError(f"{len(bad)} files could not be written into {raw.name}: {bad[0]}", "run it again")


def inputs_digest(base_key: str, change: debugfs.Change, size: int) -> str:
    """One name for all that goes into an image: equal for equal inputs."""
    digest = hashlib.sha256(f"{base_key} {size} {FILES_DATE}\n".encode())
    for source in change.files:
        content = hashlib.sha256(source.native.read_bytes()).hexdigest()
        digest.update(f"{source.path} {source.mode:o} {content}\n".encode())
    for link in change.links:
        digest.update(f"{link.path} -> {link.target}\n".encode())
    return digest.hexdigest()


def _finished(
    host: HostBuild, base: Base, raw: Path, form: Format, inputs: str, runner: Runner, progress: Progress
) -> ManifestEntry:
    image = raw
    virtual_size = raw.stat().st_size
    if form is not Format.RAW:
        progress(f"{host.name}: converting to {form}")
        image = raw.with_suffix(f".{form}")
        convert(raw, image, form, runner)
        raw.unlink()
    progress(f"{host.name}: computing its checksum")
    return ManifestEntry(
        host=host.name,
        file=image.name,
        format=form,
        size=image.stat().st_size,
        virtual_size=virtual_size,
        sha256=file_digest(image),
        base=base.key,
        inputs=inputs,
        packages=base.packages,
    )
