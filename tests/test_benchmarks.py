"""What the benchmarks measure is sound: a mistake in their descriptions would end them before the first figure."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from mailnix.errors import Severity
from mailnix.model.check import problems

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("script", "function", "sizes"),
    [("run.py", "topology", (3,)), ("provisioning.py", "described", (20, 2))],
)
def test_a_description_that_is_measured_has_no_mistake(script: str, function: str, sizes: tuple[int, ...]) -> None:
    described = runpy.run_path(str(ROOT / "benchmarks" / script))[function](*sizes)
    assert [each for each in problems(described) if each.severity is Severity.ERROR] == []
