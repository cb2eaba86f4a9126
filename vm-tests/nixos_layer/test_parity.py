"""The example's machines, as Debian and as NixOS's layer, differ in what is listed in tests/parity/differences alone.

Debian's are asked first and switched off: two labs at once are too much for two processors. What they said is kept, so
that they are booted again only after a change of them. NixOS's are those of the other tests here, before anything
happens to them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix import pipeline
from mailnix.formats.backend import Backend
from mailnix.testing.labs import RunningLab
from tests.parity import labs
from tests.parity.compare import judge
from tests.parity.labs import Answers
from tests.parity.reasons import reasons


@pytest.fixture(scope="session")
def debian(nixpkgs: Path, request: pytest.FixtureRequest) -> Answers:
    """What Debian's machines say."""
    described = request.config.getoption("--mailnix-config")
    if described is None or Path(described).resolve() != labs.EXAMPLE:
        pytest.skip(f"what may differ is listed of one description: give --mailnix-config {labs.EXAMPLE}")
    return labs.of_a_lab(pipeline.plan(labs.EXAMPLE), labs.options(Backend.DEBIAN, nixpkgs), print)


@pytest.fixture(scope="session")
def nixos(debian: Answers, nixpkgs: Path, lab: RunningLab) -> Answers:
    """What NixOS's machines say; `debian` stands before `lab`, so that its lab has ended when this one begins."""
    said = labs.ask(lab.plan, lab.machines)
    labs.keep(said, labs.place(pipeline.plan(labs.EXAMPLE), labs.options(Backend.NIXOS, nixpkgs)))
    return labs.read(lab.plan, said)


def test_machines_of_both_systems_differ_in_nothing_that_is_not_meant(debian: Answers, nixos: Answers) -> None:
    verdict = judge(labs.compared(debian, nixos), reasons())
    assert not verdict.unexplained, str(verdict)
    assert not verdict.stale, str(verdict)


def test_neither_system_needs_much_more_memory_than_the_other(debian: Answers, nixos: Answers) -> None:
    for name, cost in debian.costs.items():
        assert max(cost.memory, nixos.costs[name].memory) < 1.5 * min(cost.memory, nixos.costs[name].memory), name
