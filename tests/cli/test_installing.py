"""What is said about an image's way onto its machine, where test_build.py has no such machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix import Proxy
from mailnix.cli.installing import steps
from mailnix.image import Format
from mailnix.plan import derive
from tests.descriptions import PUBLIC4, sound


@pytest.mark.parametrize(("architecture", "proposed"), [("amd64", True), ("arm64", False)])
def test_a_stick_that_installs_is_proposed_where_one_can_be_built(architecture: str, proposed: bool) -> None:
    plan = derive(sound(proxies=[Proxy("proxy", PUBLIC4, architecture=architecture)]))
    said = "\n".join(steps(plan, plan.internal, Format.RAW_GZ, Path("out/internal.raw.gz")))
    assert "sh write-disk.sh internal.raw.gz" in said
    assert ("--format iso" in said) == proposed
