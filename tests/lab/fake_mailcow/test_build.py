"""Making the fake Mailcow, with programs that only pretend."""

from __future__ import annotations

import io
import os
import re
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mailnix.errors import BuildError, CommandFailed
from mailnix.lab.fake_mailcow.build import PACKAGES, bootstrap_argv, build_fake, disk_argv, tree
from mailnix.run import Completed


class Programs:
    """mmdebstrap, mkfs and debugfs: they write small files and remember that they were called."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.complaint = ""
        self.written = 0

    def __call__(self, argv: Sequence[str | os.PathLike[str]], *, on_line: Any = None, **_: Any) -> Completed:
        words = [os.fspath(word) for word in argv]
        self.called.append(words[0])
        out = ""
        if words[0] == "mmdebstrap" and "--unshare-helper" not in words:
            self._bootstrap(words, on_line)
        elif "disk" in words:
            Path(words[words.index("disk") + 3]).write_bytes(b"usr" * 1000)
        elif words[0] == "debugfs" and words[1] == "-w":
            source = Path(words[3].split()[1])
            self.written = source.stat().st_size
        elif words[0] == "debugfs":
            out = f"User: 0 Size: {self.written}"
        return Completed(tuple(words), 0, out, "")

    def _bootstrap(self, words: list[str], on_line: Any) -> None:
        if self.complaint:
            on_line(self.complaint)
            raise CommandFailed(words, 25, self.complaint)
        with tarfile.open(words[-1], "w") as tar:
            tar.addfile(tarfile.TarInfo("./etc/passwd"), io.BytesIO())


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setattr("mailnix.lab.fake_mailcow.build.require", lambda tool, package: tool)
    return Programs()


def test_it_is_made_once(tmp_path: Path, programs: Programs) -> None:
    first = build_fake(tmp_path, programs)
    assert programs.called[0] == "mmdebstrap"
    assert (first.tree / "docker-compose.yml").is_file()
    programs.called.clear()
    assert build_fake(tmp_path, programs) == first
    assert programs.called == []


def test_a_damaged_disk_is_made_again_without_installing_anything(tmp_path: Path, programs: Programs) -> None:
    fake = build_fake(tmp_path, programs)
    fake.images_disk.write_bytes(b"broken")
    programs.called.clear()
    assert build_fake(tmp_path, programs).images_disk.read_bytes() != b"broken"
    assert set(programs.called) == {"debugfs"}


def test_a_damaged_base_is_installed_again(tmp_path: Path, programs: Programs) -> None:
    fake = build_fake(tmp_path, programs)
    fake.images_disk.write_bytes(b"broken")
    next((tmp_path / "fake-mailcow").glob("base-*/usr.raw")).write_bytes(b"broken")
    programs.called.clear()
    build_fake(tmp_path, programs)
    assert programs.called[0] == "mmdebstrap"


def test_what_no_lab_used_for_long_is_forgotten_and_the_rest_kept(tmp_path: Path, programs: Programs) -> None:
    for name, age in (("old", 40 * 86400), ("young", 86400)):
        (tmp_path / "fake-mailcow" / name).mkdir(parents=True)
        os.utime(tmp_path / "fake-mailcow" / name, (time.time() - age,) * 2)
    build_fake(tmp_path, programs)
    assert not (tmp_path / "fake-mailcow" / "old").exists()
    assert (tmp_path / "fake-mailcow" / "young").exists()


def test_an_archive_that_does_not_fit_is_an_error_and_leaves_nothing(tmp_path: Path, programs: Programs) -> None:
    def full(argv: Sequence[str | os.PathLike[str]], **named: Any) -> Completed:
        done = programs(argv, **named)
        return Completed(done.argv, 0, "", "write: Could not allocate block")

    with pytest.raises(BuildError, match="Could not allocate"):
        build_fake(tmp_path, full)
    left = [path.name for path in (tmp_path / "fake-mailcow").iterdir() if not path.name.startswith("base-")]
    assert left == ["lock"]


def test_a_mirror_out_of_reach_is_one_clear_line(tmp_path: Path, programs: Programs) -> None:
    programs.complaint = "E: Could not resolve 'deb.example'"
    with pytest.raises(BuildError, match="mirror cannot be reached") as error:
        build_fake(tmp_path, programs)
    assert error.value.hint


def test_packages_come_with_what_they_need_and_nothing_else() -> None:
    argv = bootstrap_argv(Path("/x/system.tar"), Path("/x/debs"))
    assert argv[0] == "mmdebstrap"
    assert f"--include={','.join(PACKAGES)}" in argv
    assert '--aptopt=APT::Install-Recommends "false"' in argv
    assert argv[-2:] == ["trixie", "/x/system.tar"]


def test_who_is_not_root_makes_the_disk_in_a_user_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert disk_argv(Path("/t"), Path("/f"), Path("/d"))[:2] == ["mmdebstrap", "--unshare-helper"]
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert disk_argv(Path("/t"), Path("/f"), Path("/d"))[0] == "sh"


def test_the_tree_has_what_a_first_start_needs() -> None:
    files = tree()
    assert b"DH PARAMETERS" in files["data/assets/ssl-example/dhparams.pem"]
    assert not re.search("__pycache__", " ".join(files))
