"""Container images: those of a disk are loaded, every *.tar on MAILNIX-IMAGES; the others are pulled by their digests.

A tag may be moved to another image (memcached:alpine), and whoever runs a registry may move any. Docker compares what
it pulls by a digest with that; Mailcow's compose file then finds the tag here, and no registry is asked for it.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .machine import SetupError

LABEL = Path("/dev/disk/by-label/MAILNIX-IMAGES")
MOUNT = Path("/run/mailnix/images")

Command = Callable[[Sequence[str]], str]
Say = Callable[[str], None]


def pull(digests: Mapping[str, str], came: Sequence[str], record: Path, command: Command, say: Say) -> None:
    """Have images as their digests say, each under the name (with its tag) that it is pinned by.

    Those that `came` with a disk were compared when it was made. `record` remembers what was found good, by digest and
    Docker's id, so that a start without network asks nobody. Raises what `command` does, for a registry that is away or
    has another image under a digest.
    """
    good: dict[str, list[str]] = json.loads(record.read_text("utf-8")) if record.exists() else {}
    for name, digest in digests.items():
        reference = by_digest(name, digest)
        identity, known = _seen(name, command)
        if identity and [digest, identity] == good.get(name):
            continue
        if reference not in known and not came_along(name, came):
            if not have(reference, command):
                say(f"pulling {name} by its digest")
                command(["docker", "pull", "--quiet", reference])
            command(["docker", "tag", reference, name])
            identity, _ = _seen(name, command)
        good[name] = [digest, identity]
        new = record.with_name(f".{record.name}.new")
        new.write_text(json.dumps(good, indent=1), "utf-8")
        new.replace(record)


def by_digest(name: str, digest: str) -> str:
    """What Docker pulls an image by, so that it compares it."""
    return f"{name.rpartition(':')[0]}@{digest}"


def have(reference: str, command: Command) -> bool:
    """Whether an image is here, under whatever tag: one that a tag was moved away from is, too."""
    try:
        command(["docker", "image", "inspect", reference])
    except SetupError:
        return False
    return True


def came_along(name: str, came: Sequence[str]) -> bool:
    """Whether an image is one of those that came with a disk."""
    return any(f"/{tag}".endswith(f"/{name}") for tag in came)


def _seen(name: str, command: Command) -> tuple[str, tuple[str, ...]]:
    """Docker's id of an image, "" where there is none, and the digests by which registries know it."""
    if not command(["docker", "image", "ls", "--quiet", name]).strip():
        return "", ()
    (image,) = json.loads(command(["docker", "image", "inspect", name]))
    return image["Id"], tuple(image.get("RepoDigests") or ())


def load_from_disk(command: Command, say: Say, device: Path = LABEL, mount: Path = MOUNT) -> tuple[str, ...]:
    """Mount the disk where there is one (read-only), load what Docker has not got, unmount; gives the images' names."""
    command(["udevadm", "settle", "--timeout=300"])
    if not device.exists():
        return ()
    mount.mkdir(parents=True, exist_ok=True)
    mounted = not mount.is_mount()
    if mounted:
        command(["mount", "-o", "ro", str(device), str(mount)])
    try:
        return load(mount, command, say)
    finally:
        if mounted:
            command(["umount", str(mount)])


def load(folder: Path, command: Command, say: Say) -> tuple[str, ...]:
    """Load each archive that has an image whose name or content Docker does not know; gives the images' names."""
    names: list[str] = []
    for archive in sorted(folder.glob("*.tar")):
        found = tuple(tags(archive))
        names += [tag for tag, _, _ in found]
        if all(_have(tag, identity, config, command) for tag, identity, config in found):
            continue
        say(f"loading {archive.name}")
        command(["docker", "load", "--quiet", "--input", str(archive)])
    return tuple(names)


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
