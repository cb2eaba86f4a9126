"""One Debian root: where Nix builds, and the /usr of the machines that are built there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.errors import BuildError, CommandFailed
from mailnix.image import bootstrap, debs
from mailnix.image.base import explained, npm_tree
from mailnix.image.cache import UNUSED_DAYS, locked, need_space, scratch
from mailnix.image.values import MIB, Progress, silent
from mailnix.run import Runner, require, run

LAYER: Final = Path(__file__).parent / "layer"
"""Nix expressions and scripts, which Nix and sh read where they are."""

FORMAT_VERSION: Final = 1
SPACE_NEEDED: Final = 6 * 1024 * MIB
NPM: Final = "usr/lib/debian/npm"
TOOLS: Final = (("mmdebstrap", "mmdebstrap"), ("npm", "npm"), ("unshare", "util-linux"), ("mkfs.ext4", "e2fsprogs"))


@frozen
class Root:
    """A root in the cache; its /nix keeps what was built."""

    folder: Path

    @property
    def system(self) -> Path:
        """What Nix sees as /."""
        return self.folder / "root"

    @property
    def kernel(self) -> Path:
        """Debian's kernel, which the machines boot."""
        return self.folder / "boot" / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """Its initrd."""
        return self.folder / "boot" / "initrd"


def packages() -> tuple[str, ...]:
    """Debian's packages that stubs point into, Nix among them."""
    return tuple((LAYER / "packages.txt").read_text().split())


def key() -> str:
    """Names a root: other when anything that goes into it changes."""
    lock = (bootstrap.NPM / "package-lock.json").read_text()
    inputs = [FORMAT_VERSION, bootstrap.SUITE, packages(), (LAYER / "fit.sh").read_text(), lock]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]


def root(cache: Path, runner: Runner = run, progress: Progress = silent) -> Root:
    """The root, from the cache if it is there (2 to 7 minutes else). Raises ToolMissing or BuildError."""
    ensure_root()
    store = cache / "root"
    made = store / key()
    with locked(store / "lock", progress):
        if not made.exists():
            for tool, package in TOOLS:
                require(tool, package)
            store.mkdir(parents=True, exist_ok=True)
            forget(store, progress)
            need_space(store, SPACE_NEEDED)
            with scratch(store, made.name) as work:
                _make(work, cache.parent / "debs", runner, progress)
                (work / "new").rename(made)
        made.touch()
    return Root(made)


def ensure_root(hint: str = "run it with sudo", user: int | None = None) -> None:
    """Raise BuildError where `user` (we ourselves, where none is named) is not root."""
    if (os.geteuid() if user is None else user) != 0:
        raise BuildError("NixOS machines are built in a Debian root, which only root can enter", hint)


def forget(store: Path, progress: Progress) -> None:
    """Remove what nobody has used for a month; another checkout may be at work in what is younger."""
    for old in store.glob("[!.]*/"):
        if time.time() - old.stat().st_mtime > UNUSED_DAYS * 86400:
            progress(f"{old}: removed, not used for {UNUSED_DAYS} days")
            shutil.rmtree(old)


def _make(work: Path, kept: Path, runner: Runner, progress: Progress) -> None:
    new = work / "new"
    system = new / "root"
    new.mkdir()
    progress(f"NixOS's layer: installing Debian's programs, {len(packages())} packages (some minutes)")
    lines: list[str] = []
    try:
        with debs.shared(kept, work / "debs") as fetched:
            runner(argv(system, fetched, packages()), on_line=lines.append, env=bootstrap.hooks_env())
    except CommandFailed as failure:
        raise explained(lines) from failure
    shutil.rmtree(system / debs.ARCHIVES[1:], ignore_errors=True)
    runner(["sh", LAYER / "fit.sh", system, new / "boot"])
    npm_tree(system / NPM, runner, progress)


def argv(target: Path, fetched: Path, wanted: Sequence[str]) -> list[str]:
    """Install the packages into the folder `target`."""
    return [
        "mmdebstrap",
        "--mode=unshare",
        "--variant=minbase",
        "--architectures=amd64",
        *bootstrap.APT,
        f"--include={','.join(wanted)}",
        *debs.argv(fetched),
        bootstrap.SUITE,
        str(target),
    ]
