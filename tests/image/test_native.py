"""What a root of another processor is lent while it is made, and that it keeps nothing of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mailnix.image import bootstrap
from mailnix.run import run

OWN = b"\x7fELF of another processor"
LIST = Path("var/lib/dpkg/diversions")
INITRAMFS = "usr/sbin/update-initramfs"
NOTING = b'#!/usr/bin/dash\necho "$0 $*" >> /made\n'

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="root alone may chroot")
pytestmark = pytest.mark.skipif(shutil.which("dpkg-divert") is None, reason="this is no Debian")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with programs of its own, of which one is in no list."""
    for name in ("usr/bin/tar", "usr/bin/uname", "usr/sbin/dpkg-preconfigure"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(OWN)
    (tmp_path / "usr/lib").mkdir()
    (tmp_path / "lib").symlink_to("usr/lib")
    (tmp_path / LIST).parent.mkdir(parents=True)
    (tmp_path / LIST).touch()
    return tmp_path


def hooked(stage: str, root: Path, architecture: str = "another") -> None:
    """Run the script as mmdebstrap does."""
    env = {**os.environ, "ARCHITECTURE": architecture}
    run(["sh", "-c", bootstrap.script("native"), stage, root], env=env)


def content(root: Path) -> dict[str, bytes]:
    """Every file but dpkg's spare copies."""
    files = (path for path in root.rglob("*") if path.is_file() and not path.name.endswith("-old"))
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def test_this_machines_programs_run_there_and_dpkg_keeps_its_own_beside_them(root: Path) -> None:
    hooked("extract", root)
    assert (root / "usr/bin/tar.own").read_bytes() == OWN
    assert "/usr/bin/tar\n/usr/bin/tar.own\n:\n" in (root / LIST).read_text()
    assert (root / "usr/bin/uname").read_bytes() == OWN
    assert all(path.is_symlink() for path in root.glob("lib*"))  # or base-files refuses to be installed
    if os.geteuid() == 0:
        assert run(["chroot", root, "tar", "--version"]).stdout.startswith("tar (GNU tar)")
        assert run(["chroot", root, "perl", "-MPOSIX"], stdin=b"print POSIX::floor(1.5)").stdout == "1"


def installed(root: Path) -> None:
    """Put there what dpkg unpacks later: beside what is lent."""
    (root / "usr/bin/zstd.own").write_bytes(OWN)
    (root / f"{INITRAMFS}.own").write_bytes(NOTING)
    (root / f"{INITRAMFS}.own").chmod(0o755)


@as_root
def test_the_initramfs_is_made_once_when_all_is_installed(root: Path) -> None:
    hooked("extract", root)
    installed(root)
    run(["chroot", root, f"/{INITRAMFS}", "-u"])  # as packages do, and nothing comes of it
    assert not (root / "made").exists()
    hooked("customize", root)
    assert (root / "made").read_text() == f"/{INITRAMFS}.own -c -k all\n"


@as_root
def test_afterwards_it_is_as_if_they_had_never_been_there(root: Path) -> None:
    before = content(root)
    hooked("extract", root)
    installed(root)
    hooked("customize", root)
    (root / "made").unlink()
    assert content(root) == {**before, "usr/bin/zstd": OWN, INITRAMFS: NOTING}
    assert sorted(path.name for path in root.iterdir()) == ["lib", "usr", "var"]
    assert not list((root / "usr/lib").iterdir())


def test_a_root_of_this_machines_processor_needs_none(root: Path) -> None:
    before = content(root)
    hooked("extract", root, run(["dpkg", "--print-architecture"]).stdout.strip())
    assert content(root) == before
