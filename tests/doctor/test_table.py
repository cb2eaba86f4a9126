"""The page of checks is made of their tables, and says honestly what others have and we have not."""

from __future__ import annotations

from tests.doctor.table import PAGE, every, others, page

GROUPS = every()
IDS = [check.id for group in GROUPS for check in group.checks]


def test_the_page_is_that_of_the_tables() -> None:
    assert PAGE.read_text() == page(GROUPS, others()), "python -m tests.doctor.table writes it anew"


def test_ids_are_of_their_group_and_none_is_used_twice() -> None:
    assert len(IDS) == len(set(IDS))
    assert all(check.id.startswith(f"{group.name}.") for group in GROUPS for check in group.checks)


def test_every_counterpart_that_is_named_is_a_check() -> None:
    """Of groups that are here."""
    here = {group.name for group in GROUPS}
    named = {name for other in others() for ask in other.asks for name in ask.ids}
    assert {name for name in named if name.partition(".")[0] in here} <= set(IDS)


def test_what_others_look_at_is_asked_here_or_said_to_be_lacking() -> None:
    assert all(ask.ids or ask.lacks for other in others() for ask in other.asks)
    areas = {ask.theirs.partition(":")[0] for other in others() if other.title == "mox" for ask in other.asks}
    assert len(areas) == 14  # the fields of its CheckResult


def test_titles_are_sentences() -> None:
    titles = [check.title for group in GROUPS for check in group.checks]
    assert all(title[0].isupper() and title.endswith(".") for title in titles)
