"""`mailnix deploy --upgrade`: Debian's packages of one machine after the other, and versions of everything."""

from __future__ import annotations

import pytest
from attrs import evolve

from mailnix.cli.versions import table
from mailnix.deploy.checks import Answer, Question
from mailnix.deploy.deploying import Failed, deploy
from mailnix.deploy.machine import Busy
from mailnix.deploy.upgrading import RESTARTING
from mailnix.deploy.values import End, Outcome, Report, Upgrades, Version
from mailnix.errors import DeployError
from tests.deploy.machines import PROGRAM, WELL, Stage

OPENSSL = Version("openssl", "3.5.1", "3.5.4", debian=True, security=True)
DOCKER = Version("docker.io", "26.1", "26.2", debian=True)


@pytest.fixture
def behind(stage: Stage) -> Stage:
    """Both machines' packages are older than Debian's."""
    for machine in stage.machines.values():
        machine.offers = Upgrades((OPENSSL, DOCKER))
    return stage


def upgraded(stage: Stage, **changed: bool) -> Report:
    return deploy(evolve(stage.deploying(**changed), upgrade=True))


def machine(report: Report, host: str) -> Outcome:
    return next(each for each in report.machines if each.host == host)


def test_home_comes_first_and_then_the_proxy(behind: Stage) -> None:
    report = upgraded(behind)
    assert [line.partition(":")[0] for line in behind.heard if "upgrading 2 packages" in line] == ["internal", "proxy"]
    assert all(OPENSSL in each.versions for each in report.machines)
    assert "upgrade" in behind["proxy"].calls


def test_without_the_word_nobody_asks_debian(behind: Stage) -> None:
    report = deploy(behind.deploying())
    assert behind.calls("upgrade") == []
    assert not report.upgrade


def test_a_dry_run_shows_versions_of_everything_and_changes_nothing(behind: Stage) -> None:
    behind.packages.made_of["proxy"] = {"Haraka": "3.3.5"}
    behind["proxy"].kept[1] = evolve(behind["proxy"].kept[1], mailnix="0.1.0", parts={"Haraka": "3.3.4"})
    report = upgraded(behind, dry_run=True)
    assert machine(report, "proxy").versions == (
        Version("mailnix", "0.1.0", "0.1.0"),
        Version("Haraka", "3.3.4", "3.3.5"),
        Version("mailnix-generations", PROGRAM, PROGRAM),
        OPENSSL,
        DOCKER,
    )
    assert "upgrade" not in behind["proxy"].calls


def test_where_nothing_is_newer_nothing_is_done(stage: Stage) -> None:
    report = upgraded(stage)
    assert "upgrade" not in stage["proxy"].calls
    assert [each.end for each in report.machines] == [End.AS_DESCRIBED, End.AS_DESCRIBED]


def test_packages_come_before_the_generation(behind: Stage) -> None:
    behind.packages.digests["proxy"] = "other"
    upgraded(behind)
    calls = behind["proxy"].calls
    assert calls.index("upgrade") < calls.index("switch 2")


def test_home_that_is_not_well_afterwards_keeps_the_proxy_as_it_was(behind: Stage) -> None:
    home = behind["internal"]

    def broken(question: Question) -> Answer:
        done = not home.offers.packages
        return (False, "connection refused") if done and question[0] == "handshake" else WELL

    home.answers = broken
    before = behind.clock.now()
    with pytest.raises(Failed, match=r"internal: .* not all is well: the tunnel's handshake \(proxy\)") as caught:
        upgraded(behind)
    assert "they do not go back" in caught.value.hint
    assert [each.host for each in caught.value.report.machines] == ["internal", "proxy"]
    done = {each.host: {row.done for row in each.versions if row.debian} for each in caught.value.report.machines}
    assert done == {"internal": {True}, "proxy": {False}}
    assert "not done: 3.5.4" in table(caught.value.report)
    assert behind.clock.now() - before > RESTARTING
    assert "upgrade" not in behind["proxy"].calls


def test_what_did_not_answer_before_is_not_demanded(behind: Stage) -> None:
    behind["proxy"].answers = lambda _question: (False, "connection refused")
    upgraded(behind)
    assert behind["proxy"].offers.packages == ()


def test_a_connection_that_breaks_meanwhile_ends_nothing(behind: Stage) -> None:
    behind["internal"].lost = {"upgrade"}
    report = upgraded(behind)
    assert any("the connection broke" in line for line in behind.heard)
    assert OPENSSL in machine(report, "internal").versions


def test_and_one_that_goes_on_is_waited_for(behind: Stage) -> None:
    home, busy = behind["internal"], iter(range(5))

    def upgrading(verb: str) -> None:
        if verb == "upgrades" and not home.offers.packages and next(busy, None) is not None:
            raise Busy("an upgrade is under way")

    home.lost, home.on_call = {"upgrade"}, upgrading
    upgraded(behind)
    assert next(busy, None) is None


def test_a_second_way_in_that_finds_it_at_work_is_the_same_as_a_lost_connection(behind: Stage) -> None:
    home = behind["internal"]

    def two_ways(verb: str) -> None:
        if verb == "upgrade":
            home.offers = Upgrades()
            raise Busy("a generation is being installed or taken back just now")

    home.on_call = two_ways
    assert OPENSSL in machine(upgraded(behind), "internal").versions


def test_one_that_came_to_no_end_is_said(behind: Stage) -> None:
    home = behind["internal"]
    home.lost = {"upgrade"}
    home.on_call = lambda _verb: setattr(home, "offers", Upgrades((DOCKER,)))
    with pytest.raises(DeployError, match=r"internal: its upgrade did not come to its end: docker\.io"):
        upgraded(behind)


def test_a_restart_that_is_due_is_told(behind: Stage) -> None:
    behind["proxy"].reboot = "it runs Linux 6.12.9, and has 6.12.48"
    assert machine(upgraded(behind), "proxy").reboot == "it runs Linux 6.12.9, and has 6.12.48"


def test_a_program_of_before_is_not_asked_for_what_it_does_not_know(behind: Stage) -> None:
    behind["proxy"].found = evolve(behind["proxy"].found, program="0.1+of-before")
    report = upgraded(behind, dry_run=True)
    assert "upgrades" not in behind["proxy"].calls
    assert Version("mailnix-generations", "0.1+of-before", PROGRAM) in machine(report, "proxy").versions
    assert any("its program is of before" in line for line in behind.heard)


def test_a_server_that_is_not_ours_yet_is_asked_for_none_in_a_dry_run(plain: Stage) -> None:
    upgraded(plain, dry_run=True)
    assert plain.calls("upgrades") == []
