"""A rescue system as providers start one in a server's memory: plain Debian, of which mailnix has written nothing.

Kernel and initramfs, for QEMU to start as a provider's network does; made once, and cached. What a provider adds is
here, too: a name, an address by DHCP, and root's way in, by a password or by the SSH key that the customer has given.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
from pathlib import Path
from typing import Final

from mailnix.debian.packages import CLOUD_KERNEL
from mailnix.errors import CommandFailed
from mailnix.image import bootstrap, debs
from mailnix.image.base import explained
from mailnix.image.cache import cache_dir, locked, need_space, scratch
from mailnix.image.values import MIB, Progress, silent
from mailnix.lab.spec import Kernel, SystemCredential
from mailnix.run import require, run

PASSWORD: Final = "rescue-me"
"""What the provider's page shows. The machine is reached from here alone."""

PACKAGES: Final = ("openssh-server", "zstd", CLOUD_KERNEL)
"""What it has beside Debian's packages of priority "important", which bring util-linux, fdisk and gzip."""

STORE: Final = "rescue-system"
MADE: Final = "rescue"  # the folder in the root where both files are made
KERNEL, INITRD = "vmlinuz", "initrd"
SPACE_NEEDED: Final = 2048 * MIB
APPEND: Final = "rdinit=/sbin/init net.ifnames=0 console=tty0 console=ttyS0 systemd.default_timeout_start_sec=900"
"""An emulated server is slow: what its network waits for may take minutes."""
FURNISH: Final = """\
set -eu
cd "$1"
echo rescue > etc/hostname
printf 'auto lo eth0\\niface lo inet loopback\\niface eth0 inet dhcp\\n' > etc/network/interfaces
echo 'PermitRootLogin yes' > etc/ssh/sshd_config.d/rescue.conf
echo "root:$RESCUE_PASSWORD" | chroot . chpasswd
mkdir rescue
cp -L vmlinuz rescue/vmlinuz
chroot . sh -ec '
    find . -xdev -path ./rescue -prune -o -path "./boot/*" -prune -o -path "./var/cache/apt/*" -prune \\
        -o -path "./var/lib/apt/lists/*" -prune -o -path "./usr/share/doc/*" -prune -o -print0 |
        cpio --quiet --null --create --format=newc | zstd -q -9 > rescue/initrd'
chmod 644 rescue/*
"""


def build(progress: Progress = silent) -> Kernel:
    """The rescue system, from the cache if it is there. Raises ToolMissing or BuildError."""
    store = cache_dir() / STORE
    folder = store / _key()
    with locked(store / "lock", progress):
        if not folder.exists():
            require("mmdebstrap", "mmdebstrap")
            progress("rescue system: installing a bare Debian 13 (a minute or two)")
            need_space(store, SPACE_NEEDED)
            with scratch(store, "new") as work:
                _make(work)
                for older in store.glob("*/"):
                    if older != work:
                        shutil.rmtree(older)
                (work / "out").replace(folder)
    return Kernel(folder / KERNEL, folder / INITRD, APPEND)


def known(key: str) -> SystemCredential:
    """How the customer's public SSH key reaches it (systemd.system-credentials(7))."""
    return SystemCredential("ssh.authorized_keys.root", key)


def _key() -> str:
    inputs = [_argv(Path(), Path()), FURNISH, PASSWORD]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:20]


def _argv(out: Path, fetched: Path) -> list[str]:
    return [
        "mmdebstrap",
        "--mode=unshare",
        "--variant=important",
        "--architectures=amd64",
        *bootstrap.APT,
        "--dpkgopt=force-unsafe-io",
        "--format=null",
        f"--include={','.join(PACKAGES)}",
        *debs.argv(fetched),
        '--customize-hook=sh -c "$RESCUE_FURNISH" furnish "$1"',
        f"--customize-hook=sync-out /{MADE} {shlex.quote(str(out))}",
        bootstrap.SUITE,
        "/dev/null",
    ]


def _make(work: Path) -> None:
    (work / "out").mkdir()
    lines: list[str] = []
    env = {"RESCUE_FURNISH": FURNISH, "RESCUE_PASSWORD": PASSWORD, "LC_ALL": "C.UTF-8"}
    with debs.shared(cache_dir() / "debs", work / "debs") as fetched:
        try:
            run(_argv(work / "out", fetched), env=env, on_line=lines.append)
        except CommandFailed as failure:
            raise explained(lines) from failure
