"""The system that an installing medium starts: a kernel and an initramfs of Debian's own tools, made once and cached.

It is the machines' own kernel, with every driver of disks and keyboards, started by the same signed shim and GRUB; all
that it does is to run the program that it finds on its medium.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.debian.packages import KERNEL
from mailnix.errors import BuildError, CommandFailed
from mailnix.image import bootstrap, debs
from mailnix.image.base import explained
from mailnix.image.cache import cache_dir, file_digest, locked, need_space, plainly, scratch
from mailnix.image.loaders import LOADERS as EVERY
from mailnix.image.values import MIB, Progress, silent
from mailnix.model.architecture import Architecture
from mailnix.run import Runner, require, run

PROCESSOR: Final = Architecture.AMD64
LOADERS: Final = EVERY[PROCESSOR]
PACKAGES: Final = ("busybox", "fdisk", "initramfs-tools", "kmod", "udev", "zstd", *LOADERS.packages)
SHIM: Final = "shimx64.efi"
GRUB: Final = "grubx64.efi"
FILES: Final = ("vmlinuz", "initrd.img", SHIM, GRUB, "eltorito.img", "boot_hybrid.img")
"""What a medium is made of; live-collect.sh puts it into COLLECTED."""

COLLECTED: Final = "/mailnix-live"
SCRIPTS: Final = {"extract": "slim", "essential": "live-prepare", "customize": "live-collect"}
"""mmdebstrap's stages, and our script for the end of each."""

SUMS: Final = "sums.json"
SPACE_NEEDED: Final = 1024 * MIB


@frozen
class Live:
    """The folder with FILES, and the key that names what is in it: equal inputs, equal key."""

    key: str
    folder: Path


def live_key(mirrors: Sequence[str] = ()) -> str:
    """Names a live system: another when anything that goes into it changes."""
    scripts = {name: bootstrap.script(name) for name in SCRIPTS.values()}
    inputs = [bootstrap.SUITE, PACKAGES, KERNEL, scripts, mirrors, LOADERS.env]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:20]


def mmdebstrap_argv(out: Path, mirrors: Sequence[str], fetched: Path) -> list[str]:
    """Install the packages into a root that nobody keeps, and copy COLLECTED to `out`. It wants `mmdebstrap_env`."""
    return [
        *bootstrap.mmdebstrap(PROCESSOR),
        "--format=null",
        f"--include={','.join((*PACKAGES, KERNEL))}",
        *debs.argv(fetched),
        *(bootstrap.hook(stage, name) for stage, name in SCRIPTS.items()),
        f"--customize-hook=sync-out {COLLECTED} {shlex.quote(str(out))}",
        bootstrap.SUITE,
        "/dev/null",
        *mirrors,
    ]


def mmdebstrap_env() -> dict[str, str]:
    """The scripts, by variable: a namespace's root may not read our files; and where Debian's signed loaders are."""
    return {**bootstrap.hooks_env(*SCRIPTS.values()), **LOADERS.env}


def build_live(
    *, cache: Path | None = None, mirrors: Sequence[str] = (), runner: Runner = run, progress: Progress = silent
) -> Live:
    """The live system, from the cache if a whole one is there; others of the cache are removed when one is made.

    Raises ToolMissing or BuildError; the cache then is as it was before.
    """
    key = live_key(mirrors)
    store = (cache or cache_dir()) / "live"
    folder = store / key
    with plainly(store), locked(store / "lock", progress):
        if _whole(folder):
            progress(f"live system {key}: from the cache")
            return Live(key, folder)
        require("mmdebstrap", "mmdebstrap")
        with scratch(store, "new") as work:
            need_space(store, SPACE_NEEDED)
            out = work / "out"
            out.mkdir()
            with debs.shared(store.parent / "debs", work / "debs") as fetched:
                _make(key, out, mirrors, fetched, runner, progress)
            for old in store.glob("*/"):
                if old != work:
                    shutil.rmtree(old, ignore_errors=True)
            out.replace(folder)
    return Live(key, folder)


def _make(key: str, out: Path, mirrors: Sequence[str], fetched: Path, runner: Runner, progress: Progress) -> None:
    progress(f"live system {key}: installing {len(PACKAGES)} packages and what they need (about a minute)")
    lines: list[str] = []
    try:
        runner(mmdebstrap_argv(out, mirrors, fetched), env=mmdebstrap_env(), on_line=lines.append)
    except CommandFailed as failure:
        raise explained(lines) from failure
    missing = [name for name in FILES if not (out / name).is_file()]
    if missing:
        raise BuildError(f"the live system has no {', '.join(missing)}", "run the same command again")
    (out / SUMS).write_text(json.dumps({name: file_digest(out / name) for name in FILES}))


def _whole(folder: Path) -> bool:
    try:
        sums = json.loads((folder / SUMS).read_text())
        return all(file_digest(folder / name) == sums[name] for name in FILES)
    except (OSError, ValueError, KeyError, TypeError):
        return False
