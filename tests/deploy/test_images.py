"""Machines that were built as images: what they are becomes a generation first, to which they can go back."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from mailnix.debian.package import HERE, SCRIPTS, SHARED
from mailnix.deploy import links
from mailnix.deploy.debs import Debs
from mailnix.deploy.deploying import deploy
from mailnix.deploy.machine import Unreached
from mailnix.deploy.probe import Listens
from mailnix.deploy.rolling import rollback
from mailnix.deploy.values import End
from mailnix.errors import DeployError
from mailnix.plan import derive
from mailnix.run import run
from mailnix.services.haraka import npm_tree
from tests.deploy.machines import PLAIN, PROGRAM, Stage
from tests.descriptions import sound


@pytest.fixture
def images(tmp_path: Path) -> Stage:
    """Both, with what their services listen on."""
    stage = Stage(tmp_path, may_take_over=False)
    for host, machine in stage.machines.items():
        machine.found = evolve(PLAIN, host=host, image=True, listens=(Listens(25, "node"),))
    return stage


def test_what_an_image_made_is_kept_before_the_first_generation_comes(images: Stage) -> None:
    report = deploy(images.deploying())
    assert [(each.host, each.end, each.before, each.after) for each in report.machines] == [
        ("internal", End.CONFIRMED, 1, 2),
        ("proxy", End.CONFIRMED, 1, 2),
    ]
    assert [call for call in images["proxy"].calls if call in ("adopt", "receive 2", "switch 2")] == [
        "adopt", "receive 2", "switch 2",
    ]  # fmt: skip
    assert report.machines[0].why == "mailnix deploy has not brought what it runs"


def test_nobody_is_asked_whether_it_may_become_ours_and_our_services_are_in_nobodys_way(images: Stage) -> None:
    deploy(images.deploying())
    assert images.questions == []


def test_it_is_kept_once(images: Stage) -> None:
    deploy(images.deploying())
    assert {each.end for each in deploy(images.deploying()).machines} == {End.AS_DESCRIBED}
    assert images["proxy"].calls.count("adopt") == 1


def test_one_can_go_back_to_what_the_image_made(images: Stage) -> None:
    deploy(images.deploying())
    assert rollback(images.deploying(), "proxy", None).machines[0].after == 1


def test_a_rollback_makes_no_generation_of_an_image(images: Stage) -> None:
    images["proxy"].found = evolve(images["proxy"].found, program=PROGRAM)
    with pytest.raises(DeployError, match="proxy has no generation before"):
        rollback(images.deploying(), "proxy", None)
    assert images.calls("adopt") == []


def test_a_dry_run_makes_none_either(images: Stage) -> None:
    for machine in images.machines.values():
        machine.found = evolve(machine.found, program=PROGRAM)
    deploy(images.deploying(dry_run=True))
    assert images.calls("adopt") == []


def test_a_connection_that_breaks_meanwhile_is_no_harm(images: Stage) -> None:
    images["internal"].lost = {"adopt"}
    with pytest.raises(Unreached):
        deploy(images.deploying())
    assert images.calls("switch") == []
    assert {each.end for each in deploy(images.deploying()).machines} == {End.CONFIRMED}


def test_a_tunnel_that_is_the_described_one_ties_nothing(images: Stage) -> None:
    images.packages.links = links.facts(images.plan, "proxy")
    deploy(images.deploying("proxy"))
    assert images.calls("switch") == ["proxy"]


def test_one_that_is_not_known_changes_at_both_ends(images: Stage) -> None:
    images.packages.links = {"proxy": {}}
    deploy(images.deploying("internal", "proxy"))
    done = [line for line in images.heard if "switching" in line]
    assert done == ["internal: switching to generation 2", "proxy: switching to generation 2"]
    assert images["internal"].calls.index("extend 2") < images["internal"].calls.index("confirm 2")


def test_what_a_machine_is_told_for_it(tmp_path: Path) -> None:
    plan = derive(sound())
    told = Debs(plan, print).adoption("proxy")
    assert (told["host"], told["package"], told["shared"]) == ("proxy", "mailnix-proxy", SHARED)
    assert told["trees"] == {npm_tree.PACKAGE: npm_tree.FOLDER}
    assert set(told["alike"]) == {"/etc/systemd/network/50-wg0.netdev", "/etc/systemd/network/50-wg0.network"}
    assert told["made"]["links"] == links.facts(plan, "proxy")
    assert told["made"]["digest"] == ""
    assert tuple(told["scripts"]) == SCRIPTS
    for text in told["scripts"].values():
        run(["sh", "-n"], stdin=text.encode())
    assert HERE in told["scripts"]["preinst"]
    assert "--no-rename" in told["scripts"]["preinst"]
    assert "mv " not in told["scripts"]["preinst"]  # killed in between, it would leave a file aside
