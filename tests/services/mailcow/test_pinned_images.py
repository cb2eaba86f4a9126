"""The pin's images are those of the pinned tree."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from mailnix.services.mailcow.pinned_images import IMAGES, named

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
