"""Other credentials throughout, which nobody means."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from mailnix.deploy.deploying import deploy
from mailnix.deploy.machine import Unreached
from mailnix.deploy.strange import refuse_new_folder
from mailnix.deploy.values import End
from mailnix.errors import DeployError
from mailnix.plan import derive
from tests.deploy.machines import PLAIN, Stage


def secrets_of(stage: Stage, content: bytes) -> dict[str, dict[str, bytes]]:
    """Every credential that is described."""
    return {host.name: {each.name: content for each in host.credentials} for host in stage.plan.hosts}


@pytest.fixture
def full(plain: Stage) -> Stage:
    """Machines that run what is described, with every credential; the next key of a proxy is none of theirs."""
    plain.plan = derive(evolve(plain.plan.topology, dane=True))
    plain.secrets = secrets_of(plain, b"first")
    deploy(plain.deploying())
    for machine in plain.machines.values():
        machine.found = evolve(machine.found, image=True, host=machine.host)
    plain.questions.clear()
    plain.may_take_over = False
    return plain


def test_a_folder_that_has_nothing_of_a_machine_that_runs_is_refused(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=f"and {tmp_path}/clone has none of its") as caught:
        refuse_new_folder(stage.plan, stage.machines, tmp_path / "clone", stage.commands)
    assert "--secrets DIR" in caught.value.hint
    assert not (tmp_path / "clone").exists()


def test_so_is_one_of_a_machine_that_started_from_an_image(plain: Stage, tmp_path: Path) -> None:
    plain["proxy"].found = evolve(PLAIN, image=True, host="proxy")
    with pytest.raises(DeployError, match=r"proxy .* has been set up"):
        refuse_new_folder(plain.plan, plain.machines, tmp_path, plain.commands)


def test_a_folder_that_has_something_of_it_is_not_asked_about(stage: Stage, tmp_path: Path) -> None:
    for each in stage.plan.credentials:
        (tmp_path / each.host).mkdir(exist_ok=True)
        (tmp_path / each.host / each.name).touch()
    refuse_new_folder(stage.plan, stage.machines, tmp_path, stage.commands)
    assert stage["proxy"].calls == stage["internal"].calls == []


def test_plain_servers_get_new_ones_and_so_does_who_is_not_reached(plain: Stage, tmp_path: Path) -> None:
    def off(_verb: str) -> None:
        raise Unreached("root@proxy is not reached: connection timed out")

    plain["proxy"].on_call = off
    refuse_new_folder(plain.plan, plain.machines, tmp_path, plain.commands)
    assert plain["internal"].calls == ["probe"]


def test_credentials_that_differ_throughout_are_asked_about_before_anything_is_sent(full: Stage) -> None:
    full.secrets = secrets_of(full, b"of a fresh clone")
    with pytest.raises(DeployError, match="with other credentials than the secrets folder has, all of them"):
        deploy(full.deploying())
    assert full.questions
    assert full["proxy"].credentials["haraka.internalcmd"] == b"first"
    assert not any("receive 2" in machine.calls for machine in full.machines.values())


def test_and_brought_where_somebody_says_so(full: Stage) -> None:
    full.secrets, full.may_take_over = secrets_of(full, b"after the folder was lost"), True
    assert {each.end for each in deploy(full.deploying()).machines} == {End.CONFIRMED}


def test_a_tunnels_new_keys_with_a_new_domain_are_not_throughout(full: Stage) -> None:
    for named in full.secrets.values():
        for name in named:
            if "wireguard" in name or name in ("mailcow.dkim", "mailcow.mailboxes"):
                named[name] = b"new"
    assert {each.end for each in deploy(full.deploying()).machines} == {End.CONFIRMED}
    assert full.questions == []
