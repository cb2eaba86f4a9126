"""Write mailnix/services/mailcow/images.toml: what registries say of the images that a Mailcow tree runs.

pin_images.py TREE              asks for every image of TREE/docker-compose.yml
pin_images.py TREE --names      writes their names alone, where there is no network; digests that are known stay

Each answer is compared with the digest that it is asked for by, so a registry can name an image but not change one.
Needs `docker buildx`, which asks any registry without pulling: `docker buildx imagetools inspect --raw NAME`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mailnix.run import run
from mailnix.services.mailcow.pinned_images import IMAGES, Image, named

TARGET = Path(__file__).parent.parent / "mailnix/services/mailcow/images.toml"
ARCHITECTURES = ("amd64", "arm64")
HEAD = TARGET.read_text("utf-8").partition("\n[[image]]")[0]

Raw = Callable[[str], str]
"""What a registry has under a name, as it is: a list of platforms, or a manifest (OCI image-spec)."""


def raw(name: str) -> str:
    """Ask by Docker's client, which finds the registry and its credentials."""
    return run(["docker", "buildx", "imagetools", "inspect", "--raw", name], timeout=300).stdout


def asked(name: str, ask: Raw = raw) -> Image:
    """An image with its digests; raises ValueError where an answer is not what its digest says."""
    text = ask(name)
    digest = digest_of(text)
    found: dict[str, Any] = json.loads(text)
    if "manifests" not in found:  # one platform only, and it does not say which
        raise ValueError(f"{name} is no list of platforms")
    repository = name.rpartition(":")[0]
    config = {}
    for entry in found["manifests"]:
        platform = entry.get("platform", {})
        if platform.get("os") == "linux" and platform.get("architecture") in ARCHITECTURES and not entry.get("variant"):
            manifest = ask(f"{repository}@{entry['digest']}")
            if digest_of(manifest) != entry["digest"]:
                raise ValueError(f"{name}: the manifest for {platform['architecture']} is not what its digest says")
            config[platform["architecture"]] = json.loads(manifest)["config"]["digest"]
    return Image(name, digest, config)


def digest_of(text: str) -> str:
    """As registries write it."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def toml(images: Iterable[Image]) -> str:
    """The file."""
    parts = [f"{HEAD.rstrip()}\n"]
    for image in images:
        lines = [f"\n[[image]]\nname = {json.dumps(image.name)}\n"]
        lines += [f"digest = {json.dumps(image.digest)}\n"] if image.digest else []
        lines += [f"config.{arch} = {json.dumps(digest)}\n" for arch, digest in sorted(image.config.items())]
        parts += lines
    return "".join(parts)


def main(words: list[str]) -> int:
    """Write the file anew."""
    names = named((Path(words[0]) / "docker-compose.yml").read_text("utf-8"))
    known = {image.name: image for image in IMAGES}
    offline = "--names" in words[1:]
    found = [known.get(name, Image(name)) if offline else asked(name) for name in names]
    TARGET.write_text(toml(found), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
