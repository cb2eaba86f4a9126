"""The base image: Debian with its packages, a kernel and boot loaders, made once per package set and cached."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from mailnix.errors import BuildError, CommandFailed
from mailnix.image import bootstrap, debs
from mailnix.image.cache import Base, cache_dir, load, locked, need_space, plainly, prune, save, scratch
from mailnix.image.gpt import BIOS_OFFSET, END_RESERVE, ROOT_OFFSET, core_image, layout, tables
from mailnix.image.loaders import LOADERS, Loaders
from mailnix.image.values import MIB, BaseSpec, Progress, silent
from mailnix.model.architecture import Architecture
from mailnix.run import Runner, end_all, require, run
from mailnix.services.haraka.npm_tree import NODE, NODES

SPACE_NEEDED = 5 * 1024 * MIB
AT_ONCE = 2
"""Bases that are made at the same time."""

TOOLS = (("mmdebstrap", "mmdebstrap"), ("mkfs.ext4", "e2fsprogs"), ("debugfs", "e2fsprogs"), ("mcopy", "mtools"))
FOREIGN = "install qemu-user-static and arch-test (Debian 12), or qemu-user-binfmt and arch-test (13)"
FAILURES = (
    ("Unable to locate package", "Debian has no such package", "check the package names of the machine"),
    ("No space left on device", "the disk is full", "free some space, or point MAILNIX_CACHE at a larger disk"),
    ("Could not resolve", "the Debian mirror cannot be reached", "check the network and DNS of this machine"),
    ("Temporary failure resolving", "the Debian mirror cannot be reached", "check the network and DNS of this machine"),
    ("Could not connect", "the Debian mirror cannot be reached", "check the network, or give another mirror"),
    ("Unable to connect", "the Debian mirror cannot be reached", "check the network, or give another mirror"),
    ("Failed to fetch", "the Debian mirror did not deliver a package", "run the same command again"),
    ("not signed", "the mirror's signature is not trusted", "install the newest debian-archive-keyring"),
    ("NO_PUBKEY", "the mirror's signature is not trusted", "install the newest debian-archive-keyring"),
    ("arch-test", "programs of another processor cannot be run here", FOREIGN),
    ("neither be executed natively", "programs of another processor cannot be run here", FOREIGN),
    ("unshare", "this user may not make user namespaces", "run the same command as root (sudo)"),
    ("newuidmap", "this user may not make user namespaces", "run as root, or install uidmap and give the user subuids"),
)


def build_base(
    spec: BaseSpec,
    *,
    cache: Path | None = None,
    mirrors: Sequence[str] = (),
    runner: Runner = run,
    progress: Progress = silent,
    refresh: bool = False,
) -> Base:
    """The base for `spec`, from the cache if a whole one is there; made anew with `refresh`.

    Raises ToolMissing or BuildError; the cache then is as it was before.
    """
    key = bootstrap.base_key(spec, mirrors)
    store = (cache or cache_dir()) / "base"
    folder = store / key
    with plainly(store), locked(store / f"{key}.lock", progress):
        found = None if refresh else _whole(folder, progress)
        if found is not None:
            progress(f"base image {key}: from the cache, made {found.age_days:.0f} days ago")
            return found
        for tool, package in (*TOOLS, *((("npm", "npm"),) if spec.npm_tree else ())):
            require(tool, package)
        with scratch(store, key) as work:
            need_space(store, SPACE_NEEDED)
            with debs.shared(store.parent / "debs", work / "debs", spec.architecture) as fetched:
                _make(spec, key, work, fetched, mirrors, runner, progress)
            shutil.rmtree(folder, ignore_errors=True)
            (work / "out").replace(folder)
        prune(store, key, progress)
        made = load(folder, verify=False)
    if made is None:
        raise BuildError(f"the base image {folder} vanished while it was made", "run the same command again")
    return made


def build_bases(
    specs: Sequence[BaseSpec],
    *,
    cache: Path | None = None,
    mirrors: Sequence[str] = (),
    runner: Runner = run,
    progress: Progress = silent,
) -> list[Base]:
    """The base for each spec, a few made at the same time: dpkg has use for one processor only. Equal ones are one."""
    distinct = dict.fromkeys(specs)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = {
            spec: pool.submit(build_base, spec, cache=cache, mirrors=mirrors, runner=runner, progress=progress)
            for spec in distinct
        }
        try:
            return [made[spec].result() for spec in specs]
        except BaseException:  # Ctrl-C among them: nobody shall wait for what is of no use any more
            pool.shutdown(wait=False, cancel_futures=True)
            end_all()
            raise


def _whole(folder: Path, progress: Progress) -> Base | None:
    try:
        return load(folder)
    except BuildError as damage:
        progress(f"{damage.message}; making it again")
        return None


def _make(
    spec: BaseSpec, key: str, work: Path, fetched: Path, mirrors: Sequence[str], runner: Runner, progress: Progress
) -> None:
    out, root, tar = work / "out", work / "root", work / "root.tar"
    out.mkdir()
    with ThreadPoolExecutor(1) as pool:  # npm waits for its registry while dpkg computes
        making = partial(npm_tree, work / "npm", runner, progress, spec.architecture)
        haraka = pool.submit(making) if spec.npm_tree else None
        long = "about a minute" if spec.architecture is Architecture.AMD64 else "minutes: much is emulated"
        progress(f"base image {key}: installing {len(spec.packages)} packages and what they need ({long})")
        target = root if os.geteuid() == 0 else tar
        _bootstrap(spec, bootstrap.mmdebstrap_argv(spec, target, mirrors, fetched), key, runner, progress)
        npm = haraka.result() if haraka else None
    progress(f"base image {key}: making its file system and boot loaders")
    if os.geteuid() == 0:
        runner(bootstrap.finish_argv(spec, key, root, out, npm))
    else:
        runner(bootstrap.unprivileged_argv(spec, key, work), env=bootstrap.unprivileged_env())
    _partition(spec, key, out, runner)
    save(out, key, int((out / "root-bytes").read_text()), spec.slack)


def npm_tree(folder: Path, runner: Runner, progress: Progress, architecture: Architecture = Architecture.AMD64) -> Path:
    """Haraka's pinned node_modules, as a folder to be copied to /usr/lib/haraka, with the Node of a processor."""
    progress("base image: installing Haraka's pinned npm packages")
    ours, *others = bootstrap.npm_folders(architecture)
    _install(ours, folder, runner)
    node = folder / "node_modules" / NODES[architecture]
    for other in others:
        # npm refuses what would not run here, unless it is forced.
        made = _install(other, folder / "other", runner, "--force")
        shutil.rmtree(folder / "node_modules" / NODE, ignore_errors=True)
        (made / "node_modules" / node.name).replace(node)
        shutil.rmtree(made)
    for unused in bootstrap.UNUSED_NODE:
        shutil.rmtree(node / unused, ignore_errors=True)
    return folder


def _install(lock: Path, folder: Path, runner: Runner, *more: str) -> Path:
    npm = require("npm", "npm")
    folder.mkdir()
    for name in ("package.json", bootstrap.LOCK):
        shutil.copyfile(lock / name, folder / name)
    hint = "check the network of this machine; npm needs its registry once per base image"
    runner([npm, *bootstrap.npm_argv(*more)[1:]], cwd=folder, hint=hint, timeout=900)
    return folder


def _bootstrap(spec: BaseSpec, argv: Sequence[str], key: str, runner: Runner, progress: Progress) -> None:
    lines: list[str] = []

    def note(line: str) -> None:
        lines.append(line)
        if line.startswith("I: "):
            progress(f"  {key[:6]}: {line[3:].split(':')[0]}")

    try:
        runner(argv, on_line=note, env=bootstrap.mmdebstrap_env(spec, key))
    except CommandFailed as failure:
        raise explained(lines) from failure


def explained(lines: Sequence[str]) -> BuildError:
    """mmdebstrap's failure in one line, from all it printed: the cause if we know its words, else its first error."""
    for words, message, hint in FAILURES:
        for line in lines:
            if words in line:
                return BuildError(f"{message}: {line.strip()}", hint)
    errors = [line for line in lines if "rror" in line or line.startswith("E: ")] or ["it said nothing"]
    return BuildError(f"Debian could not be installed: {errors[0].strip()}", "run the same command again")


def _partition(spec: BaseSpec, key: str, out: Path, runner: Runner) -> None:
    """Boot sector, partition table, GRUB's core and the EFI system partition, around the file system."""
    disk, loaders = out / "disk.raw", LOADERS[spec.architecture]
    root_bytes = int((out / "root-bytes").read_text())
    size = -(-(ROOT_OFFSET + root_bytes) // MIB) * MIB + END_RESERVE
    os.truncate(disk, size)
    for argv in bootstrap.esp_argvs(disk, out, loaders):
        runner(argv, env={"MTOOLS_SKIP_CHECK": "1"})
    write_tables(disk, key, size, (out / "boot.img").read_bytes(), loaders)
    if loaders.bios:
        with disk.open("r+b") as file:
            file.seek(BIOS_OFFSET)
            file.write(core_image((out / "core.img").read_bytes()))


def write_tables(disk: Path, key: str, size: int, boot_img: bytes, loaders: Loaders) -> None:
    """Give the disk image `size` bytes and a partition table whose root partition takes all of them."""
    identity = bootstrap.disk_uuid(key)
    head, tail = tables(identity, size, layout(identity, size, loaders), boot_img if loaders.bios else b"")
    os.truncate(disk, size)
    with disk.open("r+b") as file:
        file.write(head)
        file.seek(size - len(tail))
        file.write(tail)
