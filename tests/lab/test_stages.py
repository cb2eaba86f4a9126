"""What whoever watches a lab sees of its course."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from mailnix.lab.scenario import CHECKS, exchanging
from mailnix.lab.stages import WITHOUT_THE_REST, Stage, Stages, Timed
from mailnix.plan import derive
from tests.descriptions import sound


@define
class Watch:
    """Each look at the time is a minute later than the one before, and a second."""

    moments: Iterator[float] = field(factory=lambda: iter(61.0 * number for number in range(100)))
    told: list[str] = field(factory=list)

    def stages(self, *planned: Stage) -> Stages:
        return Stages(self.told.append, planned or tuple(Stage), lambda: next(self.moments))


def test_the_stages_are_listed_before_the_first_one_begins() -> None:
    watch = Watch()
    watch.stages(*WITHOUT_THE_REST)(Stage.BUILD)
    assert watch.told[:-1] == [
        "1. building images",
        "2. booting the machines",
        "3. waiting until mail can flow",
        "4. exchanging mail",
    ]


def test_each_line_has_the_time_and_each_stage_its_number() -> None:
    watch = Watch()
    progress = watch.stages()
    progress("hello")
    progress(Stage.BOOT)
    assert (watch.told[0], watch.told[-1]) == ("[1:01] hello", "[3:03] == 2 of 5: booting the machines")


def test_stages_know_what_they_took() -> None:
    progress = Watch().stages()
    progress(Stage.BUILD)
    progress(Stage.BOOT)
    assert progress.took() == (Timed(Stage.BUILD, 122), Timed(Stage.BOOT, 122))


def test_a_quick_lab_exchanges_mail_and_nothing_else() -> None:
    plan = derive(sound())
    groups = {check.group for check in exchanging(plan)}
    assert groups == {"inbound", "relay", "outbound"}
    first = [check.id for check in CHECKS if check.applies(plan)][: len(exchanging(plan))]
    assert [check.id for check in exchanging(plan)] == first
