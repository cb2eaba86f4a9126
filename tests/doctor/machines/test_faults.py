"""Single faults: each is found under its own id, and nothing else is blamed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from attrs import evolve

from mailnix.doctor.machines import internal, proxy
from mailnix.doctor.machines.facts import Facts
from mailnix.doctor.machines.seen import Machines
from mailnix.doctor.registry import Group
from mailnix.doctor.state import State, changes
from mailnix.doctor.values import Answer, Finding
from tests.doctor.machines import well
from tests.doctor.machines.changes import (
    HOST,
    UNASKED,
    WRONG,
    Fault,
    file,
)
from tests.doctor.machines.faults import OF_PROXY
from tests.doctor.machines.faults_at_home import OF_HOME

EVERY = [(proxy.GROUP, well.proxy(), OF_PROXY), (internal.GROUP, well.home(), OF_HOME)]


def judged(group: Group[Machines], of: Facts) -> list[Finding]:
    host = well.PROXY if group is proxy.GROUP else well.HOME
    machines = (well.seen(of, host),)
    return [check.finding(verdict) for check in group.checks for verdict in check.judge(machines)]


def is_alone(group: Group[Machines], fault: Fault, of: Facts) -> None:
    ill = [each for each in judged(group, fault.of(of)) if each.answer is not Answer.WELL]
    blamed = [each for each in ill if each.answer is not UNASKED]
    assert {each.id for each in blamed} == {f"{group.name}.{fault.id}"}, blamed
    assert {(each.answer, each.severity) for each in blamed} == {(fault.answer, fault.severity)}, blamed
    assert fault.evidence in blamed[0].evidence
    assert all(each.advice and "\n" not in each.evidence for each in ill)
    assert {each.id for each in ill if each.answer is UNASKED} == {*fault.unasked}


@pytest.mark.parametrize("fault", OF_PROXY, ids=lambda fault: fault.name)
def test_a_fault_of_a_proxy_is_found_and_nothing_else_is_blamed(fault: Fault) -> None:
    is_alone(proxy.GROUP, fault, well.proxy())


@pytest.mark.parametrize("fault", OF_HOME, ids=lambda fault: fault.name)
def test_a_fault_at_home_is_found_and_nothing_else_is_blamed(fault: Fault) -> None:
    is_alone(internal.GROUP, fault, well.home())


@pytest.mark.parametrize(("group", "of"), [(proxy.GROUP, well.proxy()), (internal.GROUP, well.home())])
def test_whatever_was_not_answered_is_not_blamed(group: Group[Machines], of: Facts) -> None:
    silent = Facts(unasked={"units": "systemctl took longer than 20 seconds"})
    findings = judged(group, silent)
    assert {each.answer for each in findings} == {UNASKED}
    assert {each.id for each in findings} == {check.id for check in group.checks}
    assert "20 seconds" in findings[0].evidence


@pytest.mark.parametrize("group", [proxy.GROUP, internal.GROUP])
def test_a_machine_that_is_not_reached_is_asked_nothing_and_blamed_for_nothing(group: Group[Machines]) -> None:
    host = well.PROXY if group is proxy.GROUP else well.HOME
    machines = (well.seen(None, host, why="root@5.9.100.1 is not reached: timed out", hint="is it on?"),)
    findings = [check.finding(verdict) for check in group.checks for verdict in check.judge(machines)]
    assert {(each.answer, each.evidence, each.advice) for each in findings} == {
        (UNASKED, "root@5.9.100.1 is not reached: timed out", "is it on?")
    }


def test_what_nixos_opens_beside_ours_is_no_change_of_the_firewall() -> None:
    of = well.on_nixos(well.proxy())
    assert of.firewall is not None
    loaded = of.firewall.loaded.replace(
        "counter accept\n    counter\n  }", "counter accept\n    counter\n    tcp dport 9100 accept\n  }", 1
    )
    assert loaded != of.firewall.loaded
    more = evolve(of, firewall=evolve(of.firewall, loaded=loaded))
    assert {each.answer for each in judged(proxy.GROUP, more)} == {Answer.WELL}
    on_debian = evolve(well.proxy(), firewall=more.firewall)
    assert "proxy.firewall" in {each.id for each in judged(proxy.GROUP, on_debian) if each.answer is WRONG}


def test_a_certificate_that_lives_for_six_days_is_not_always_about_to_end() -> None:
    young = file(HOST, der=well.certificate(HOST, begins=-3, ends=3))(well.proxy())
    young = evolve(young, served=tuple(evolve(each, doubt="") for each in young.served or ()))
    assert {each.answer for each in judged(proxy.GROUP, young)} == {Answer.WELL}
    old = file(HOST, der=well.certificate(HOST, begins=-5, ends=1))(well.proxy())
    assert [each.id for each in judged(proxy.GROUP, old) if each.answer is WRONG] == ["proxy.certificate.files"]


def test_with_several_proxies_the_one_that_is_ill_is_named() -> None:
    ill = evolve(well.proxy(), reboot="a package asks for it")
    second = evolve(well.PROXY, name="second")
    machines = (well.seen(well.proxy(), well.PROXY), well.seen(ill, second))
    check = next(each for each in proxy.GROUP.checks if each.id == "proxy.reboot")
    assert [(each.subject, each.answer) for each in check.judge(machines)] == [
        ("proxy", Answer.WELL),
        ("second", WRONG),
    ]


@pytest.mark.parametrize(("group", "of", "faults"), EVERY)
def test_each_fault_is_told_once_also_where_nobody_was_asked_meanwhile_and_once_when_it_is_mended(
    group: Group[Machines], of: Facts, faults: Sequence[Fault]
) -> None:
    host, ran = well.PROXY if group is proxy.GROUP else well.HOME, {check.id for check in group.checks}
    nobody = (well.seen(None, host, why="timed out", hint="is it on?"),)
    silence = [check.finding(verdict) for check in group.checks for verdict in check.judge(nobody)]
    sound = judged(group, of)
    for fault in faults:
        ill = judged(group, fault.of(of))
        known: State = {}
        told = []
        for found in (sound, ill, silence, ill, sound):
            news, known = changes(known, found, ran)
            told.append({each.id for each in news if each.answer is not UNASKED})
        name = f"{group.name}.{fault.id}"
        assert told == [set(), {name}, set(), set(), {name, *fault.unasked}], fault.name
