"""Another release of Mailcow: fetched ahead, given its time, demanded whole, and left again with its old database."""

from __future__ import annotations

import pytest
from attrs import evolve

from mailnix.deploy.checks import Answer, Question
from mailnix.deploy.deploying import Failed, deploy
from mailnix.deploy.rolling import rollback
from mailnix.deploy.switching import ANOTHER_MAILCOW
from mailnix.deploy.values import End, Version, older
from mailnix.errors import DeployError
from tests.deploy.machines import WELL, Stage

OLD, NEW = "2026-05c", "2026-07a"
KEPT = "2026-11-26 15:03 UTC"


@pytest.fixture
def old(plain: Stage) -> Stage:
    """Home runs the old release; the new one is to come."""
    plain.packages.made_of["internal"] = {"Mailcow": OLD}
    deploy(plain.deploying())
    plain["internal"].answers = kept
    plain.packages.made_of["internal"] = {"Mailcow": NEW}
    plain.packages.digests["internal"] = "another Mailcow"
    for machine in plain.machines.values():
        machine.calls.clear()
    return plain


@pytest.fixture
def new(old: Stage) -> Stage:
    """Home runs the new release."""
    deploy(old.deploying())
    old["internal"].calls.clear()
    return old


def kept(question: Question) -> Answer:
    return (True, KEPT) if question[0] == "database" else WELL


def test_what_it_needs_is_fetched_before_anything_is_switched(old: Stage) -> None:
    deploy(old.deploying())
    verbs = [call.split()[0] for call in old["internal"].calls]
    assert verbs.index("receive") < verbs.index("ahead") < verbs.index("switch")
    assert old["internal"].current == 2


def test_where_that_cannot_be_had_the_old_one_goes_on(old: Stage) -> None:
    old["internal"].unhad = "no such host"
    with pytest.raises(Failed, match=r"cannot be had yet: no such host; internal runs generation 1"):
        deploy(old.deploying())
    assert "switch 2" not in old["internal"].calls


def test_one_that_takes_over_from_what_an_image_laid_is_told_by_its_tree(old: Stage) -> None:
    home = old["internal"]
    home.kept[1] = evolve(home.kept[1], parts={}, mailcow="")
    home.answers = lambda question: (True, f"rev-of-{OLD}") if question[0] == "release" else WELL
    deploy(old.deploying())
    assert "ahead 2" in home.calls


def test_where_none_was_laid_yet_none_takes_over(old: Stage) -> None:
    home = old["internal"]
    home.kept[1] = evolve(home.kept[1], parts={}, mailcow="")
    home.answers = lambda question: (question[0] not in ("release", "mailcow"), "none was laid")
    assert deploy(old.deploying()).machines[0].end is End.CONFIRMED
    assert "ahead 2" not in home.calls


def test_a_change_without_one_fetches_nothing_and_asks_for_no_release(old: Stage) -> None:
    old.packages.made_of["internal"] = {"Mailcow": OLD}
    old["internal"].answers = lambda question: (question[0] != "mailcow", "")
    assert deploy(old.deploying()).machines[0].end is End.CONFIRMED
    assert "ahead 2" not in old["internal"].calls


def test_the_first_generation_of_a_machine_waits_for_none(plain: Stage) -> None:
    plain.packages.made_of["internal"] = {"Mailcow": NEW}
    plain["internal"].answers = lambda question: (question[0] != "mailcow", "")
    assert deploy(plain.deploying()).machines[0].end is End.CONFIRMED


def test_the_one_before_that_still_greets_does_not_confirm_it(old: Stage) -> None:
    """It is stopped in the background, and has answered every other question before."""
    home, looks = old["internal"], iter(range(4))

    def starting(question: Question) -> Answer:
        if question[0] == "mailcow" and next(looks, None) is not None:
            return False, "mailcow.service is deactivating"
        return WELL

    home.answers = starting
    report = deploy(old.deploying())
    assert next(looks, None) is None
    assert report.machines[0].end is End.CONFIRMED


def test_one_that_never_comes_up_is_taken_back_after_its_time(old: Stage) -> None:
    old["internal"].answers = lambda question: (question[0] != "mailcow", "php-fpm-mailcow is restarting")
    before = old.clock.now()
    with pytest.raises(Failed, match="another Mailcow, all of it: php-fpm-mailcow is restarting"):
        deploy(old.deploying())
    assert old["internal"].current == 1
    assert ANOTHER_MAILCOW - 60 < old.clock.now() - before < ANOTHER_MAILCOW + 60


class TestTheSameOneWithOtherSettings:
    """It stops in the background, so the one that is about to stop greets, and its unit is never seen to fail."""

    @pytest.fixture
    def other(self, old: Stage) -> Stage:
        """What is to come has the release that runs."""
        old.packages.made_of["internal"] = {"Mailcow": OLD}
        old["internal"].units = (("mailcow.service", "restart"),)
        return old

    def test_it_is_confirmed_once_it_runs_again(self, other: Stage) -> None:
        home, looks = other["internal"], iter(range(3))

        def starting(question: Question) -> Answer:
            if home.pending and question[0] == "mailcow" and next(looks, None) is not None:
                return False, "mailcow.service is deactivating"
            return WELL

        home.answers = starting
        assert deploy(other.deploying()).machines[0].end is End.CONFIRMED
        assert next(looks, None) is None
        assert "ahead 2" not in home.calls

    @pytest.mark.parametrize("credential", ["", "mailcow.dbpass"])
    def test_one_that_cannot_start_with_them_is_taken_back_after_its_time(self, credential: str, other: Stage) -> None:
        home = other["internal"]
        if credential:
            home.units = ()
            other.secrets = {"internal": {credential: b"another"}}
        home.answers = lambda question: (not (home.pending and question[0] == "mailcow"), "mailcow.service: activating")
        before = other.clock.now()
        with pytest.raises(Failed, match=r"Mailcow, all of it: mailcow\.service: activating"):
            deploy(other.deploying())
        assert ANOTHER_MAILCOW - 60 < other.clock.now() - before < ANOTHER_MAILCOW + 60

    def test_one_that_was_ill_before_may_be_mended(self, other: Stage) -> None:
        other["internal"].answers = lambda question: (question[0] != "mailcow", "php-fpm-mailcow is restarting")
        assert deploy(other.deploying()).machines[0].end is End.CONFIRMED

    def test_going_back_to_them_waits_as_well(self, other: Stage) -> None:
        deploy(other.deploying())
        home = other["internal"]
        home.answers = lambda question: (not (home.pending and question[0] == "mailcow"), "mailcow.service: activating")
        with pytest.raises(Failed, match="Mailcow, all of it"):
            rollback(other.deploying(), "internal", None)


def test_its_versions_are_told(old: Stage) -> None:
    home = deploy(old.deploying(dry_run=True)).machines[0]
    assert Version("Mailcow", OLD, NEW) in home.versions


def test_an_older_one_is_refused_before_anything_is_sent(new: Stage) -> None:
    new.packages.made_of["internal"] = {"Mailcow": OLD}
    new.packages.digests["internal"] = "made by a mailnix of before"
    with pytest.raises(DeployError, match=f"runs Mailcow {NEW}, and this mailnix brings {OLD}") as caught:
        deploy(new.deploying())
    assert "mailnix rollback mail.py internal N --databases" in caught.value.hint
    assert not [call for call in new["internal"].calls if call.startswith("receive")]


@pytest.mark.parametrize(
    ("tag", "than", "expected"),
    [
        ("2026-05c", "2026-07a", True),
        ("2026-07", "2026-07a", True),
        ("2026-07a", "2026-05c", False),
        ("2026-07a", "2026-07a", False),
        ("2026-07a", "from double", None),
        ("", "2026-07a", None),
    ],
)
def test_tags_of_releases_say_which_is_older(tag: str, than: str, expected: bool | None) -> None:
    assert older(tag, than) is expected


def test_a_tree_of_ones_own_may_be_followed_by_any(old: Stage) -> None:
    old.packages.made_of["internal"] = {"Mailcow": "from double"}
    deploy(old.deploying())
    old.packages.made_of["internal"] = {"Mailcow": OLD}
    old.packages.digests["internal"] = "the pinned one again"
    assert deploy(old.deploying()).machines[0].after == 3


class TestRollback:
    """A confirmed release is left for the one before."""

    def test_it_says_what_would_be_lost_and_wants_a_word_for_it(self, new: Stage) -> None:
        with pytest.raises(
            DeployError, match=f"its database of {KEPT} back: what was changed in Mailcow since"
        ) as caught:
            rollback(new.deploying(), "internal", None)
        assert caught.value.hint.endswith("mailnix rollback mail.py internal 1 --databases")
        assert new["internal"].current == 2

    def test_with_it_the_machine_is_told_so(self, new: Stage) -> None:
        rollback(new.deploying(), "internal", None, databases=True)
        calls = new["internal"].calls
        assert calls.index("ahead 1") < calls.index("switch 1 with databases")
        assert new["internal"].current == 1

    def test_where_its_images_cannot_be_had_again_what_runs_goes_on(self, new: Stage) -> None:
        new["internal"].unhad = "manifest unknown"
        with pytest.raises(DeployError, match=r"cannot be had yet: manifest unknown; internal runs generation 2"):
            rollback(new.deploying(), "internal", 1, databases=True)
        assert [call for call in new["internal"].calls if "switch" in call] == []

    def test_without_a_database_that_is_kept_it_is_refused(self, new: Stage) -> None:
        new["internal"].answers = lambda question: (question[0] != "database", "none of rev is kept")
        with pytest.raises(DeployError, match="no database that it could read: none of rev is kept"):
            rollback(new.deploying(), "internal", None, databases=True)

    def test_a_dry_run_shows_it_and_what_would_be_lost(self, new: Stage) -> None:
        report = rollback(new.deploying(dry_run=True), "internal", None)
        assert Version("Mailcow", NEW, OLD) in report.machines[0].versions
        assert any("mail is not" in line for line in new.heard)

    def test_to_a_newer_one_no_word_is_needed(self, new: Stage) -> None:
        rollback(new.deploying(), "internal", None, databases=True)
        rollback(new.deploying(), "internal", 2)
        assert new["internal"].calls[-1] == "confirm 2"
        assert "switch 2" in new["internal"].calls

    def test_to_a_tree_of_ones_own_that_ran_here_it_is_wanted_and_to_one_that_did_not_it_is_not(
        self, new: Stage
    ) -> None:
        home = new["internal"]
        home.kept[1] = evolve(home.kept[1], parts={"Mailcow": "from double"}, mailcow="rev-of-double")
        with pytest.raises(DeployError, match="what was changed in Mailcow since is lost"):
            rollback(new.deploying(), "internal", None)
        home.answers = lambda question: (question[0] != "database", "none is kept")
        rollback(new.deploying(), "internal", None)
        assert home.calls[-1] == "confirm 1"
        assert "switch 1" in home.calls

    def test_where_no_database_is_kept_for_the_way_back_it_is_said(self, new: Stage) -> None:
        """As on NixOS."""
        home = new["internal"]
        home.kept[1] = evolve(home.kept[1], mailcow="")
        rollback(new.deploying(), "internal", None)
        assert any(f"has Mailcow {OLD}, and meets the database of {NEW}" in line for line in new.heard)
        assert "switch 1" in home.calls

    def test_a_generation_that_does_not_say_which_it_has_is_as_any_other(self, new: Stage) -> None:
        home = new["internal"]
        home.kept[1] = evolve(home.kept[1], parts={}, mailcow="")
        rollback(new.deploying(), "internal", None)
        assert home.current == 1


def test_without_a_number_databases_means_the_newest_generation_with_the_mailcow_of_before(new: Stage) -> None:
    new.packages.digests["internal"] = "a mailbox more"
    deploy(new.deploying())
    report = rollback(new.deploying(), "internal", None, databases=True)
    assert [(each.before, each.after) for each in report.machines] == [(3, 1)]
    assert "switch 1 with databases" in new["internal"].calls


def test_databases_is_refused_where_none_comes_back(new: Stage) -> None:
    new.packages.digests["internal"] = "a mailbox more"
    deploy(new.deploying())
    with pytest.raises(DeployError, match="generation 2 of internal comes with no other database"):
        rollback(new.deploying(), "internal", 2, databases=True)
    assert new["internal"].current == 3


class TestOtherImagesOfTheSameRelease:
    """Its tag says nothing of them."""

    @pytest.fixture
    def moved(self, old: Stage) -> Stage:
        """Another image is pinned than runs."""
        old.packages.made_of["internal"], old.packages.images = {"Mailcow": OLD}, "+digest"
        deploy(old.deploying())
        return old

    def test_are_fetched_and_waited_for_as_a_release_is(self, moved: Stage) -> None:
        calls = moved["internal"].calls
        assert calls.index("ahead 2") < calls.index("switch 2")

    def test_are_left_with_the_database_of_then_and_a_word_for_it(self, moved: Stage) -> None:
        with pytest.raises(DeployError, match=f"its database of {KEPT} back"):
            rollback(moved.deploying(), "internal", None)
        rollback(moved.deploying(), "internal", None, databases=True)
        assert "switch 1 with databases" in moved["internal"].calls

    def test_without_one_that_is_kept_go_on_with_the_database_that_there_is(self, moved: Stage) -> None:
        moved["internal"].answers = lambda question: (question[0] != "database", "none is kept")
        assert rollback(moved.deploying(), "internal", None).machines[0].end is End.CONFIRMED
        assert "switch 1" in moved["internal"].calls
