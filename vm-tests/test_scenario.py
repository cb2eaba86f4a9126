"""The scenario of `mailnix lab`, one test a check, in its order: what breaks things comes last."""

from __future__ import annotations

import pytest

from mailnix.lab.scenario import CHECKS, Asking, Check, Scene, Verdict


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_check(check: Check, scene: Scene, asking: Asking) -> None:
    if not check.applies(scene.plan):
        pytest.skip("the plan has nothing of the kind")
    outcome = asking.outcome(check)
    assert outcome.verdict is Verdict.PASS, f"{check.title}: {outcome.evidence}"
