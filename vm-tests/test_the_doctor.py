"""The doctor at the booted machines: nothing is ill on a well system, and each single fault is found, alone.

It comes after the scenario, whose machines were off, crashed and restored by then, and are to be well all the same.
`MAILNIX_DOCTOR=all` looks twenty times, and makes the faults that are left out otherwise.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from mailnix.doctor.values import Finding
from mailnix.lab import visitor
from mailnix.lab.scenario import Scene
from tests.doctor.lab.at_once import IDS, PLACES, fifteen
from tests.doctor.lab.fault import Fault
from tests.doctor.lab.of_home import OF_HOME
from tests.doctor.lab.of_names import OF_NAMES
from tests.doctor.lab.of_proxies import OF_PROXIES
from tests.doctor.lab.of_strangers import OF_MAIL, OF_STRANGERS
from tests.doctor.lab.practice import Practice, ill, open_practice, unasked, with_patience

FAULTS = (*OF_PROXIES, *OF_HOME, *OF_STRANGERS, *OF_MAIL)
THOROUGH = os.environ.get("MAILNIX_DOCTOR") == "all"
RUNS = 20 if THOROUGH else 1
"""In which a well system is to have nothing to say."""

AGAIN = 180.0
"""Seconds in which all is well again: a tunnel shakes hands, a clock is set, a container starts."""

EXAMPLE = "mail.example.org"


@pytest.fixture(scope="module")
def practice(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    if reason := visitor.missing():
        pytest.skip(reason)
    if scene.plan.topology.hostname != EXAMPLE:
        pytest.skip("the faults are of the example's names")
    with open_practice(scene, tmp_path_factory.mktemp("doctor")) as found:
        yield found


def shown(found: list[Finding]) -> list[str]:
    return [f"{each.id}: {each.subject}: {each.answer.value}: {each.evidence}" for each in found]


def not_well(found: list[Finding]) -> list[str]:
    return shown([each for by_id in (ill(found), unasked(found)) for some in by_id.values() for each in some])


@pytest.mark.parametrize("run", range(RUNS))
def test_a_well_system_has_nothing_to_say(practice: Practice, run: int) -> None:
    assert not_well(practice.looked()) == []


def test_mail_travels_both_ways_and_its_seconds_are_told(practice: Practice) -> None:
    out, back = practice.looked(["e2e"])
    for each in (out, back):
        assert re.fullmatch(r"spf=pass dkim=\S+ dmarc=\S+, in \d+ seconds", each.evidence), each
    assert out.evidence.startswith("spf=pass dkim=pass dmarc=pass")


def named(fault: Fault) -> str:
    return f"{fault.id}: {fault.name}"


def found_alone(practice: Practice, fault: Fault) -> None:
    if fault.seldom and not THOROUGH:
        pytest.skip("MAILNIX_DOCTOR=all does this, too")
    doctor = with_patience(practice, fault.patience) if fault.patience else practice
    plan = fault.plan(practice.scene.plan)
    with fault.breaks(practice):
        found = doctor.looked(fault.only, plan)
        if not unasked(found).keys() <= {*fault.unasked}:  # an emulated machine that others hold up answers late
            found = doctor.looked(fault.only, plan)
    blamed = ill(found)
    assert blamed.keys() == {fault.id, *fault.also}, not_well(found)
    assert unasked(found).keys() <= {*fault.unasked}, not_well(found)
    assert any(fault.evidence in each.evidence for each in blamed[fault.id])
    assert all(each.advice for some in blamed.values() for each in some)


@pytest.mark.parametrize("fault", OF_NAMES, ids=named)
def test_what_is_published_wrongly_is_found_alone(practice: Practice, fault: Fault) -> None:
    """Each change of a zone mends the one before: what was found a moment ago is not blamed any more."""
    found_alone(practice, fault)


def test_fifteen_faults_at_once_are_all_found_and_nothing_else(practice: Practice) -> None:
    with fifteen(practice):
        found = practice.looked(PLACES)
        if unasked(found):  # as above
            found = practice.looked(PLACES)
    assert ill(found).keys() == IDS, not_well(found)
    assert not unasked(found), not_well(found)


def test_all_is_well_again(practice: Practice) -> None:
    practice.scene.wait_for("all to be well again", lambda: not not_well(practice.looked(PLACES)), AGAIN)


@pytest.mark.skipif(not THOROUGH, reason="MAILNIX_DOCTOR=all breaks machines, too: half a minute each")
@pytest.mark.parametrize("fault", FAULTS, ids=named)
def test_a_fault_is_found_alone_and_gone_when_it_is_mended(practice: Practice, fault: Fault) -> None:
    found_alone(practice, fault)
    ids, plan = [fault.id, *fault.also, *fault.unasked], fault.plan(practice.scene.plan)
    practice.scene.wait_for("all to be well again", lambda: not not_well(practice.looked(ids, plan)), AGAIN)
