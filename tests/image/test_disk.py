"""A machine's image is its base and its own files: whole, repeatable, described, or not there at all."""

from __future__ import annotations

import json
import os
import shutil
import struct
from pathlib import Path

import pytest
from attrs import evolve

from mailnix.errors import BuildError, CommandFailed
from mailnix.image import Format, HostBuild, build_image, build_images, read_manifest
from mailnix.image.cache import file_digest
from mailnix.image.gpt import ROOT_OFFSET, SECTOR
from mailnix.image.manifest import ManifestEntry
from mailnix.image.values import MIB, ExtraTree
from mailnix.run import require, run
from mailnix.tree import File, Link, Tree
from tests.image.conftest import Build, Builder

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes a root file system as root")
TREE = Tree.of((File("/etc/issue", "proxy\n"), File("/usr/lib/mailnix/new/tool", "x", 0o755), Link("/etc/l", "issue")))
PROXY = HostBuild("proxy", ("nftables",), TREE, slack=160 * MIB)
INTERNAL = HostBuild("internal", ("nftables",), Tree.of((File("/etc/issue", "internal\n"),)), slack=160 * MIB)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that the tests share: making the base is tested elsewhere."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def build(tmp_path: Path, shared: Path, builder: Builder, told: list[str]) -> Build:
    """Build machines into `out` with a runner of this test's own."""

    def build(
        *hosts: HostBuild, form: Format = Format.RAW, out: Path = tmp_path / "out", cache: Path = shared
    ) -> tuple[ManifestEntry, ...]:
        return build_images(hosts, out, form, cache=cache, runner=builder, progress=told.append)

    return build


def read(image: Path, path: str) -> str:
    return run([require("debugfs", "e2fsprogs"), "-R", f"cat {path}", f"{image}?offset={ROOT_OFFSET}"]).stdout


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".mailnix.lock")


def test_each_machine_gets_its_files_on_one_shared_base(tmp_path: Path, build: Build, builder: Builder) -> None:
    entries = build(PROXY, INTERNAL, cache=tmp_path / "cache")
    assert builder.ran("mmdebstrap") == 1
    assert [entry.host for entry in entries] == ["proxy", "internal"]
    assert names(tmp_path / "out") == ["internal.raw", "manifest.json", "proxy.raw"]
    assert read(tmp_path / "out/proxy.raw", "/etc/issue") == "proxy\n"
    assert read(tmp_path / "out/internal.raw", "/etc/issue") == "internal\n"
    place = f"{tmp_path / 'out/proxy.raw'}?offset={ROOT_OFFSET}"
    assert run([require("e2fsck", "e2fsprogs"), "-fn", place]).status == 0


def test_the_manifest_describes_what_is_there(tmp_path: Path, build: Build) -> None:
    (entry,) = build(PROXY)
    image = tmp_path / "out" / entry.file
    manifest = read_manifest(tmp_path / "out")
    assert manifest is not None
    assert manifest.image("proxy") == entry
    assert entry.sha256 == file_digest(image)
    assert (entry.size, entry.virtual_size) == (image.stat().st_size, image.stat().st_size)
    assert entry.packages == {"nftables": "1.1", "systemd": "257"}
    listed = json.loads((tmp_path / "out/manifest.json").read_text())
    assert listed["images"][0]["format"] == "raw"


def test_the_same_inputs_give_the_same_image_and_other_inputs_another(tmp_path: Path, build: Build) -> None:
    (first,) = build(PROXY)
    (again,) = build(PROXY, out=tmp_path / "again")
    (other,) = build(evolve(PROXY, tree=Tree.of((File("/etc/issue", "Proxy\n"),))), out=tmp_path / "other")
    assert (again.sha256, again.inputs) == (first.sha256, first.inputs)
    assert other.sha256 != first.sha256
    assert other.inputs != first.inputs


def test_a_rebuild_replaces_one_machine_and_keeps_the_other_in_the_manifest(tmp_path: Path, build: Build) -> None:
    build(PROXY, INTERNAL)
    build(evolve(PROXY, tree=Tree.of((File("/etc/issue", "changed\n"),))))
    assert read(tmp_path / "out/proxy.raw", "/etc/issue") == "changed\n"
    manifest = read_manifest(tmp_path / "out")
    assert manifest is not None
    assert [entry.host for entry in manifest.images] == ["internal", "proxy"]


@pytest.mark.parametrize("form", [Format.QCOW2, Format.VMDK, Format.VHDX])
def test_an_image_is_converted_and_holds_the_same(tmp_path: Path, build: Build, form: Format) -> None:
    (raw,) = build(PROXY)
    (entry,) = build(PROXY, form=form)
    assert entry.file == f"proxy.{form}"
    assert entry.size < entry.virtual_size == raw.virtual_size
    assert (
        run(["qemu-img", "compare", tmp_path / "out/proxy.raw", tmp_path / "out" / entry.file], check=False).status == 0
    )


def test_a_larger_disk_gives_the_root_partition_all_of_it(tmp_path: Path, build: Build) -> None:
    size = 1024 * MIB
    (entry,) = build(evolve(PROXY, disk_size=size))
    assert entry.virtual_size == size
    with (tmp_path / "out/proxy.raw").open("rb") as file:
        file.seek(2 * SECTOR + 2 * 128 + 32)
        first, last = struct.unpack("<QQ", file.read(16))
        file.seek(size - SECTOR)
        assert file.read(8) == b"EFI PART"
    assert (first, last) == (ROOT_OFFSET // SECTOR, (size - MIB) // SECTOR - 1)


def test_a_disk_smaller_than_the_base_is_refused(tmp_path: Path, build: Build) -> None:
    with pytest.raises(BuildError, match="a disk of 64 MiB is too small"):
        build(evolve(PROXY, disk_size=64 * MIB))
    assert names(tmp_path / "out") == []


def test_a_tree_of_files_comes_along(tmp_path: Path, build: Build) -> None:
    source = tmp_path / "source"
    (source / "data").mkdir(parents=True)
    (source / "data/file").write_text("extra\n")
    build(evolve(PROXY, extra_trees=(ExtraTree(source, "/usr/share/mailcow-source"),)))
    assert read(tmp_path / "out/proxy.raw", "/usr/share/mailcow-source/data/file") == "extra\n"


def test_files_that_do_not_fit_are_refused_before_the_copy(tmp_path: Path, build: Build, builder: Builder) -> None:
    big = tmp_path / "big"
    big.mkdir()
    with (big / "file").open("wb") as file:
        os.truncate(file.fileno(), 600 * MIB)
    with pytest.raises(BuildError, match="more than its base image has room for"):
        build(evolve(PROXY, extra_trees=(ExtraTree(big, "/big"),)))
    assert builder.ran("debugfs") == 0


@pytest.mark.parametrize("program", ["debugfs", "qemu-img"])
def test_a_failed_build_leaves_the_folder_as_it_was(
    tmp_path: Path, build: Build, builder: Builder, program: str
) -> None:
    (before,) = build(PROXY, form=Format.QCOW2)
    builder.fails[program] = ("broken",)
    with pytest.raises(CommandFailed):
        build(PROXY, INTERNAL, form=Format.QCOW2)
    assert names(tmp_path / "out") == ["manifest.json", "proxy.qcow2"]
    assert file_digest(tmp_path / "out/proxy.qcow2") == before.sha256


def test_ctrl_c_leaves_the_folder_as_it_was(tmp_path: Path, build: Build, builder: Builder) -> None:
    builder.interrupts = "debugfs"
    with pytest.raises(KeyboardInterrupt):
        build(PROXY)
    assert names(tmp_path / "out") == []


def test_a_file_that_debugfs_did_not_write_fails_the_build(tmp_path: Path, build: Build) -> None:
    with pytest.raises(BuildError, match="could not be written"):
        build(evolve(PROXY, tree=Tree.of((File("/etc/f", "x"), Link("/etc/f/below", "x")))))
    assert names(tmp_path / "out") == []


def test_a_base_damaged_between_two_builds_is_made_again(tmp_path: Path, build: Build, builder: Builder) -> None:
    (first,) = build(PROXY, cache=tmp_path / "cache")
    disk = tmp_path / "cache/base" / first.base / "disk.raw"
    shutil.copyfile("/dev/null", disk)
    (again,) = build(PROXY, cache=tmp_path / "cache")
    assert builder.ran("mmdebstrap") == 2
    assert again.base == first.base


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path, build: Build) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BuildError, match="file/out: Not a directory"):
        build(PROXY, out=tmp_path / "file" / "out")


def test_one_machine_alone(tmp_path: Path, shared: Path, builder: Builder) -> None:
    entry = build_image(PROXY, tmp_path / "out", Format.RAW, cache=shared, runner=builder)
    assert entry.host == "proxy"
