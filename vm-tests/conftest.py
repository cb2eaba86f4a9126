"""Fixtures of tests about booted machines; the machines themselves come from mailnix's pytest plugin."""

from __future__ import annotations

from typing import Any

import pytest

from mailnix.lab.scenario import Scene, stage
from mailnix.plan import Plan


@pytest.fixture(scope="session")
def plan(lab: Any) -> Plan:
    """What the machines were made from."""
    found: Plan = lab.plan
    return found


@pytest.fixture(scope="session")
def scene(lab: Any) -> Scene:
    """The machines as a stage for the scenario's checks."""
    return stage(lab)
