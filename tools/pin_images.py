"""Write mailnix/services/mailcow/images.toml: what registries say of the images that a Mailcow tree runs.

python -m tools.pin_images TREE             asks for every image of TREE/docker-compose.yml
python -m tools.pin_images TREE --names     writes their names alone, without network; digests that are known stay

Each answer is compared with the digest that it is asked for by, so a registry can name an image but not change one.
Needs no Docker, and nobody's login: all of them are public.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mailnix.services.mailcow.pinned_images import IMAGES, Image, named
from tools.registry import manifest

TARGET = Path(__file__).parent.parent / "mailnix/services/mailcow/images.toml"
ARCHITECTURES = ("amd64", "arm64")
HEAD = TARGET.read_text("utf-8").partition("\n[[image]]")[0]

VARIANTS = (None, "v8")  # of arm64 there is no other; those of amd64 (v2, v3) do not run everywhere

Raw = Callable[[str], bytes]
"""What a registry has under a name, as it is: a list of platforms, or a manifest (OCI image-spec)."""


def asked(name: str, ask: Raw = manifest) -> Image:
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
        architecture, variant = platform.get("architecture"), platform.get("variant")
        if platform.get("os") == "linux" and architecture in ARCHITECTURES and variant in VARIANTS:
            its = ask(f"{repository}@{entry['digest']}")
            if digest_of(its) != entry["digest"]:
                raise ValueError(f"{name}: the manifest for {architecture} is not what its digest says")
            config[architecture] = json.loads(its)["config"]["digest"]
    return Image(name, digest, config)


def digest_of(text: bytes) -> str:
    """As registries write it."""
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


def toml(images: Iterable[Image]) -> str:
    """The file."""
    parts = [f"{HEAD.rstrip()}\n"]
    for image in images:
        lines = [f"\n[[image]]\nname = {json.dumps(image.name)}\n"]
        lines += [f"digest = {json.dumps(image.digest)}\n"] if image.digest else []
        lines += [f"config.{arch} = {json.dumps(digest)}\n" for arch, digest in sorted(image.config.items())]
        parts += lines
    return "".join(parts)


def main(words: list[str], target: Path = TARGET) -> int:
    """Write the file anew."""
    names = named((Path(words[0]) / "docker-compose.yml").read_text("utf-8"))
    known = {image.name: image for image in IMAGES}
    offline = "--names" in words[1:]
    found = [known.get(name, Image(name)) if offline else asked(name) for name in names]
    target.write_text(toml(found), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
