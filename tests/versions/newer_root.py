"""A Debian root with newer programs than Debian 13's, near those of nixpkgs, and commands in it.

`python -m tests.versions.newer_root DIR` makes it of Debian's unstable release (root, mmdebstrap, 3 minutes);
`MAILNIX_NEWER_ROOT=DIR pytest tests/versions` asks its programs about what we emit.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from mailnix.run import run

SUITE: Final = "sid"
PACKAGES: Final = (
    "caddy",
    "docker.io",
    "iproute2",
    "nftables",
    "openssh-server",
    "systemd",
    "systemd-resolved",
    "udev",
    "unbound",
)
VARIABLE: Final = "MAILNIX_NEWER_ROOT"
# The machine's files lie over the root; nothing is written to it, and no mount outlives the command.
ENTER: Final = """
set -eu
over=$1 files=$2 root=$3 store=$4
shift 4
mount -t tmpfs tmpfs "$over"
mkdir "$over/upper" "$over/work" "$over/root"
cp -a "$files/." "$over/upper"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$over/upper,workdir=$over/work" "$over/root"
cd "$over/root"
mount --rbind /proc proc
mount --rbind /dev dev
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs run
if [ -n "$store" ]; then mkdir -p nix; mount --bind "$store" nix; fi
exec env -i PATH=/usr/sbin:/usr/bin HOME=/root LANG=C.UTF-8 chroot . sh -c "$1"
"""


def bootstrap(target: Path) -> list[str]:
    """The command that makes the root. Mirrors may be weeks behind a release that changes daily."""
    return [
        "mmdebstrap",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        '--aptopt=Acquire::Check-Valid-Until "false"',
        SUITE,
        os.fspath(target),
    ]


def asked(root: Path, files: Path, script: str, folder: Path, store: Path | None = None) -> str:
    """What a shell script prints, errors too, in `root` with a machine's files; `folder` is an empty one to use.

    `store` is a folder to see as /nix.
    """
    over = folder / "over"
    over.mkdir()
    alone = ("unshare", "--mount", "--net", "--propagation", "private")
    done = subprocess.run(
        [*alone, "sh", "-c", ENTER, "sh", over, files, root, str(store or ""), script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout


def without(lines: Iterable[str], expected: Sequence[str]) -> list[str]:
    """The lines that have none of these words, which a root that was not booted must say."""
    return [line for line in lines if line.strip() and not any(words in line for words in expected)]


if __name__ == "__main__":
    run(bootstrap(Path(sys.argv[1])), timeout=1800)
