"""The table of checks is whole."""

from __future__ import annotations

from mailnix.lab.scenario import CHECKS, Group, checks_for
from mailnix.plan import Plan


def test_ids_are_unique_and_every_group_has_checks() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    assert {check.group for check in CHECKS} == set(Group)


def test_checks_of_ipv6_need_an_address_of_it(plan: Plan) -> None:
    assert "inbound-ipv6" in {check.id for check in checks_for(plan)}
