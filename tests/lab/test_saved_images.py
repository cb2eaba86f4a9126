"""A lab of Mailcow's own images that were saved elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix.errors import BuildError
from mailnix.image.values import silent
from mailnix.lab.prepare import Mailcow, Options, mailcow_disks
from tests.image.test_archives import NAMES, archive, old


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "docker-compose.yml").write_text("".join(f"    image: {name}\n" for name in NAMES))
    return tmp_path


def test_its_machine_at_home_has_them_on_a_disk(tree: Path, tmp_path: Path) -> None:
    file = archive(tmp_path / "a.tar", old())
    options = Options(tmp_path / "lab", mailcow=Mailcow.REAL, mailcow_source=tree, mailcow_images=(file,))
    disks, source = mailcow_disks(options, silent)
    assert [(disk.path, disk.serial, disk.read_only) for disk in disks] == [
        (tmp_path / "lab/mailcow-images.raw", "images", True)
    ]
    assert source == tree


def test_without_them_it_pulls(tree: Path, tmp_path: Path) -> None:
    assert mailcow_disks(Options(tmp_path / "lab", mailcow=Mailcow.REAL), silent) == ((), None)


def test_what_is_not_that_mailcows_is_refused_before_anything_boots(tree: Path, tmp_path: Path) -> None:
    file = archive(tmp_path / "a.tar", old(("redis:1",)))
    options = Options(tmp_path / "lab", mailcow=Mailcow.REAL, mailcow_source=tree, mailcow_images=(file,))
    with pytest.raises(BuildError, match="redis:1 is no image of this Mailcow"):
        mailcow_disks(options, silent)
