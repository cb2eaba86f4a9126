"""What comes to machines for nothing goes again, however a deploy ends."""

from __future__ import annotations

import pytest
from attrs import evolve

from mailnix.deploy.deploying import deploy
from mailnix.deploy.machine import Refused, Unreached
from mailnix.deploy.values import Made
from mailnix.errors import DeployError
from tests.deploy.machines import Stage


@pytest.fixture
def changed(stage: Stage) -> Stage:
    """Both machines are described otherwise."""
    stage.packages.digests |= {"internal": "other", "proxy": "other"}
    return stage


def kept(stage: Stage) -> dict[str, list[int]]:
    return {host: [*machine.kept] for host, machine in stage.machines.items()}


AS_BEFORE = {"proxy": [1], "internal": [1]}


def test_a_dry_run_leaves_nothing(changed: Stage) -> None:
    deploy(changed.deploying(dry_run=True))
    assert kept(changed) == AS_BEFORE


def test_nor_does_one_that_ends_when_debians_packages_are_asked_for(changed: Stage) -> None:
    changed["proxy"].lost = {"upgrades"}
    with pytest.raises(Unreached):
        deploy(evolve(changed.deploying(dry_run=True), upgrade=True))
    assert kept(changed) == AS_BEFORE


@pytest.mark.parametrize("error", [Refused("apt finds no way"), KeyboardInterrupt()])
def test_nor_does_one_that_ends_when_a_machine_is_asked_what_would_change(changed: Stage, error: BaseException) -> None:
    def ends(verb: str) -> None:
        if verb == "plan 2":
            raise error

    changed["proxy"].on_call = ends
    with pytest.raises(type(error)):
        deploy(changed.deploying(dry_run=True))
    assert kept(changed) == AS_BEFORE


@pytest.mark.parametrize("dry_run", [True, False])
def test_what_came_though_its_answer_was_lost_goes_too(changed: Stage, *, dry_run: bool) -> None:
    changed["proxy"].lost = {"the answer"}
    with pytest.raises(Unreached):
        deploy(changed.deploying(dry_run=dry_run))
    assert kept(changed) == AS_BEFORE


def test_but_somebody_elses_of_the_same_number_stays(changed: Stage) -> None:
    proxy = changed["proxy"]

    def another(verb: str) -> None:
        if verb == "receive 2":
            proxy.kept[2] = Made(2, "proxy", "another", by="somebody@else")
            raise Unreached("root@proxy is not reached: connection reset")

    proxy.on_call = another
    with pytest.raises(Unreached):
        deploy(changed.deploying())
    assert kept(changed) == {"proxy": [1, 2], "internal": [1]}


def test_who_is_interrupted_while_one_machine_changes_leaves_nothing_on_the_next(changed: Stage) -> None:
    def interrupt(verb: str) -> None:
        if verb == "look" and changed["internal"].pending:
            raise KeyboardInterrupt

    changed["internal"].on_call = interrupt
    with pytest.raises(KeyboardInterrupt):
        deploy(changed.deploying())
    assert kept(changed) == {"proxy": [1], "internal": [1, 2]}  # internal's goes back by itself


def test_an_upgrade_that_breaks_off_leaves_nothing(changed: Stage) -> None:
    changed["internal"].lost = {"upgrades"}
    with pytest.raises(DeployError):
        deploy(evolve(changed.deploying(), upgrade=True))
    assert kept(changed) == AS_BEFORE
