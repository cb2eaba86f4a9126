"""What is said about an image's way onto its machine, where test_build.py has no such machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix import Internal
from mailnix.cli.installing import steps
from mailnix.image import Format
from mailnix.plan import derive
from tests.descriptions import sound


@pytest.mark.parametrize(
    ("architecture", "page", "proposed"), [("amd64", "/live-system.md", True), ("arm64", "#a-board-at-home", False)]
)
def test_a_stick_that_installs_is_proposed_where_one_can_be_built(architecture: str, page: str, proposed: bool) -> None:
    home = derive(sound(internal=Internal("internal", architecture=architecture))).internal
    said = "\n".join(steps(home, Format.RAW_GZ, Path("out/internal.raw.gz")))
    assert f"{page})\n  sh write-disk.sh internal.raw.gz" in said
    assert ("--format iso" in said) == proposed


def test_a_machine_without_a_medium_is_told_of_its_image() -> None:
    home = derive(sound(internal=Internal("internal", architecture="arm64"))).internal
    (said,) = steps(home, Format.ISO, Path("out/internal.iso"))
    assert "internal: it has no medium; build its image with --format raw.gz" in said
