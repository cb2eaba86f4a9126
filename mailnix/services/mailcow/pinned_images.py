"""The container images that a Mailcow tree runs, and what those of the pinned one must be."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from attrs import field, frozen

from mailnix.formats.text import data

HUB: Final = ("docker.io/library/", "docker.io/")
"""What Docker adds to names of its own registry, and leaves out again."""
_IMAGE: Final = re.compile(r"^ +image: *[\"']?(?P<name>[^\s\"'#]+)", re.MULTILINE)


@frozen
class Image:
    """An image by name; its digests are "" or missing where nobody has asked its registry yet.

    `digest` is that of the registry's list of platforms; `config` has the digest of the image's configuration by
    architecture. The configuration names every layer by content (OCI image-spec, config.md), and it is the same however
    an image was saved; the digest of a manifest is not, since `docker save` of Docker's older store makes a new one.
    """

    name: str
    digest: str = ""
    config: Mapping[str, str] = field(factory=dict)


IMAGES: Final = tuple(Image(**image) for image in data("mailcow/images.toml")["image"])


def familiar(name: str) -> str:
    """A name as people write it, with its tag: Docker Hub's without the registry's."""
    for prefix in HUB:
        name = name.removeprefix(prefix)
    return name if ":" in name.rpartition("/")[2] or "@" in name else f"{name}:latest"


def named(compose: str) -> tuple[str, ...]:
    """The names of the images in a docker-compose.yml of Mailcow, each once."""
    return tuple(dict.fromkeys(familiar(match["name"]) for match in _IMAGE.finditer(compose)))


def digests(images: Iterable[Image] = IMAGES) -> dict[str, str]:
    """What a machine pulls images by, as far as it is known: name to digest of the list of platforms."""
    return {familiar(image.name): image.digest for image in images if image.digest}


def release(rev: str, images: Iterable[Image] = IMAGES) -> str:
    """Which Mailcow that is: a tree's revision, and, where digests of its images are known, these.

    MariaDB and Redis are among them, and rewrite their files as a release does.
    """
    known = digests(images)
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
    return f"{rev}+{digest[:12]}" if known else rev


def wanted(compose: str, pinned: Iterable[Image] = IMAGES) -> tuple[Image, ...]:
    """The images of a tree's docker-compose.yml; digests are those of the pinned ones with the same names."""
    known = {familiar(image.name): image for image in pinned}
    return tuple(known.get(name, Image(name)) for name in named(compose))
