"""Bases share what they fetch."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mailnix.errors import BuildError, CommandFailed
from mailnix.image import debs
from mailnix.image.base import build_bases
from mailnix.image.values import MIB, BaseSpec
from mailnix.model.architecture import Architecture
from mailnix.run import Completed, run
from tests.image.conftest import Builder

BAD = BaseSpec(("broken",))


def test_what_one_base_fetched_is_there_for_the_next(tmp_path: Path) -> None:
    with debs.shared(tmp_path / "store", tmp_path / "one") as fetched:
        (fetched / "nftables_1.1_amd64.deb").write_text("1")
        (fetched / "lock").touch()
    with debs.shared(tmp_path / "store", tmp_path / "two") as fetched:
        assert [path.name for path in fetched.iterdir()] == ["nftables_1.1_amd64.deb"]


def test_those_of_another_processor_stay_where_they_are(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    for name in ("nftables_1.1_amd64.deb", "nftables_1.1_arm64.deb", "base_1_all.deb"):
        (store / name).touch()
    with debs.shared(store, tmp_path / "one", Architecture.ARM64) as fetched:
        assert {path.name for path in fetched.iterdir()} == {"nftables_1.1_arm64.deb", "base_1_all.deb"}


def test_what_was_fetched_before_a_failure_is_kept_too(tmp_path: Path) -> None:
    def fail() -> None:
        with debs.shared(tmp_path / "store", tmp_path / "one") as fetched:
            (fetched / "nftables.deb").write_text("1")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (tmp_path / "store/nftables.deb").exists()


def test_two_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with debs.shared(store, tmp_path / "one") as one, debs.shared(store, tmp_path / "two") as two:
        for folder in (one, two):
            (folder / "same.deb").write_text("the same")
            (folder / f"{folder.name}.deb").touch()
    assert sorted(path.name for path in store.iterdir()) == ["one.deb", "same.deb", "two.deb"]


def test_packages_of_last_month_are_forgotten(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    old = tmp_path / "store/old.deb"
    old.touch()
    os.utime(old, (0, time.time() - debs.KEPT_SECONDS - 1))
    with debs.shared(tmp_path / "store", tmp_path / "one") as fetched:
        assert not list(fetched.iterdir())
    assert not old.exists()


def test_mmdebstrap_takes_them_in_and_gives_them_out() -> None:
    options = debs.argv(Path("/a b/debs"))
    assert "--skip=essential/unlink" in options
    into, out = (shlex.split(option.partition("-hook=")[2]) for option in options[-2:])
    assert into == ["sync-in", "/a b/debs", debs.ARCHIVES]
    assert out == ["sync-out", debs.ARCHIVES, "/a b/debs"]


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a root file system as root")
def test_equal_bases_are_made_once_and_different_ones_all(tmp_path: Path, builder: Builder) -> None:
    one, other = BaseSpec(("nftables",), slack=160 * MIB), BaseSpec(("nftables",), slack=161 * MIB)
    made = build_bases([one, other, one], cache=tmp_path, runner=builder)
    assert [base.slack for base in made] == [one.slack, other.slack, one.slack]
    assert builder.ran("mmdebstrap") == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a root file system as root")
def test_the_failure_of_one_base_ends_the_work_on_the_others(tmp_path: Path, builder: Builder) -> None:
    """Else Ctrl-C, too, would wait for minutes of dpkg."""

    def runner(argv: Sequence[str | os.PathLike[str]], **options: Any) -> Completed:
        if f"--include={BAD.packages[0]}" in " ".join(map(str, argv)):
            time.sleep(0.2)
            raise CommandFailed(("mmdebstrap",), 1, "E: broken")
        return run(["sleep", "60"]) if str(argv[0]) == "mmdebstrap" else builder(argv, **options)

    began = time.monotonic()
    with pytest.raises(BuildError):
        build_bases([BAD, BaseSpec(("nftables",))], cache=tmp_path, runner=runner)
    assert time.monotonic() - began < 30
