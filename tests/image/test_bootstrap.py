"""The commands of a base image, as whole lists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from attrs import evolve

from mailnix.image import bootstrap
from mailnix.image.loaders import LOADERS
from mailnix.image.values import MIB, BaseSpec
from mailnix.model.architecture import Architecture

ERR = 3  # syslog(3)
SPEC = BaseSpec(("nftables", "caddy"), "linux-image-amd64")
ARM = evolve(SPEC, architecture=Architecture.ARM64)


def test_mmdebstrap_is_asked_for_exactly_the_packages_and_the_kernel() -> None:
    assert bootstrap.mmdebstrap_argv(SPEC, Path("/w/root"), ("http://mirror.test/debian",)) == [
        "mmdebstrap",
        "--mode=unshare",
        "--variant=apt",
        "--architectures=amd64",
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Retries "3"',
        "--include=caddy,nftables,linux-image-amd64",
        '--extract-hook=sh -c "$MAILNIX_SLIM" extract "$1"',
        '--essential-hook=sh -c "$MAILNIX_PREPARE" essential "$1"',
        '--customize-hook=sh -c "$MAILNIX_CUSTOMIZE" customize "$1"',
        "trixie",
        "/w/root",
        "http://mirror.test/debian",
    ]


def test_the_hooks_find_their_scripts_in_the_environment() -> None:
    env = bootstrap.mmdebstrap_env(ARM, "key")
    assert env["MAILNIX_SLIM"] == bootstrap.script("slim")
    assert env["MAILNIX_NATIVE"] == bootstrap.script("native")
    assert env["MAILNIX_PREPARE"] == bootstrap.script("prepare")
    assert env["MAILNIX_CUSTOMIZE"] == bootstrap.script("customize")
    assert env["ROOT_UUID"] == str(bootstrap.root_uuid("key"))


def test_a_root_of_another_processor_is_lent_programs_first_and_gives_them_back_before_it_is_looked_at() -> None:
    hooks = [word for word in bootstrap.mmdebstrap_argv(ARM, Path("/w/root")) if "-hook=" in word]
    assert hooks == [
        '--extract-hook=sh -c "$MAILNIX_SLIM" extract "$1"',
        '--extract-hook=sh -c "$MAILNIX_NATIVE" extract "$1"',
        '--essential-hook=sh -c "$MAILNIX_PREPARE" essential "$1"',
        '--customize-hook=sh -c "$MAILNIX_NATIVE" customize "$1"',
        '--customize-hook=sh -c "$MAILNIX_CUSTOMIZE" customize "$1"',
    ]


def test_what_is_lent_to_others_is_no_part_of_a_base_for_amd64() -> None:
    assert "native" not in bootstrap.script_names(Architecture.AMD64)
    assert {*bootstrap.script_names(Architecture.ARM64)} - {*bootstrap.script_names(Architecture.AMD64)} == {"native"}


def test_the_root_file_system_is_made_at_the_place_of_its_partition() -> None:
    argv = bootstrap.finish_argv(SPEC, "key", Path("/w/root"), Path("/w/out"), Path("/w/npm"))
    uuid = str(bootstrap.root_uuid("key"))
    assert argv[:2] == ["sh", "-c"]
    assert argv[3:] == ["finish", "/w/root", "/w/out", uuid, str(42 * MIB), str(512 * MIB), "/w/npm"]


def test_who_is_not_root_goes_through_a_user_namespace() -> None:
    argv = bootstrap.unprivileged_argv(SPEC, "key", Path("/w"))
    assert argv[3:] == ["unprivileged", "/w", str(bootstrap.root_uuid("key")), str(42 * MIB), str(512 * MIB)]
    assert bootstrap.unprivileged_env() == {"MAILNIX_FINISH": bootstrap.script("finish")}


def test_npm_runs_no_scripts_of_packages() -> None:
    assert bootstrap.npm_argv()[:4] == ["npm", "ci", "--omit=dev", "--ignore-scripts"]


def test_the_efi_partition_is_made_inside_the_image() -> None:
    argvs = bootstrap.esp_argvs(Path("/w/disk.raw"), Path("/w"), LOADERS[Architecture.AMD64])
    assert [argv[0] for argv in argvs] == ["mformat", "mmd", "mcopy", "mcopy", "mcopy"]
    assert all(argv[1:3] == ["-i", f"/w/disk.raw@@{2 * MIB}"] for argv in argvs)
    assert [argv[-1] for argv in argvs[2:]] == [
        "::/EFI/BOOT/BOOTX64.EFI",
        "::/EFI/BOOT/grubx64.efi",
        "::/EFI/debian/grub.cfg",
    ]


def test_equal_package_sets_share_a_base() -> None:
    assert bootstrap.base_key(SPEC) == bootstrap.base_key(BaseSpec(("caddy", "nftables", "caddy")))


@pytest.mark.parametrize(
    "changed",
    [
        evolve(SPEC, packages=("caddy",)),
        evolve(SPEC, kernel="linux-image-cloud-amd64"),
        evolve(SPEC, npm_tree=True),
        evolve(SPEC, slack=MIB),
        ARM,
    ],
)
def test_whatever_changes_the_base_changes_its_key(changed: BaseSpec) -> None:
    assert bootstrap.base_key(changed) != bootstrap.base_key(SPEC)


def test_another_mirror_is_another_base() -> None:
    assert bootstrap.base_key(SPEC, ("http://mirror.test/debian",)) != bootstrap.base_key(SPEC)


def test_every_script_is_sound_shell() -> None:
    from mailnix.run import run

    for name in bootstrap.script_names(Architecture.ARM64):
        run(["sh", "-n"], stdin=bootstrap.script(name).encode())


def test_the_loader_and_the_kernel_look_for_the_same_file_system() -> None:
    text = bootstrap.script("customize")
    assert text.count("search --no-floppy --fs-uuid --set=root $ROOT_UUID") == 2
    assert "root=UUID=$ROOT_UUID " in text
    assert "console=tty0 console=$SERIAL" in text


@pytest.mark.parametrize("architecture", Architecture)
def test_the_root_is_of_the_machines_processor_and_its_firmware_finds_a_loader(architecture: Architecture) -> None:
    spec, loaders = evolve(SPEC, architecture=architecture), LOADERS[architecture]
    assert f"--architectures={architecture}" in bootstrap.mmdebstrap_argv(spec, Path("/w/root"))
    env = bootstrap.mmdebstrap_env(spec, "key")
    assert architecture in env["LOADERS"]
    assert env["SHIM"].endswith(".signed")
    assert env["GRUB"].endswith(".signed")
    targets = [argv[-1] for argv in bootstrap.esp_argvs(Path("/w/disk.raw"), Path("/w"), loaders)]
    assert f"::/EFI/BOOT/{loaders.efi}" in targets
    # The shim starts what its own name says, from where it lies.
    assert loaders.grub.removeprefix("grub").removesuffix(".efi") in loaders.efi.lower()


def test_the_node_of_another_processor_is_of_the_same_version() -> None:
    versions = set()
    for folder in bootstrap.npm_folders(Architecture.ARM64):
        packages = json.loads((folder / bootstrap.LOCK).read_text())["packages"]
        versions |= {entry["version"] for name, entry in packages.items() if "/node-linux-" in name}
    assert len(versions) == 1


def test_the_kernel_shows_errors_on_its_consoles_for_what_people_must_know_is_said_so() -> None:
    text = bootstrap.script("customize")
    shown = re.search(r"loglevel=(\d)", text)
    assert shown is not None
    assert int(shown[1]) > ERR
    assert "TTYVTDisallocate=no" in text
