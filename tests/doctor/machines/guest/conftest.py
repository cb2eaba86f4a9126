"""A machine for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doctor.machines.guest.fake import Fake


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """One without anything."""
    (tmp_path / "root").mkdir()
    return Fake(tmp_path)
