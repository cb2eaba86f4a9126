"""All machines of a running lab, asked; and those of a lab that is started for it, whose answers are kept."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeAlias

from attrs import frozen

from mailnix.formats.backend import Backend
from mailnix.image.cache import cache_dir
from mailnix.image.values import Progress
from mailnix.lab import inputs, prepare
from mailnix.lab import lab as labs
from mailnix.plan import HostPlan, Plan
from tests.parity import cost, transcript
from tests.parity.compare import Difference, differences
from tests.parity.cost import Cost
from tests.parity.facts import Facts, Guest
from tests.parity.questions import questions

EXAMPLE: Final = Path(__file__).resolve().parents[2] / "docs/examples/two_machines.py"
KEPT: Final = "parity"
"""A folder of the cache, and what folders of these labs are called."""

Transcripts: TypeAlias = Mapping[str, bytes]
"""What each machine said, by its name."""


@frozen
class Answers:
    """What machines of one system said, by their names."""

    facts: Mapping[str, Facts]
    costs: Mapping[str, Cost]


def ask(plan: Plan, machines: Mapping[str, Guest]) -> Transcripts:
    """Ask every machine of a plan, all at once."""
    with ThreadPoolExecutor() as pool:
        said = pool.map(lambda host: transcript.ask(machines[host.name], _commands(host)), plan.hosts)
        return dict(zip((host.name for host in plan.hosts), said, strict=True))


def _commands(host: HostPlan) -> Mapping[str, str]:
    """What it costs comes first: asking costs something too."""
    return {cost.KIND: cost.COMMAND} | {question.kind: question.command for question in questions(host)}


def read(plan: Plan, said: Transcripts) -> Answers:
    """What was said of each machine; raises Unanswered."""
    answers = {host.name: transcript.answers(said[host.name]) for host in plan.hosts}
    return Answers(
        {host.name: transcript.facts(questions(host), answers[host.name]) for host in plan.hosts},
        {name: cost.read(each[cost.KIND].out.decode()) for name, each in answers.items()},
    )


def compared(debian: Answers, nixos: Answers) -> tuple[Difference, ...]:
    """Everything in which machines of the same name differ."""
    return tuple(each for name, facts in debian.facts.items() for each in differences(name, facts, nixos.facts[name]))


def options(backend: Backend, nixpkgs: Path) -> prepare.Options:
    """A lab of the example, apart from the one that its owner may be using, with throw-away secrets."""
    folder = prepare.default_state_dir(EXAMPLE, backend)
    tree = nixpkgs if backend is Backend.NIXOS else None
    return prepare.Options(folder.with_name(f"{folder.name}-{KEPT}"), backend=backend, nixpkgs=tree)


def of_a_lab(plan: Plan, how: prepare.Options, progress: Progress) -> Answers:
    """Start a lab, ask its machines, switch it off. Where nothing of it has changed, what it said before is taken."""
    folder = place(plan, how)
    if not folder.exists():
        with labs.start(plan, how, progress) as lab:
            keep(ask(lab.plan, lab.machines), folder)
    return read(plan, kept(folder))


def place(plan: Plan, how: prepare.Options) -> Path:
    """Where the answers of a lab are kept: another place after each change of its software, or of what is asked."""
    found = hashlib.sha256()
    for host in plan.hosts:
        found.update(json.dumps([host.name, dict(_commands(host))]).encode())
    for word in inputs.software(plan, how):
        found.update(f"{word}\0".encode())
    return cache_dir() / KEPT / f"{how.backend}-{found.hexdigest()[:16]}"


def keep(said: Transcripts, folder: Path) -> None:
    """Write down what was said, all of it or nothing."""
    made = folder.with_name(f"{folder.name}.new")
    for old in (made, folder):
        shutil.rmtree(old, ignore_errors=True)
    made.mkdir(parents=True)
    for name, each in said.items():
        (made / f"{name}.gz").write_bytes(each)
    made.rename(folder)


def kept(folder: Path) -> Transcripts:
    """Read what `keep` wrote."""
    return {file.stem: file.read_bytes() for file in folder.glob("*.gz")}
