"""Run the checks that are asked for: gather, then judge."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from attrs import evolve

from mailnix.doctor.registry import Group
from mailnix.doctor.scene import Scene
from mailnix.doctor.values import Answer, Check, Finding, Verdict
from mailnix.errors import MailnixError


def findings(scene: Scene, groups: Iterable[Group[Any]], wanted: Collection[str]) -> Iterator[Finding]:
    """What the wanted checks find, group by group in the order given."""
    for group in groups:
        checks = [check for check in group.checks if check.id in wanted]
        if checks:
            scene.say(f"looking at {group.name}")
            yield from _of_group(scene, group, checks)


def _of_group(scene: Scene, group: Group[Any], checks: list[Check[Any]]) -> Iterator[Finding]:
    try:
        facts = group.gather(scene, frozenset(check.id for check in checks))
    except MailnixError as error:
        # Not one of them is known to be wrong, and whoever asked for one by its id must hear of that one.
        for check in checks:
            yield _finding(scene, check, Verdict(group.name, Answer.UNASKED, error.message, error.hint))
        return
    for check in checks:
        for verdict in check.judge(facts):
            yield _finding(scene, check, verdict)


def _finding(scene: Scene, check: Check[Any], verdict: Verdict) -> Finding:
    return check.finding(evolve(verdict, advice=scene.typed(verdict.advice)))
