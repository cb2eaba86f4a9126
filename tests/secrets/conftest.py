"""A secrets folder, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mailnix import secrets
from mailnix.plan import Plan, derive
from tests.descriptions import sound


@pytest.fixture(scope="session")
def plan() -> Plan:
    return derive(sound())


@pytest.fixture(scope="session")
def _made(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "secrets"
    secrets.init(plan, folder)
    return folder


@pytest.fixture
def folder(_made: Path, tmp_path: Path) -> Path:
    """A copy of its own for each test."""
    return Path(shutil.copytree(_made, tmp_path / "secrets"))
