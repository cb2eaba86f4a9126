"""`mailnix build --backend nix`: its commands, and what becomes of nix's failures. No nix is run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mailnix.errors import BuildError, CommandFailed, ToolMissing
from mailnix.image import nix
from mailnix.image.manifest import read_manifest
from mailnix.image.values import Format
from mailnix.run import Completed
from mailnix.tree import File, Tree
from tests.image.fake_nix import DRV, FakeNix


def absent(argv: Sequence[str | os.PathLike[str]], **_options: Any) -> Completed:
    raise ToolMissing("nix", "nix-bin")


TREE = Tree.of([File("/flake.nix", "{ }\n")])


def test_an_image_is_built_from_the_flake_with_its_own_features_switched_on() -> None:
    assert nix.build_argv(Path("/tmp/flake"), "proxy", Path("/tmp/result")) == [
        "nix", "build", "path:/tmp/flake#packages.x86_64-linux.proxy",
        "--extra-experimental-features", "nix-command flakes",
        "--out-link", "/tmp/result",
        "--print-build-logs",
    ]  # fmt: skip


def test_a_build_leaves_an_image_and_a_manifest(tmp_path: Path) -> None:
    said: list[str] = []
    fake = FakeNix()
    manifest = nix.build(TREE, ["proxy"], Format.QCOW2, tmp_path, said.append, fake)
    (entry,) = manifest.images
    assert (tmp_path / entry.file).read_bytes() == b"converted disk"
    assert (entry.host, entry.file, entry.size, entry.virtual_size, entry.inputs) == (
        "proxy",
        "proxy.qcow2",
        14,
        4,
        DRV,
    )
    assert entry.sha256 == nix.sha256(tmp_path / entry.file)
    assert read_manifest(tmp_path) == manifest
    assert "proxy: building the image" in said


def test_a_second_machine_keeps_the_first_in_the_manifest(tmp_path: Path) -> None:
    nix.build(TREE, ["proxy"], Format.RAW, tmp_path, lambda _: None, FakeNix())
    manifest = nix.build(TREE, ["internal"], Format.RAW, tmp_path, lambda _: None, FakeNix())
    assert [image.host for image in manifest.images] == ["internal", "proxy"]


def test_a_failed_build_leaves_nothing_half_written(tmp_path: Path) -> None:
    with pytest.raises(BuildError):
        nix.build(TREE, ["proxy"], Format.QCOW2, tmp_path, lambda _: None, FakeNix(errors={"build": "error: no"}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "version"),
    [("nix (Nix) 2.26.3", (2, 26)), ("nix (Lix, like Nix) 2.93.1", (2, 93)), ("", None)],
)
def test_versions_are_read(text: str, version: tuple[int, ...] | None) -> None:
    assert nix.version_of(text) == version


def test_without_nix_the_debian_backend_is_named() -> None:
    with pytest.raises(BuildError, match="nix is not installed") as caught:
        nix.check(absent)
    assert "--backend debian" in caught.value.hint


def test_an_old_nix_is_refused() -> None:
    with pytest.raises(BuildError, match=r"nix \(Nix\) 2\.8\.0 is too old") as caught:
        nix.check(FakeNix("nix (Nix) 2.8.0"))
    assert "2.18" in caught.value.hint


def test_a_working_nix_is_found() -> None:
    nix.check(FakeNix())


@pytest.mark.parametrize(
    ("said", "meaning", "next_step"),
    [
        (
            "error: experimental Nix feature 'flakes' is disabled; add ...",
            "flakes switched off",
            "experimental-features",
        ),
        ("error: unable to download 'https://cache': Could not resolve host", "could not download", "network"),
        ("error: writing to file: No space left on device", "no space left", "nix-collect-garbage"),
        (
            "error: cannot connect to socket at '/nix/var/nix/daemon-socket/socket'",
            "cannot use its store",
            "nix-daemon",
        ),
        ("a 'x86_64-linux' with features {kvm} is required to build", "may not build disk images", "system-features"),
        ("Failed assertions:\n- services.x is wrong", "does not evaluate", "local/"),
        ("error: The option `services.nope' does not exist.", "does not evaluate", "local/"),
        ("error: something new", "nix failed", "--backend debian"),
    ],
)
def test_what_nix_complains_about_becomes_a_sentence_and_a_next_step(
    tmp_path: Path, said: str, meaning: str, next_step: str
) -> None:
    with pytest.raises(BuildError, match=meaning) as caught:
        nix.build(TREE, ["proxy"], Format.QCOW2, tmp_path, lambda _: None, FakeNix(errors={"build": said}))
    assert said.splitlines()[-1] in caught.value.message
    assert next_step in caught.value.hint


def test_a_build_that_does_not_end_says_so() -> None:
    assert "did not end in time" in nix.explained(CommandFailed(["nix"], None, "")).message


def test_a_result_without_an_image_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="0 disk images"):
        nix.raw_image(tmp_path)
