"""All machines of a running lab, asked; and those of a lab that is started for it, whose answers are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs
from attrs import frozen

from mailnix.image.cache import cache_dir
from mailnix.image.values import Progress
from mailnix.lab import inputs, prepare
from mailnix.lab import lab as labs
from mailnix.plan import Plan
from tests.parity.cost import Cost, cost
from tests.parity.facts import Facts, Guest, Question, ask_all
from tests.parity.questions import questions

KEPT: Final = "parity"
"""A folder of the cache."""


@frozen
class Answers:
    """What machines of one system said, by their names."""

    facts: Mapping[str, Facts]
    costs: Mapping[str, Cost]


def ask(plan: Plan, machines: Mapping[str, Guest]) -> Answers:
    """Ask every machine of a plan; raises Unanswered."""
    return Answers(
        {host.name: ask_all(machines[host.name], questions(host)) for host in plan.hosts},
        {host.name: cost(machines[host.name]) for host in plan.hosts},
    )


def of_a_lab(plan: Plan, options: prepare.Options, progress: Progress) -> Answers:
    """Start a lab, ask its machines, switch it off. Where nothing of it has changed, what it said before is taken."""
    folder, plan = prepare.secrets_of(plan, options, progress)
    file = cache_dir() / KEPT / f"{inputs.digest(plan, options, folder)}-{_asked(plan)}.json"
    if not file.exists():
        with labs.start(plan, options, progress, resume=True) as lab:
            keep(ask(lab.plan, lab.machines), file)
    return kept(file)


def _asked(plan: Plan) -> str:
    """Other questions want other answers."""
    words: list[Question] = [question for host in plan.hosts for question in questions(host)]
    return hashlib.sha256("\0".join(f"{word.kind} {word.command}" for word in words).encode()).hexdigest()[:12]


def keep(answers: Answers, file: Path) -> None:
    """Write answers to a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(attrs.asdict(answers), sort_keys=True))


def kept(file: Path) -> Answers:
    """Read what `keep` wrote."""
    said = json.loads(file.read_text())
    return Answers(said["facts"], {name: Cost(**each) for name, each in said["costs"].items()})
