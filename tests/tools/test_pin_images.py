"""The pin of Mailcow's images, from what registries say."""

from __future__ import annotations

import json
import tomllib

import pytest

from mailnix.services.mailcow.pinned_images import IMAGES, Image
from tools.pin_images import HEAD, TARGET, asked, digest_of, toml

NAME = "ghcr.io/mailcow/unbound:1.25.1-1"


def registry(**spoiled: bytes) -> dict[str, bytes]:
    """What a registry has of an image for two platforms, with the attestation that buildx adds."""
    names = ("amd64", "arm64", "s390x")
    manifests = {arch: json.dumps({"config": {"digest": f"sha256:{arch}"}}).encode() for arch in names}
    entries: list[dict[str, object]] = [
        {"digest": digest_of(text), "platform": {"os": "linux", "architecture": arch}}
        for arch, text in manifests.items()
    ]
    entries.append({"digest": "sha256:0", "platform": {"os": "unknown", "architecture": "unknown"}})
    held = {f"ghcr.io/mailcow/unbound@{digest_of(text)}": spoiled.get(arch, text) for arch, text in manifests.items()}
    return {NAME: json.dumps({"manifests": entries}).encode(), **held}


def test_an_image_is_asked_for_by_digest_below_its_name() -> None:
    held = registry()
    image = asked(NAME, held.__getitem__)
    assert image == Image(NAME, digest_of(held[NAME]), {"amd64": "sha256:amd64", "arm64": "sha256:arm64"})


def test_an_answer_that_is_not_what_its_digest_says_is_refused() -> None:
    with pytest.raises(ValueError, match="amd64 is not what its digest says"):
        asked(NAME, registry(amd64=b'{"config": {"digest": "sha256:evil"}}').__getitem__)


def test_what_is_written_is_read_again() -> None:
    images = (Image(NAME, "sha256:a", {"arm64": "sha256:c", "amd64": "sha256:b"}), Image("redis:7"))
    assert tuple(Image(**image) for image in tomllib.loads(toml(images))["image"]) == images


def test_the_file_is_as_its_writer_writes_it() -> None:
    assert TARGET.read_text("utf-8") == toml(IMAGES)
    assert HEAD.startswith("# The container images of the pinned tree")
