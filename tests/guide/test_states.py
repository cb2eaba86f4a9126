"""What doctor finds stands at the records that it is about."""

from __future__ import annotations

from mailnix.doctor.values import Answer
from mailnix.guide.records import USUAL, elsewhere, zones
from mailnix.plan import Plan
from tests.doctor.dns.world import World, findings, records_of, world
from tests.guide.conftest import many_ways, plan_of


def states(plan: Plan, published: World) -> dict[tuple[str, str], set[Answer]]:
    """The answers at each record, by name and type, where these are published."""
    found = findings(plan, published)
    rows = [
        row
        for zone in zones(plan, found, USUAL)
        for group in zone.groups
        for purpose in group.purposes
        for row in purpose.rows
    ]
    rows += elsewhere(plan, found, USUAL)
    return {(row.name, row.type): {state.finding.answer for state in row.states} for row in rows}


def test_every_record_has_its_answer_where_all_is_published() -> None:
    plan = plan_of(many_ways())
    assert [record for record, answers in states(plan, world(plan)).items() if answers != {Answer.WELL}] == []


def test_a_record_that_is_not_published_is_said_to_be_absent() -> None:
    plan = plan_of(many_ways())
    for name, kind in (("example.org", "MX"), ("_dmarc.example.org", "TXT"), ("mail.example.org", "AAAA")):
        published = [record for record in records_of(plan) if record[:2] != (name, kind)]
        assert states(plan, world(plan, published))[name, kind] == {Answer.ABSENT}
