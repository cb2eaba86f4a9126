"""Archives of container images as `docker save` writes them: what is in one, checked from end to end before it is used.

Three forms exist. Up to Docker 24: `manifest.json`, `<id>.json` and `<id>/layer.tar`. From 25 on: the same
`manifest.json`, which leads to `blobs/sha256/…`, beside an OCI layout (`index.json`). With containerd's image store,
Docker 29's default: likewise, with layers as the registry has them, compressed. In all three an image's configuration
is the same bytes, so its digest is what an image is known by; the manifest's is not: the second form makes a new one.
`manifest.json` alone is read, for it names what is loaded. An OCI layout without one is refused: Debian 13's Docker
does not load it.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from attrs import frozen

from mailnix.errors import BuildError
from mailnix.services.mailcow.pinned_images import Image, familiar

JSON_MAX: Final = 2**24  # bytes of a manifest or a configuration
CHUNK: Final = 2**20
GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
BLOBS: Final = "blobs/sha256"
SAVE: Final = "make it again: docker save NAME… | zstd > FILE"


@frozen
class Saved:
    """An image in an archive: its names, the digest of its configuration, and what it runs on."""

    archive: str
    names: tuple[str, ...]
    config: str
    architecture: str


def saved(archive: Path, shown: str = "") -> tuple[Saved, ...]:
    """The images in an uncompressed archive, of which every byte was compared with the digests that name it.

    `shown` is what people call it. Raises BuildError for what is damaged, or was not made by `docker save`.
    """
    name = shown or archive.name
    try:
        with tarfile.open(archive, "r:") as tar:
            return tuple(_image(tar, entry, name) for entry in _manifest(tar, name))
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise BuildError(f"{name} is damaged, or no archive of docker save: {error}", SAVE) from None


def _manifest(tar: tarfile.TarFile, archive: str) -> Iterator[dict[str, Any]]:
    names = {"manifest.json", "index.json"} & set(tar.getnames())
    if not names:
        raise BuildError(f"{archive} has neither manifest.json nor index.json: docker save has not made it", SAVE)
    if "manifest.json" not in names:
        hint = f"{SAVE}; skopeo and podman save write one as docker-archive"
        raise BuildError(
            f"{archive} is an OCI layout (index.json) without manifest.json: Docker does not load it", hint
        )
    found = _json(_member(tar, "manifest.json", archive).read(JSON_MAX), archive)
    if not isinstance(found, list) or not found:
        raise _strange(archive)
    for entry in found:
        layers = entry.get("Layers") if isinstance(entry, dict) else None
        if not isinstance(layers, list) or not isinstance(entry.get("Config"), str):
            raise _strange(archive)
        yield entry


def _image(tar: tarfile.TarFile, entry: dict[str, Any], archive: str) -> Saved:
    tags = entry.get("RepoTags")
    names = tuple(familiar(tag) for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
    if not names:
        raise BuildError(f"{archive} has an image without a name", "name images, not ids: docker save NAME…")
    data = _member(tar, entry["Config"], archive).read(JSON_MAX)  # a longer one is not what its digest says
    digest = hashlib.sha256(data).hexdigest()
    if PurePosixPath(entry["Config"]).name.removesuffix(".json") != digest:
        raise BuildError(f"{archive}: the configuration of {names[0]} is not what its digest says", SAVE)
    config = _json(data, archive)
    rootfs = config.get("rootfs") if isinstance(config, dict) else None
    layers = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(layers, list) or len(layers) != len(entry["Layers"]):
        raise _strange(archive)
    for path, diff_id in zip(entry["Layers"], layers, strict=True):
        _layer(tar, str(path), str(diff_id), names[0], archive)
    return Saved(archive, names, f"sha256:{digest}", str(config.get("architecture")))


def _layer(tar: tarfile.TarFile, path: str, diff_id: str, image: str, archive: str) -> None:
    """Compare a layer with its name and with what the configuration says that it is, unpacked.

    One in zstd is compared with its name alone: Docker compares the rest when it unpacks it.
    """
    with _member(tar, path, archive) as stream:
        content, unpacked = _digests(stream)
    name = PurePosixPath(path)
    renamed = str(name.parent) == BLOBS and name.name != content
    if renamed or (unpacked is not None and f"sha256:{unpacked}" != diff_id):
        raise BuildError(f"{archive}: a layer of {image} is not what its digest says", SAVE)


def _digests(stream: IO[bytes]) -> tuple[str, str | None]:
    """SHA-256 of a layer as it lies there, and unpacked; None for the second where it is in zstd."""
    head = stream.read(CHUNK)
    content, plain = hashlib.sha256(), hashlib.sha256()
    unpack = zlib.decompressobj(wbits=31) if head.startswith(GZIP) else None
    chunk = head
    while chunk:
        content.update(chunk)
        while chunk and unpack is not None:
            plain.update(unpack.decompress(chunk, CHUNK))
            chunk = unpack.unconsumed_tail
        plain.update(chunk)
        chunk = stream.read(CHUNK)
    if unpack is not None:
        plain.update(unpack.flush())
        if not unpack.eof:
            raise EOFError("a layer ends too early")
    return content.hexdigest(), None if head.startswith(ZSTD) else plain.hexdigest()


def _member(tar: tarfile.TarFile, path: str, archive: str) -> IO[bytes]:
    try:
        stream = tar.extractfile(path)
    except (KeyError, RecursionError):
        stream = None
    if stream is None:
        raise BuildError(f"{archive} was not made by docker save, or is cut off: it has no {path[:100]}", SAVE)
    return stream


def _json(data: bytes, archive: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise _strange(archive) from None


def _strange(archive: str) -> BuildError:
    return BuildError(f"{archive} was not made by docker save", SAVE)


def ensure(found: Iterable[Saved], images: Iterable[Image], architecture: str) -> tuple[str, ...]:
    """Raise BuildError unless these are the images, all of them and no others; gives those without a pinned digest."""
    pinned = {familiar(image.name): image for image in images}
    problems, seen, unpinned = [], set[str](), []
    for image in found:
        for name in image.names:
            seen.add(name)
            if (wrong := _wrong(image, name, pinned.get(name), architecture)) is not None:
                problems.append(wrong)
            elif architecture not in pinned[name].config:
                unpinned.append(name)
    missing = [name for name in pinned if name not in seen]
    if problems:
        pull = f"docker pull --platform linux/{architecture} NAME"
        raise BuildError("; ".join(problems), f"pull the pinned Mailcow's images ({pull}), and save them again")
    if missing:
        hint = f"docker save {' '.join(missing)} > FILE, and name it, too"
        raise BuildError(f"the archives lack {len(missing)} of {len(pinned)} images: {', '.join(missing)}", hint)
    return tuple(unpinned)


def _wrong(image: Saved, name: str, pinned: Image | None, architecture: str) -> str | None:
    if pinned is None:
        return f"{image.archive}: {name} is no image of this Mailcow"
    if image.architecture != architecture:
        return f"{image.archive}: {name} is for {image.architecture}, the machine is {architecture}"
    expected = pinned.config.get(architecture)
    if expected is not None and expected != image.config:
        return f"{image.archive}: {name} is {image.config}, the pin says {expected}"
    return None
