"""Checks run in their order, beside each other where they may, and none ends the others."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mailnix.lab.scenario import Asking, Check, CheckFailed, Group, Scene, Verdict, run_checks


def broken(_scene: Scene) -> str:
    raise KeyError("recipients")


def wrong(_scene: Scene) -> str:
    raise CheckFailed("it is wrong")


def test_one_broken_check_does_not_end_the_others(scene: Scene) -> None:
    asked = (
        Check("a", Group.WEB, "a", broken),
        Check("b", Group.WEB, "b", wrong),
        Check("c", Group.WEB, "c", lambda _scene: "well"),
    )
    heard: list[str] = []
    outcomes = run_checks(asked, scene, lambda outcome: heard.append(outcome.id), 0).outcomes
    assert [outcome.verdict for outcome in outcomes] == [Verdict.FAIL, Verdict.FAIL, Verdict.PASS]
    assert outcomes[1].evidence == "it is wrong"
    assert heard == ["a", "b", "c"]


def test_a_report_says_when_the_last_mail_was_exchanged(scene: Scene) -> None:
    clock = iter(range(100, 200, 10))
    asked = (Check(group, group, group, lambda _scene: "well") for group in (Group.INBOUND, Group.BAD_DAYS))
    report = run_checks(asked, scene, lambda _outcome: None, 90, lambda: next(clock))
    assert (report.ready, report.exchanged, report.total) == (10, 40, 70)


def test_checks_of_mail_run_beside_each_other_and_those_that_disturb_alone(scene: Scene) -> None:
    both = threading.Barrier(2, timeout=10)
    running: list[str] = []

    def together(_scene: Scene) -> str:
        running.append("mail")
        both.wait()
        return "well"

    def alone(_scene: Scene) -> str:
        return ", ".join(running)

    asked = (
        Check("a", Group.INBOUND, "a", together),
        Check("b", Group.WEB, "b", together),
        Check("c", Group.ISOLATION, "c", alone),
    )
    report = run_checks(asked, scene, lambda _outcome: None, 0)
    assert [outcome.verdict for outcome in report.outcomes] == [Verdict.PASS] * 3
    assert report.outcomes[2].evidence == "mail, mail"


def test_who_wants_one_outcome_after_the_other_has_no_more_asked_than_may_overlap(scene: Scene) -> None:
    both = threading.Barrier(2, timeout=10)
    asked: list[str] = []

    def looks(name: str, together: bool) -> Callable[[Scene], str]:
        def look(_scene: Scene) -> str:
            if together:
                both.wait()
            asked.append(name)
            return name

        return look

    groups = {"a": Group.INBOUND, "b": Group.WEB, "c": Group.ISOLATION, "d": Group.BAD_DAYS}
    checks = [Check(name, group, name, looks(name, group.may_overlap)) for name, group in groups.items()]
    asking = Asking(checks, scene)
    assert asked == []
    assert asking.outcome(checks[1]).evidence == "b"
    assert sorted(asked) == ["a", "b"]
    assert asking.outcome(checks[0]).evidence == "a"
    assert asking.outcome(checks[2]).evidence == "c"
    asking.close()
    assert sorted(asked) == ["a", "b", "c"]
