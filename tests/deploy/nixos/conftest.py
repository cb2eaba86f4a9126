"""One machine of NixOS in a folder, whatever of it still runs at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.nixos.machine import NixOS


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[NixOS]:
    made = NixOS.fresh(tmp_path / "root")
    yield made
    made.end()
