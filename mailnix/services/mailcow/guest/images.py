"""Container images that came on a disk, for a machine without a registry: every *.tar on MAILNIX-IMAGES is loaded."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

LABEL = Path("/dev/disk/by-label/MAILNIX-IMAGES")
MOUNT = Path("/run/mailnix/images")

Command = Callable[[Sequence[str]], str]
Say = Callable[[str], None]


def load_from_disk(command: Command, say: Say, device: Path = LABEL, mount: Path = MOUNT) -> None:
    """Mount the disk where there is one (read-only), load what Docker has not got, unmount."""
    command(["udevadm", "settle", "--timeout=300"])
    if not device.exists():
        return
    mount.mkdir(parents=True, exist_ok=True)
    mounted = not mount.is_mount()
    if mounted:
        command(["mount", "-o", "ro", str(device), str(mount)])
    try:
        load(mount, command, say)
    finally:
        if mounted:
            command(["umount", str(mount)])


def load(folder: Path, command: Command, say: Say) -> None:
    """Load each archive that has an image whose name or content Docker does not know."""
    for archive in sorted(folder.glob("*.tar")):
        if all(_have(tag, identity, config, command) for tag, identity, config in tags(archive)):
            continue
        say(f"loading {archive.name}")
        command(["docker", "load", "--quiet", "--input", str(archive)])


def tags(archive: Path) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Names, ids and configurations of the images in an archive of `docker save`; ValueError where it is none."""
    with tarfile.open(archive) as tar:
        for image in _member(tar, "manifest.json", archive):
            identity = "sha256:" + Path(image["Config"]).name.removesuffix(".json")
            config = _member(tar, image["Config"], archive)
            for tag in image["RepoTags"] or ():
                yield tag, identity, config


def _member(tar: tarfile.TarFile, name: str, archive: Path) -> Any:
    try:
        file = tar.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise ValueError(f"{archive.name} was not made by docker save")
    return json.load(file)


def _have(tag: str, identity: str, config: Mapping[str, Any], command: Command) -> bool:
    found = command(["docker", "image", "ls", "--no-trunc", "--format", "{{.ID}}", tag]).split()
    return identity in found or (found != [] and _same(command(["docker", "image", "inspect", tag]), config))


def _same(inspected: str, config: Mapping[str, Any]) -> bool:
    """Whether an image has the archive's layers, and runs as it says there.

    In containerd's image store, Docker 29's default, an image's id is its manifest's, which the archive need not have.
    """
    image = json.loads(inspected)[0]
    known = image["Config"]
    said = {key: value for key, value in (config.get("config") or {}).items() if value and key in known}
    return bool(
        image["RootFS"].get("Layers", []) == config["rootfs"]["diff_ids"] and said == {key: known[key] for key in said}
    )
