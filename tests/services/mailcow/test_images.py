"""Images by their digests, where tags move and a registry may be away."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from mailnix.services.mailcow.guest import images
from mailnix.services.mailcow.guest.machine import SetupError

OLD, NEW = "sha256:aa", "sha256:bb"


class Docker:
    """Images by digest, and a tag on one of them."""

    def __init__(self) -> None:
        self.here: set[str] = set()
        self.tags: dict[str, str] = {}
        self.away = False

    def __call__(self, argv: Sequence[str]) -> str:
        match argv[1:]:
            case ["image", "ls", "--quiet", name]:
                return self.tags.get(name, "")
            case ["image", "inspect", name]:
                digest = name.partition("@")[2] or self.tags.get(name, "")
                if digest not in self.here:
                    raise SetupError("no such image")
                return json.dumps([{"Id": f"id-of-{digest}", "RepoDigests": [f"redis@{digest}"]}])
            case ["pull", "--quiet", reference]:
                if self.away:
                    raise SetupError("docker pull: no such host")
                self.here.add(reference.partition("@")[2])
            case ["tag", reference, name]:
                self.tags[name] = reference.partition("@")[2]
        return ""


def pull(docker: Docker, digests: Mapping[str, str], folder: Path) -> None:
    images.pull(digests, (), folder / "images.json", docker, lambda _: None)


def test_a_tag_goes_back_to_an_image_that_is_here_without_a_registry(tmp_path: Path) -> None:
    docker = Docker()
    pull(docker, {"redis:7": OLD}, tmp_path)
    pull(docker, {"redis:7": NEW}, tmp_path)
    docker.away = True
    pull(docker, {"redis:7": OLD}, tmp_path)
    assert docker.tags == {"redis:7": OLD}


def test_what_is_not_here_needs_one(tmp_path: Path) -> None:
    docker = Docker()
    docker.away = True
    with pytest.raises(SetupError, match="no such host"):
        pull(docker, {"redis:7": OLD}, tmp_path)
