"""The page of places is what the places say."""

from __future__ import annotations

from tests.lab.places import table


def test_the_page_is_fresh() -> None:
    assert table.PAGE.read_text() == table.page(), "python -m tests.lab.places.table writes it anew"
