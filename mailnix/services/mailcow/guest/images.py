"""Container images that came on a disk, for a machine without a registry: every *.tar on MAILNIX-IMAGES is loaded."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

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
        if all(_have(tag, identity, command) for tag, identity in tags(archive)):
            continue
        say(f"loading {archive.name}")
        command(["docker", "load", "--quiet", "--input", str(archive)])


def tags(archive: Path) -> Iterator[tuple[str, str]]:
    """Names and ids of the images in an archive of `docker save`; raises ValueError where it is none."""
    with tarfile.open(archive) as tar:
        try:
            file = tar.extractfile("manifest.json")
        except KeyError:
            file = None
        if file is None:
            raise ValueError(f"{archive.name} was not made by docker save")
        manifest = json.load(file)
    for image in manifest:
        identity = "sha256:" + Path(image["Config"]).name.removesuffix(".json")
        for tag in image["RepoTags"] or ():
            yield tag, identity


def _have(tag: str, identity: str, command: Command) -> bool:
    found = command(["docker", "image", "ls", "--no-trunc", "--format", "{{.ID}}", tag])
    return identity in found.split()
