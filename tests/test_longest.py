"""The order in which `make unit` hands files to its workers, who hold up each other."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.conftest import HERE, LONGEST, rank


def test_each_file_that_begins_is_there_and_named_once() -> None:
    assert [name for name in LONGEST if not (HERE / name).is_file()] == []
    assert len({*LONGEST}) == len(LONGEST)


def test_the_longest_begin_and_the_rest_stays_in_its_order() -> None:
    others = [HERE / "zones/test_b.py", HERE / "plan/test_a.py"]
    longest = [HERE / name for name in LONGEST]
    assert sorted([others[0], *reversed(longest), others[1]], key=rank) == [*longest, *others]


def test_hypothesis_counts_no_seconds_of_which_others_have_their_share() -> None:
    assert settings.default is not None
    assert settings.default.deadline is None
    assert HealthCheck.too_slow in settings.default.suppress_health_check
