"""A seed disk has a label and private files, whoever reads it."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import pytest

from mailnix.errors import BuildError, CommandFailed
from mailnix.image.seeddisk import make_labelled_disk
from mailnix.image.values import MIB
from mailnix.run import Completed, require, run
from mailnix.services.credentials.names import LABEL

FILES = {"credstore/wg0": b"key\0\n", "credstore/deep/er": b"", "ca-certificates/lab.crt": b"PEM"}


def debugfs(image: Path, command: str) -> str:
    return run([require("debugfs", "e2fsprogs"), "-R", command, image]).stdout


def test_the_files_are_there_private_and_byte_for_byte(tmp_path: Path) -> None:
    image = tmp_path / "seed.img"
    make_labelled_disk(FILES, image)
    assert stat.S_IMODE(image.stat().st_mode) == 0o600
    out = tmp_path / "out"
    out.mkdir()
    debugfs(image, f"rdump / {out}")
    found = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert found == FILES
    assert "/100600/0/0/wg0/" in debugfs(image, "ls -p /credstore")
    assert "/040700/0/0/credstore/" in debugfs(image, "ls -p /")
    assert run([require("e2fsck", "e2fsprogs"), "-fn", image]).status == 0


def test_it_is_ext2_with_the_label_that_machines_look_for(tmp_path: Path) -> None:
    image = tmp_path / "seed.img"
    make_labelled_disk(FILES, image)
    facts = run([require("dumpe2fs", "e2fsprogs"), "-h", image]).stdout
    assert f"volume name:   {LABEL}\n" in facts
    assert "has_journal" not in facts
    assert image.stat().st_size <= 3 * MIB


def test_it_grows_with_what_it_carries(tmp_path: Path) -> None:
    image = tmp_path / "images.img"
    many = {f"folder-{number % 50}/{number}": b"x" for number in range(2000)}
    make_labelled_disk({"big.tar": bytes(range(256)) * 50_000, **many}, image, "MAILNIX-IMAGES")
    assert "/2000/" not in debugfs(image, "ls -p /")
    assert debugfs(image, "cat /folder-49/1999") == "x"


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def broken(argv: Sequence[str | PathLike[str]], **_options: Any) -> Completed:
        raise CommandFailed(list(map(str, argv)), 1, "no")

    with pytest.raises(CommandFailed):
        make_labelled_disk(FILES, tmp_path / "seed.img", runner=broken)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../b", ""])
def test_a_path_outside_the_disk_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(BuildError, match="no path below"):
        make_labelled_disk({path: b""}, tmp_path / "seed.img")
    assert list(tmp_path.iterdir()) == []


def test_a_label_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="longer than 16"):
        make_labelled_disk({}, tmp_path / "seed.img", "A-LABEL-MUCH-TOO-LONG")
