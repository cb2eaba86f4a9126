"""Going back, by hand."""

from __future__ import annotations

import pytest
from attrs import evolve

from mailnix import Tunnel
from mailnix.deploy.deploying import Failed, deploy
from mailnix.deploy.rolling import rollback
from mailnix.deploy.values import End, Pending
from mailnix.errors import DeployError
from mailnix.plan import derive
from tests.deploy.machines import Stage
from tests.descriptions import sound


@pytest.fixture
def twice(stage: Stage) -> Stage:
    """The proxy has had two generations."""
    stage.packages.digests["proxy"] = "other"
    deploy(stage.deploying())
    return stage


def test_a_machine_goes_back_to_the_generation_before_and_is_confirmed_there(twice: Stage) -> None:
    report = rollback(twice.deploying(), "proxy", None)
    assert [(each.host, each.end, each.before, each.after) for each in report.machines] == [
        ("proxy", End.CONFIRMED, 2, 1)
    ]
    assert twice["proxy"].current == 1
    assert twice["proxy"].calls[-1] == "confirm 1"


def test_and_to_any_that_it_keeps(twice: Stage) -> None:
    twice.packages.digests["proxy"] = "a third"
    deploy(twice.deploying())
    rollback(twice.deploying(), "proxy", 1)
    assert twice["proxy"].current == 1


def test_a_number_that_is_not_kept_is_refused_with_those_that_are(twice: Stage) -> None:
    with pytest.raises(DeployError, match="keeps no generation 7, but 1, 2"):
        rollback(twice.deploying(), "proxy", 7)


def test_the_one_that_runs_is_refused(twice: Stage) -> None:
    with pytest.raises(DeployError, match="runs generation 2 already"):
        rollback(twice.deploying(), "proxy", 2)


def test_a_machine_with_one_generation_has_none_before(stage: Stage) -> None:
    with pytest.raises(DeployError, match="has no generation before"):
        rollback(stage.deploying(), "proxy", None)


def test_a_server_that_is_not_ours_has_nothing_to_go_back_to(plain: Stage) -> None:
    with pytest.raises(DeployError, match="proxy has no generation yet") as caught:
        rollback(plain.deploying(), "proxy", None)
    assert caught.value.hint == "bring it up: mailnix deploy mail.py proxy"
    assert plain["proxy"].calls == ["probe"]


def test_what_waits_for_its_confirmation_is_taken_back_at_once(twice: Stage) -> None:
    machine = twice["proxy"]
    machine.pending, machine.due = Pending("x", 2, 90, "installed"), twice.clock.now() + 90
    report = rollback(twice.deploying(), "proxy", None)
    assert report.machines[0].end is End.BACK
    assert machine.calls[-1] == "back"


def test_a_dry_run_only_shows(twice: Stage) -> None:
    report = rollback(twice.deploying(dry_run=True), "proxy", None)
    assert report.machines[0].end is End.PLANNED
    assert twice["proxy"].current == 2


class TestWhereTheTunnelWasAnother:
    """Both ends, or none."""

    @pytest.fixture
    def changed(self, stage: Stage) -> Stage:
        stage.plan = derive(sound(tunnel=Tunnel(port=51999)))
        stage.packages.digests |= {"internal": "another port", "proxy": "another port"}
        deploy(stage.deploying())
        return stage

    def test_both_machines_go(self, changed: Stage) -> None:
        report = rollback(changed.deploying(), "proxy", None)
        assert {each.host: each.after for each in report.machines} == {"proxy": 1, "internal": 1}

    def test_or_none_where_the_other_keeps_no_such_generation(self, changed: Stage) -> None:
        del changed["internal"].kept[1]
        with pytest.raises(DeployError, match="internal keeps no generation with that one"):
            rollback(changed.deploying(), "proxy", None)
        assert changed["proxy"].current == 2


def test_what_a_dry_run_brought_is_nothing_to_go_back_to_and_does_not_stay(twice: Stage) -> None:
    twice.packages.digests["proxy"] = "not decided yet"
    deploy(twice.deploying(dry_run=True))
    assert sorted(twice["proxy"].kept) == [1, 2]


def test_nor_is_what_was_taken_back_or_left_by_a_client_that_died(twice: Stage) -> None:
    proxy = twice["proxy"]
    twice.packages.digests["proxy"], proxy.fails = "broken", "caddy.service failed"
    with pytest.raises(Failed):
        deploy(twice.deploying())
    assert sorted(proxy.kept) == [1, 2]
    proxy.kept[3] = evolve(proxy.kept[2], generation=3)
    with pytest.raises(DeployError, match="keeps no generation 3, but 1, 2"):
        rollback(twice.deploying(), "proxy", 3)


def test_the_other_end_of_a_tunnel_goes_to_one_that_ran(stage: Stage) -> None:
    proxy = stage["proxy"]
    proxy.kept[2] = evolve(proxy.kept[1], generation=2, digest="broken, of a dry run")
    stage.plan = derive(sound(tunnel=Tunnel(port=51999)))
    stage.packages.digests |= {"proxy": "port", "internal": "port"}
    deploy(stage.deploying())
    report = rollback(stage.deploying(), "internal", None)
    assert {each.host: each.after for each in report.machines} == {"internal": 1, "proxy": 1}
