"""The live system of media: made once, whole or not there, and of what it was asked for."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from mailnix.errors import BuildError
from mailnix.image import bootstrap
from mailnix.image.live import FILES, SCRIPTS, build_live, live_key, mmdebstrap_argv, mmdebstrap_env
from mailnix.run import run
from tests.image.fake_live import Debian, content

pytestmark = pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed")


@pytest.fixture
def debian() -> Debian:
    return Debian()


def test_it_is_made_once_and_has_what_a_medium_is_made_of(tmp_path: Path, debian: Debian) -> None:
    made = build_live(cache=tmp_path, runner=debian)
    assert {name: (made.folder / name).read_bytes() for name in FILES} == {name: content(name) for name in FILES}
    assert build_live(cache=tmp_path, runner=debian) == made
    assert debian.ran("mmdebstrap") == 1


def test_one_that_is_damaged_is_made_again(tmp_path: Path, debian: Debian) -> None:
    made = build_live(cache=tmp_path, runner=debian)
    (made.folder / "initrd.img").write_bytes(b"cut")
    build_live(cache=tmp_path, runner=debian)
    assert (made.folder / "initrd.img").read_bytes() == content("initrd.img")
    assert debian.ran("mmdebstrap") == 2


def test_an_older_one_goes_when_a_new_one_is_there(tmp_path: Path, debian: Debian) -> None:
    older = build_live(cache=tmp_path, mirrors=("http://mirror.test/debian",), runner=debian)
    newer = build_live(cache=tmp_path, runner=debian)
    assert (older.folder.exists(), newer.folder.exists()) == (False, True)


def test_where_debian_fails_nothing_is_kept_and_the_cause_is_said(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"^the Debian mirror cannot be reached: E: Could not resolve 'deb'$"):
        build_live(cache=tmp_path, runner=Debian(fails=("I: x", "E: Could not resolve 'deb'")))
    assert [path.name for path in (tmp_path / "live").iterdir()] == ["lock"]


def test_one_without_a_boot_loader_is_none(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"^the live system has no shimx64\.efi$"):
        build_live(cache=tmp_path, runner=Debian(forgets=("shimx64.efi",)))
    assert [path.name for path in (tmp_path / "live").iterdir()] == ["lock"]


def test_mmdebstrap_is_asked_for_the_machines_kernel_and_keeps_no_root() -> None:
    words = mmdebstrap_argv(Path("/my out"), ("http://mirror.test/debian",), Path("/fetched"))
    (packages,) = (word.removeprefix("--include=").split(",") for word in words if word.startswith("--include="))
    assert {"linux-image-amd64", "shim-signed", "grub-efi-amd64-signed"} <= set(packages)
    assert "--format=null" in words
    assert "--customize-hook=sync-out /mailnix-live '/my out'" in words
    assert words[-3:] == ["trixie", "/dev/null", "http://mirror.test/debian"]


def test_its_hooks_find_their_scripts_in_the_environment() -> None:
    env, words = mmdebstrap_env(), mmdebstrap_argv(Path("/out"), (), Path("/fetched"))
    named = {name for word in words for name in re.findall(r'"\$(MAILNIX_\w+)"', word)}
    assert {env[name] for name in named} == {bootstrap.script(name) for name in SCRIPTS.values()}


def test_another_mirror_is_another_live_system() -> None:
    assert live_key() == live_key()
    assert live_key(("http://mirror.test/debian",)) != live_key()


@pytest.mark.parametrize("name", FILES)
def test_each_file_of_a_medium_is_put_there_by_the_script(name: str) -> None:
    assert re.search(rf"mailnix-live/{re.escape(name)}\b|\$live/{re.escape(name)}\"", bootstrap.script("live-collect"))


@pytest.mark.parametrize("name", [*SCRIPTS.values(), "install"])
def test_a_script_is_one_that_a_shell_reads(name: str) -> None:
    assert run(["dash", "-n"], stdin=bootstrap.script(name).encode(), check=False).status == 0
