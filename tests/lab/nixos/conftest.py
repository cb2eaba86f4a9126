"""A real Nix, as tests/nixos have it."""

from __future__ import annotations

import pytest

from tests.nixos.conftest import Nix, found


@pytest.fixture(scope="session")
def nix() -> Nix:
    return found()
