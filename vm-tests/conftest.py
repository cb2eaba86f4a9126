"""Fixtures of tests about booted machines; the machines themselves come from mailnix's pytest plugin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mailnix.lab.scenario import Asking, Scene, stage
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


@pytest.fixture(scope="module")
def asking(request: pytest.FixtureRequest, scene: Scene) -> Iterator[Asking]:
    """The checks that a module's tests are about, as far as this run has them; some beside each other, as in a lab."""
    params = (getattr(item, "callspec", None) for item in request.session.items if item.path == request.path)
    checks = [each.params["check"] for each in params if each and "check" in each.params]
    asking = Asking([check for check in checks if check.applies(scene.plan)], scene)
    yield asking
    asking.close()
