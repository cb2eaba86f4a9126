"""Make the fake Mailcow: a tree, and a disk with its image and the /usr that all its containers share.

What Debian's packages give is cached by package set, what is ours by content, so that a change takes seconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.errors import BuildError, CommandFailed
from mailnix.image import bootstrap, debs
from mailnix.image.base import explained
from mailnix.image.cache import cache_dir, copy_sparse, data_digest, locked, need_space, scratch
from mailnix.image.images_disk import LABEL
from mailnix.image.values import MIB, Progress, silent
from mailnix.lab.fake_mailcow.archive import IMAGE, contents, programs, write_image
from mailnix.run import Runner, require, run

FORMAT_VERSION: Final = 1
PACKAGES: Final = (
    "ca-certificates",
    "dovecot-imapd",
    "dovecot-lmtpd",
    "dovecot-managesieved",
    "dovecot-pop3d",
    "dovecot-sqlite",
    "nginx-light",
    "openssl",
    "postfix",
    "postfix-pcre",
    "postfix-sqlite",
    "python3",
    "redis-server",
    "rspamd",
    "uacme",
)
UNUSED: Final = ("bootstrap-html", "javascript", "nodejs", "perl", "rspamd/www")  # below /usr/share
ARCHIVE: Final = "fake-mailcow.tar"
ROOM: Final = 32 * MIB  # on the disk, for the archive
KEPT_SECONDS: Final = 30 * 86400
SPACE_NEEDED: Final = 2048 * MIB
TOOLS: Final = (("mmdebstrap", "mmdebstrap"), ("mkfs.ext4", "e2fsprogs"), ("debugfs", "e2fsprogs"))

MAKE_DISK: Final = """\
set -eu
mkdir "$2"
tar -C "$2" --numeric-owner --strip-components=2 $6 -xf "$1" ./usr
size=$(du -sk --apparent-size "$2" | cut -f1)
size=$((size * 115 / 100 + $4 / 1024))
mkfs.ext4 -q -F -b 4096 -L "$5" -m 0 -O ^has_journal,^resize_inode -E root_owner=0:0 -d "$2" "$3" "${size}k"
rm -rf "$2"
"""


@frozen
class FakeMailcow:
    """What a lab needs of it: a tree (for `--mailcow-source`) and a disk with the label MAILNIX-IMAGES."""

    tree: Path
    images_disk: Path


def build_fake(cache: Path | None = None, runner: Runner = run, progress: Progress = silent) -> FakeMailcow:
    """The fake Mailcow, from the cache if a whole one is there. Raises ToolMissing or BuildError."""
    store = (cache or cache_dir()) / "fake-mailcow"
    name = key()
    folder = store / name
    with locked(store / "lock", progress):
        if not _is_whole(folder):
            base = _base(store, runner, progress)
            progress("the fake Mailcow: putting its image on its disk")
            with scratch(store, name) as work:
                _finish(base, work / "out", runner)
                shutil.rmtree(folder, ignore_errors=True)
                (work / "out").replace(folder)
        _touch(folder, store / f"base-{base_key()}")
        _forget_old(store)
    return FakeMailcow(folder / "tree", folder / "images.raw")


def key() -> str:
    """Names all of it: equal for equal packages, tree and programs."""
    ours = {**{f"tree/{path}": data for path, data in tree().items()}, **programs()}
    return _digest([base_key(), {path: hashlib.sha256(data).hexdigest() for path, data in ours.items()}])


def base_key() -> str:
    """Names what Debian gives: equal for equal package sets."""
    return _digest([FORMAT_VERSION, bootstrap.SUITE, PACKAGES, bootstrap.script("slim"), UNUSED, MAKE_DISK])


def _digest(inputs: object) -> str:
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:20]


def tree() -> Mapping[str, bytes]:
    """The tree: relative path to bytes. The sample of DH parameters is the one that Haraka has (RFC 7919)."""
    dhparams = files("mailnix.services.haraka") / "dhparams.pem"
    found = contents(files("mailnix.lab.fake_mailcow") / "tree")
    return found | {"data/assets/ssl-example/dhparams.pem": dhparams.read_bytes()}


def bootstrap_argv(target: Path, fetched: Path) -> list[str]:
    """Install the packages and what they need into a tar; no package manager, no kernel. See `debs` for `fetched`."""
    return [
        "mmdebstrap",
        "--mode=unshare",
        "--variant=essential",
        "--architectures=amd64",
        *bootstrap.APT,
        f"--include={','.join(PACKAGES)}",
        *debs.argv(fetched),
        bootstrap.hook("extract", "slim"),
        bootstrap.SUITE,
        str(target),
    ]


def disk_argv(tar: Path, folder: Path, disk: Path) -> list[str]:
    """Make an ext4 file system of the tar's /usr; who is not root does so in a user namespace, to keep owners."""
    unused = " ".join(f"--exclude=./usr/share/{name}" for name in UNUSED)
    script = ["sh", "-c", MAKE_DISK, "disk", str(tar), str(folder), str(disk), str(ROOM), LABEL, unused]
    return script if os.geteuid() == 0 else ["mmdebstrap", "--unshare-helper", *script]


def _base(store: Path, runner: Runner, progress: Progress) -> Path:
    """The folder with Debian's part: system.tar and usr.raw."""
    key = base_key()
    folder = store / f"base-{key}"
    if _is_whole(folder):
        return folder
    for tool, package in TOOLS:
        require(tool, package)
    progress("the fake Mailcow: installing Postfix, Dovecot, rspamd, Redis and nginx (about a minute)")
    with scratch(store, folder.name) as work:
        need_space(store, SPACE_NEEDED)
        out = work / "out"
        out.mkdir()
        if os.geteuid() != 0:
            for place in (work, out):
                place.chmod(0o777)  # the namespace's root is another user; work's parent keeps strangers out
        with debs.shared(store.parent / "debs", work / "debs") as fetched:
            _bootstrap(bootstrap_argv(out / "system.tar", fetched), runner)
        progress("the fake Mailcow: making its disk")
        runner(disk_argv(out / "system.tar", work / "usr", out / "usr.raw"))
        _save(out, out / "usr.raw")
        shutil.rmtree(folder, ignore_errors=True)
        out.replace(folder)
    return folder


def _bootstrap(argv: Sequence[str], runner: Runner) -> None:
    lines: list[str] = []
    try:
        runner(argv, on_line=lines.append, env=bootstrap.hooks_env("slim"))
    except CommandFailed as failure:
        raise explained(lines) from failure


def _finish(base: Path, out: Path, runner: Runner) -> None:
    """Our part: the tree, and the disk with the archive in it."""
    out.mkdir()
    for path, data in tree().items():
        target = out / "tree" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    archive, disk = out / ARCHIVE, out / "images.raw"
    write_image(base / "system.tar", archive)
    copy_sparse(base / "usr.raw", disk)
    printed = runner(["debugfs", "-w", "-R", f"write {archive} {ARCHIVE}", str(disk)]).stderr
    check = runner(["debugfs", "-R", f"stat {ARCHIVE}", str(disk)])
    if f"Size: {archive.stat().st_size}" not in check.stdout:
        raise BuildError(f"{IMAGE} could not be put on its disk: {printed.strip()}", "run the same command again")
    archive.unlink()
    _save(out, disk)


def _save(folder: Path, disk: Path) -> None:
    (folder / "facts.json").write_text(json.dumps({"disk": disk.name, "data_sha256": data_digest(disk)}))


def _touch(*folders: Path) -> None:
    """Note that these are in use."""
    for folder in folders:
        if folder.exists():
            os.utime(folder)


def _is_whole(folder: Path) -> bool:
    """Whether the folder is there and its disk is as it was made."""
    try:
        facts = json.loads((folder / "facts.json").read_text())
        return bool(data_digest(folder / facts["disk"]) == facts["data_sha256"])
    except (OSError, ValueError, KeyError):
        return False


def _forget_old(store: Path) -> None:
    """Remove what no lab has asked for in a month; a lab that was kept may still need what is younger."""
    for folder in store.iterdir():
        if folder.is_dir() and time.time() - folder.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
