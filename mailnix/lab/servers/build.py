"""The disk that plain servers start from, and one with the packages that their apt may bring; made once, and cached."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.errors import CommandFailed
from mailnix.image import bootstrap, debs
from mailnix.image.base import explained
from mailnix.image.cache import cache_dir, locked, need_space, scratch
from mailnix.image.values import MIB, Progress, silent
from mailnix.lab.servers.plain import PACKAGES
from mailnix.lab.spec import Kernel, Made
from mailnix.run import Runner, require, run

MIRROR: Final = "/var/local/archive"
"""Where packages lie while the root is made, between apt and their own disk."""
STORE: Final = "plain-servers"
SERIAL: Final = "archive"
"""Of the archive's disk."""
SPACE_NEEDED: Final = 4096 * MIB
SLACK: Final = 256 * MIB
APPEND: Final = "root=/dev/vda rw console=ttyS0 systemd.show_status=1 panic=10"
TOOLS: Final = (
    ("mmdebstrap", "mmdebstrap"),
    ("mkfs.ext4", "e2fsprogs"),
    ("apt-ftparchive", "apt-utils"),
)


@frozen
class Servers:
    """What a lab of plain servers needs: the disk and kernel that each starts from, the archive's disk."""

    made: Made
    archive: Path


def build(
    offered: Sequence[str], *, cache: Path | None = None, runner: Runner = run, progress: Progress = silent
) -> Servers:
    """A bare Debian 13 whose apt can bring `offered` from the archive. Raises ToolMissing or BuildError."""
    store = (cache or cache_dir()) / STORE
    folder = store / key(offered)
    with locked(store / "lock", progress):
        if not folder.exists():
            for tool, package in TOOLS:
                require(tool, package)
            progress("plain servers: installing a bare Debian 13, and fetching what a deploy will install there")
            with scratch(store, folder.name) as work:
                need_space(store, SPACE_NEEDED)
                _make(offered, work, store.parent / "debs", runner)
                for older in store.iterdir():
                    if older.is_dir() and not older.name.startswith("."):
                        shutil.rmtree(older)
                (work / "out").replace(folder)
    return place(offered, cache=cache)


def place(offered: Sequence[str], *, cache: Path | None = None) -> Servers:
    """Where they are, or will be."""
    folder = (cache or cache_dir()) / STORE / key(offered)
    kernel = Kernel(folder / "vmlinuz", folder / "initrd.img", APPEND)
    return Servers(Made(folder / "server.raw", kernel), folder / "archive.raw")


def key(offered: Sequence[str]) -> str:
    """Names it: equal for equal packages and scripts."""
    inputs = [argv(offered, Path(), Path()), bootstrap.script("prepare"), script(), SLACK]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:20]


def script() -> str:
    """Makes both disks of what mmdebstrap made."""
    return files("mailnix.lab.servers").joinpath("disks.sh").read_text()


def argv(offered: Sequence[str], target: Path, fetched: Path) -> list[str]:
    """mmdebstrap's call: install PACKAGES, and fetch what `offered` need beside them."""
    install = f"install {' '.join(sorted(offered))}"
    apt = 'chroot "$1" apt-get -qq -y --no-install-recommends'
    names = f"$({apt} -o Dir::Cache::archives={MIRROR}/ --print-uris {install} | cut -d' ' -f2)"
    return [
        "mmdebstrap",
        "--mode=unshare",
        "--variant=important",
        "--architectures=amd64",
        *bootstrap.APT,
        "--dpkgopt=force-unsafe-io",
        f"--include={','.join(PACKAGES)}",
        bootstrap.hook("essential", "prepare"),
        f'--customize-hook=mkdir -p "$1"{MIRROR}/partial; {apt} --download-only {install}; cd "$1"{debs.ARCHIVES}; '
        f'ln {names} "$1"{MIRROR}/',
        *debs.argv(fetched),
        f'--customize-hook=rm -f "$1"{debs.ARCHIVES}/*.deb',
        bootstrap.SUITE,
        str(target),
    ]


def _make(offered: Sequence[str], work: Path, store: Path, runner: Runner) -> None:
    out = work / "out"
    out.mkdir()
    if os.geteuid() != 0:
        for place in (work, out):
            place.chmod(0o777)  # the namespace's root is another user
    lines: list[str] = []
    with debs.shared(store, work / "debs") as fetched:
        try:
            runner(argv(offered, work / "root.tar", fetched), on_line=lines.append, env=bootstrap.hooks_env("prepare"))
        except CommandFailed as failure:
            raise explained(lines) from failure
    words = ["sh", "-c", script(), "disks", str(work), MIRROR, str(SLACK)]
    runner(words if os.geteuid() == 0 else ["mmdebstrap", "--unshare-helper", *words])
