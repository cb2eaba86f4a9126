"""The pin's images are those of the pinned tree."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from mailnix.services.mailcow.pinned_images import IMAGES, Image, named, release

TREE = os.environ.get("MAILNIX_MAILCOW_TREE")


@pytest.mark.skipif(TREE is None, reason="no Mailcow tree: give $MAILNIX_MAILCOW_TREE")
def test_they_are_those_that_the_tree_names() -> None:
    compose = (Path(str(TREE)) / "docker-compose.yml").read_text("utf-8")
    assert tuple(image.name for image in IMAGES) == named(compose)


def test_each_has_a_name_and_digests_or_none() -> None:
    assert len({image.name for image in IMAGES}) == len(IMAGES) > 10
    for image in IMAGES:
        for digest in (image.digest, *image.config.values()):
            assert digest == "" or re.fullmatch(r"sha256:[0-9a-f]{64}", digest)


def test_which_mailcow_it_is_tells_the_digest_of_each_image() -> None:
    one, other, unknown = Image("redis:7", "sha256:1"), Image("redis:7", "sha256:2"), Image("redis:7")
    assert release("rev", [unknown]) == "rev"
    assert len({release("rev", [one]), release("rev", [other]), release("rev2", [one]), release("rev", [])}) == 4
    more = Image("mariadb:10.11", "sha256:3")
    assert release("rev", [one, more]) == release("rev", [more, one])
