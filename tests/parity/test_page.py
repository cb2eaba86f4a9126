"""The page about both systems is what the list of differences and the last measurements make it."""

from __future__ import annotations

from tests.parity import page
from tests.parity.reasons import reasons


def test_the_page_is_up_to_date() -> None:
    assert page.PAGE.read_text() == page.page(page.last()), "python -m tests.parity.page writes it anew"


def test_every_difference_stands_there_with_its_reason() -> None:
    text = page.page(page.last())
    assert all(reason.why in text for reason in reasons())


def test_machines_of_both_systems_were_measured() -> None:
    measured = page.last()
    assert {*measured} == {"debian", "nixos"}
    assert measured["debian"].keys() == measured["nixos"].keys()
    assert all(cost.boot > 0 and cost.memory > 0 for costs in measured.values() for cost in costs.values())
