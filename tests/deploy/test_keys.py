"""A key that DNS has and that a proxy would no longer show: whoever brings that is told before it happens."""

from __future__ import annotations

import pytest

from mailnix.deploy.deploying import deploy
from mailnix.deploy.rolling import rollback
from mailnix.plan import Plan, PublicKeys, derive
from tests.deploy.machines import Stage
from tests.descriptions import sound

A, B, C, D = (each * 64 for each in "1234")
SAID = "proxy: note: no key that DNS may have for mail.example.org is shown any more"


def with_key(*digests: str) -> Plan:
    return derive(sound(dane=True), PublicKeys(tlsa={"proxy": digests}))


def bring(stage: Stage, plan: Plan, digest: str, *, dry_run: bool = False) -> None:
    """Deploy it to the proxy as another package, and forget what was said before."""
    stage.heard.clear()
    stage.plan, stage.packages.digests["proxy"] = plan, digest
    deploy(stage.deploying(dry_run=dry_run))


def noted(stage: Stage) -> list[str]:
    return [line for line in stage.heard if line.startswith(SAID)]


@pytest.fixture
def keyed(stage: Stage) -> Stage:
    """The proxy has had a generation without a key of its own, and runs one with it."""
    bring(stage, with_key(A, B), "with a key")
    return stage


def test_a_first_key_and_the_next_one_are_nothing_to_note(keyed: Stage) -> None:
    assert not noted(keyed)
    bring(keyed, with_key(B, C), "rolled over")
    assert not noted(keyed)


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("after", [derive(sound()), with_key(C, D)], ids=["without dane", "rotated twice"])
def test_a_deployment_that_ends_a_key_is_noted_before_it_happens(keyed: Stage, after: Plan, *, dry_run: bool) -> None:
    bring(keyed, after, "another", dry_run=dry_run)
    (note,) = noted(keyed)
    if not dry_run:
        assert keyed.heard.index(note) < keyed.heard.index("proxy: switching to generation 3")


def test_going_back_to_before_there_was_a_key_is_noted(keyed: Stage) -> None:
    keyed.heard.clear()
    rollback(keyed.deploying(), "proxy", None)
    assert len(noted(keyed)) == 1


def test_home_shows_no_key(keyed: Stage) -> None:
    keyed.heard.clear()
    keyed.plan, keyed.packages.digests["internal"] = derive(sound()), "other"
    deploy(keyed.deploying("internal"))
    assert not [line for line in keyed.heard if "DNS may have" in line]
