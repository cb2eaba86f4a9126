"""The commands that make a base: pure functions from a spec to argv."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from mailnix.image import debs
from mailnix.image.gpt import ESP_OFFSET, ESP_SIZE, ROOT_OFFSET, SECTOR
from mailnix.image.loaders import LOADERS, Loaders
from mailnix.image.values import BaseSpec
from mailnix.model.architecture import Architecture

FORMAT_VERSION = 1
"""Raise it when the way a base is made changes without its scripts changing."""

SUITE = "trixie"
NAMESPACE = UUID("6d61696c-6e69-7800-8000-696d61676500")
SCRIPTS = Path(__file__).parent / "scripts"
HARAKA = Path(__file__).parent.parent / "services" / "haraka"
NPM = HARAKA / "npm"
LOCK = "package-lock.json"
UNUSED_NODE = ("include", "share")
"""What Node's package brings for compiling and reading; 70 MB that no machine needs."""

FINISHING = ("finish", "unprivileged")
"""Our scripts that make a disk of what mmdebstrap left."""


def script(name: str) -> str:
    """The text of one of the shell scripts beside this file."""
    return (SCRIPTS / f"{name}.sh").read_text()


def hooks(architecture: Architecture) -> tuple[tuple[str, str], ...]:
    """mmdebstrap's stages, and our scripts for the end of each, in their order.

    Nothing is lent to amd64, which images are built on: its bases are not made anew because of native.sh.
    """
    native = () if architecture is Architecture.AMD64 else ("native",)
    scripts = {"extract": ("slim", *native), "essential": ("prepare",), "customize": (*native, "customize")}
    return tuple((stage, name) for stage, names in scripts.items() for name in names)


def script_names(architecture: Architecture) -> tuple[str, ...]:
    """All scripts that a base is made by."""
    return (*dict.fromkeys(name for _, name in hooks(architecture)), *FINISHING)


def base_key(spec: BaseSpec, mirrors: Sequence[str] = ()) -> str:
    """Names a base: equal for equal inputs, other when anything that goes into it changes."""
    scripts = {name: script(name) for name in script_names(spec.architecture)}
    lock = "".join((npm / LOCK).read_text() for npm in npm_folders(spec.architecture)) if spec.npm_tree else ""
    loaders = LOADERS[spec.architecture].env
    inputs = [FORMAT_VERSION, SUITE, spec.packages, spec.kernel, spec.slack, scripts, lock, mirrors, loaders]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:20]


def npm_folders(architecture: Architecture) -> tuple[Path, ...]:
    """The folders with a package-lock.json that make the tree: Haraka's, and that of a Node for another processor."""
    return (NPM,) if architecture is Architecture.AMD64 else (NPM, HARAKA / f"node-{architecture}")


def root_uuid(key: str) -> UUID:
    """The id of the root file system, which boot loader and kernel look for."""
    return uuid5(NAMESPACE, f"root {key}")


def disk_uuid(key: str) -> UUID:
    """The id of the partition table; partitions derive theirs from it."""
    return uuid5(NAMESPACE, f"disk {key}")


def hook(stage: str, name: str) -> str:
    """mmdebstrap's option that runs one of our scripts at a stage's end. It wants the environment of `hooks_env`."""
    return f'--{stage}-hook=sh -c "${_variable(name)}" {stage} "$1"'


def hooks_env(*names: str) -> dict[str, str]:
    """These scripts, by variable (a namespace's root may not read our files), and silence for debconf."""
    scripts = {_variable(name): script(name) for name in names}
    return {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", **scripts}


def _variable(name: str) -> str:
    return f"MAILNIX_{name.upper().replace('-', '_')}"


APT: Final = ('--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Retries "3"')
"""What apt is told where Debian's packages are installed."""


def mmdebstrap(architecture: Architecture) -> list[str]:
    """How each call of mmdebstrap begins.

    Mode unshare, also as root: what is mounted for the packages' scripts is gone with the process, however it ends.
    """
    return [
        "mmdebstrap",
        "--mode=unshare",
        "--variant=apt",
        f"--architectures={architecture}",
        *APT,
    ]


def mmdebstrap_argv(
    spec: BaseSpec, target: Path, mirrors: Sequence[str] = (), fetched: Path | None = None
) -> list[str]:
    """Install the packages into `target`: a directory, or a tar file if its name says so; see `debs` for `fetched`."""
    return [
        *mmdebstrap(spec.architecture),
        f"--include={','.join((*spec.packages, spec.kernel))}",
        *(() if fetched is None else debs.argv(fetched)),
        *(hook(stage, name) for stage, name in hooks(spec.architecture)),
        SUITE,
        str(target),
        *mirrors,
    ]


def mmdebstrap_env(spec: BaseSpec, key: str) -> dict[str, str]:
    """What its hooks read: their scripts, the processor, its loaders, and the file system that will have the root."""
    words = {"ARCHITECTURE": str(spec.architecture), "ROOT_UUID": str(root_uuid(key))}
    return {**hooks_env(*(name for _, name in hooks(spec.architecture))), **LOADERS[spec.architecture].env, **words}


def finish_argv(spec: BaseSpec, key: str, root: Path, out: Path, npm: Path | None) -> list[str]:
    """Make the disk image `out`/disk.raw, with its root file system in place, from the directory `root`."""
    words = (str(root), str(out), str(root_uuid(key)), str(ROOT_OFFSET), str(spec.slack), str(npm or ""))
    return ["sh", "-c", script("finish"), "finish", *words]


def unprivileged_argv(spec: BaseSpec, key: str, work: Path) -> list[str]:
    """The same for who is not root, from `work`/root.tar (and `work`/npm) into `work`/out, in a user namespace.

    It wants the environment of `unprivileged_env`.
    """
    words = (str(work), str(root_uuid(key)), str(ROOT_OFFSET), str(spec.slack))
    return ["sh", "-c", script("unprivileged"), "unprivileged", *words]


def unprivileged_env() -> dict[str, str]:
    """The script that `unprivileged_argv` runs inside the namespace, where our files cannot be read."""
    return {"MAILNIX_FINISH": script("finish")}


def npm_argv(*more: str) -> list[str]:
    """Install the pinned tree in the current folder, running none of its packages' scripts."""
    return ["npm", "ci", *more, "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]


def esp_argvs(disk: Path, files: Path, loaders: Loaders) -> list[list[str]]:
    """Make the EFI system partition inside the disk image with mtools, which mounts nothing."""
    image = f"{disk}@@{ESP_OFFSET}"
    sectors = str(ESP_SIZE // SECTOR)
    return [
        ["mformat", "-i", image, "-F", "-c", "1", "-T", sectors, "-h", "255", "-s", "63", "-v", "EFI", "::"],
        *loaders.esp_argvs(image, files / "shim.efi", files / "grub.efi", files / "early.cfg"),
    ]
