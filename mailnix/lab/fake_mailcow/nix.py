"""The fake Mailcow from Nix's packages: the same tree, scripts and image; Debian's /usr becomes links into a store.

Run while the NixOS check is built (vm-tests/nixos/exchange/fake-mailcow.nix):
`python -m mailnix.lab.fake_mailcow.nix tree OUT`, and `… disk ROOT OUT` with ROOT the /usr that containers shall see.
"""

from __future__ import annotations

import io
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.image.images_disk import LABEL
from mailnix.lab.fake_mailcow.archive import write_image
from mailnix.lab.fake_mailcow.build import ARCHIVE, tree
from mailnix.run import Runner, run

SPARE: Final = 64 * 1024  # KiB, for the file system's own tables
BLOCK: Final = 4096


@frozen
class Account:
    """A user with a group of the same name; Debian's packages make theirs themselves."""

    name: str
    number: int
    home: str = "/nonexistent"


ACCOUNTS: Final = (
    Account("root", 0, "/root"),
    Account("www-data", 33, "/var/www"),
    Account("postfix", 100, "/var/spool/postfix"),
    Account("dovecot", 102),
    Account("dovenull", 103),
    Account("_rspamd", 104, "/var/lib/rspamd"),
    Account("nobody", 65534),
)
GROUPS: Final = {"postdrop": 101, "nogroup": 65534}  # besides the accounts'
FOLDERS: Final[Mapping[str, str]] = {
    "etc/default": "root",
    "etc/nginx": "root",
    "etc/rspamd": "root",
    "run": "root",
    "run/current-system": "root",
    "root": "root",
    "var/lib/postfix": "postfix",
    "var/spool/postfix": "root",
    "var/lib/dovecot": "root",
    "var/lib/rspamd": "_rspamd",
    "var/www/acme": "root",
}
"""Folders that Debian's packages bring, and whose they are."""
LINKS: Final[Mapping[str, str]] = {
    "bin": "usr/bin",
    "sbin": "usr/sbin",
    # The store lies on the disk with everything else, so that nothing large is ever unpacked.
    "nix": "usr/nix",
    # Where the Dovecot of nixpkgs looks for the settings of sieve.
    "run/current-system/sw": "/usr",
    "etc/nginx/mime.types": "/usr/share/nginx/mime.types",
}


def write_skeleton(target: Path) -> None:
    """A tar of what an installed system has outside of /usr: accounts, folders, links."""
    passwd = "".join(f"{a.name}:x:{a.number}:{a.number}::{a.home}:/usr/sbin/nologin\n" for a in ACCOUNTS)
    groups = {account.name: account.number for account in ACCOUNTS} | GROUPS
    texts = {
        "etc/passwd": passwd,
        "etc/group": "".join(f"{name}:x:{number}:\n" for name, number in groups.items()),
        "etc/shadow": "".join(f"{account.name}:*:20000::::::\n" for account in ACCOUNTS),
        "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
    }
    with tarfile.open(target, "w") as tar:
        for path, owner in FOLDERS.items():
            tar.addfile(_member(path, tarfile.DIRTYPE, 0o755, owner))
        for path, to in LINKS.items():
            link = _member(path, tarfile.SYMTYPE, 0o777)
            link.linkname = to
            tar.addfile(link)
        for path, text in texts.items():
            member = _member(path, tarfile.REGTYPE, 0o600 if path == "etc/shadow" else 0o644)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))


def _member(path: str, kind: bytes, mode: int, owner: str = "root") -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.type, member.mode = kind, mode
    member.uid = member.gid = next(account.number for account in ACCOUNTS if account.name == owner)
    return member


def write_tree(out: Path) -> None:
    """The fake Mailcow's tree, as the lab's."""
    for path, data in tree().items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(data)


def write_disk(root: Path, out: Path, runner: Runner = run) -> None:
    """The disk with the images: `root` is the /usr that all containers share; the image's archive is put into it."""
    with tempfile.TemporaryDirectory() as work:
        skeleton = Path(work) / "skeleton.tar"
        write_skeleton(skeleton)
        write_image(skeleton, root / ARCHIVE)
    runner(disk_argv(root, out, kib_of(root)))


def disk_argv(root: Path, out: Path, kib: int) -> list[str]:
    """Make an ext4 file system of `kib` KiB of a folder; everything in a store may be read by all."""
    features = ["-O", "^has_journal,^resize_inode", "-E", "root_owner=0:0", "-m", "0", "-i", "8192"]
    return ["mke2fs", "-q", "-F", "-t", "ext4", "-b", str(BLOCK), *features, "-L", LABEL, "-d", str(root), str(out),
            f"{kib}k"]  # fmt: skip


def kib_of(root: Path) -> int:
    """The size of a file system that takes a folder: whole blocks for every file, an inode for every name, and some."""
    names = size = 0
    for path in root.rglob("*"):
        names += 1
        size += BLOCK if path.is_symlink() or path.is_dir() else -(-path.stat().st_size // BLOCK) * BLOCK
    return (size + names * 512) * 11 // 10 // 1024 + SPARE


def main(words: Sequence[str]) -> int:
    """Write what is asked for."""
    match words:
        case ["tree", out]:
            write_tree(Path(out))
        case ["disk", root, out]:
            write_disk(Path(root), Path(out))
        case _:
            print("tree OUT, or disk ROOT OUT", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
