"""Asking and waiting, with a guest that answers from a list."""

from __future__ import annotations

import pytest
from attrs import define, field

from mailnix.errors import LabError
from mailnix.lab.commands import short, wait_for_unit, wait_until_succeeds
from mailnix.lab.guest import Result
from mailnix.lab.signs import Signs
from mailnix.lab.waiting import Clock

STARTING = "LoadState=loaded\nActiveState=activating\nSubState=start\n"
UP = "LoadState=loaded\nActiveState=active\nSubState=running\n"
FAILED = "LoadState=loaded\nActiveState=failed\nResult=exit-code\n"


@define
class Scripted:
    """Gives one answer after the other, the last one for ever; its clock goes on only by sleeping."""

    answers: list[tuple[int, str]]
    heard: list[str] = field(factory=list)
    now: float = 0.0
    printing_until: float = 0.0

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def execute(self, command: str, *, timeout: float = 60.0) -> Result:
        self.heard.append(command)
        status, output = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Result(status, output.encode(), b"")

    def signs(self) -> Signs:
        return Signs(printed=int(min(self.now, self.printing_until)))

    def error(self, message: str, hint: str = "") -> LabError:
        return LabError(f"guest: {message}", hint)


def test_a_unit_is_waited_for_while_it_starts() -> None:
    guest = Scripted([(0, STARTING), (0, STARTING), (0, UP)])
    wait_for_unit(guest, "caddy.service")
    assert len(guest.heard) == 3
    assert guest.now > 0


def test_a_unit_that_failed_is_not_waited_for_and_its_journal_is_shown() -> None:
    guest = Scripted([(0, FAILED), (0, "no such certificate")])
    with pytest.raises(LabError, match=r"guest: waiting for caddy\.service: it is failed \(exit-code\)") as caught:
        wait_for_unit(guest, "caddy.service")
    assert caught.value.hint == "no such certificate"
    assert guest.now == 0.0


def test_the_end_of_patience_says_how_far_a_unit_came() -> None:
    guest = Scripted([(0, STARTING)])
    with pytest.raises(LabError, match=r"still activating \(start\) after 30 s"):
        wait_for_unit(guest, "caddy.service", 30)
    assert guest.now == pytest.approx(30, abs=2)


def test_a_unit_is_waited_for_beyond_the_time_while_the_machine_prints() -> None:
    guest = Scripted([(0, STARTING)] * 60 + [(0, UP)], printing_until=500)
    wait_for_unit(guest, "caddy.service", 30)
    assert guest.now > 30


def test_once_nothing_moves_any_more_the_time_counts_from_there() -> None:
    guest = Scripted([(1, "not yet")], printing_until=100)
    with pytest.raises(LabError, match=r"waiting for a certificate: not after 1[23]. s not yet"):
        wait_until_succeeds(guest, "test -e /x", 30, "a certificate")


def test_a_command_is_run_again_until_it_succeeds() -> None:
    guest = Scripted([(1, "not yet"), (1, "not yet"), (0, "there")])
    assert wait_until_succeeds(guest, "test -e /x") == "there"
    assert guest.heard == ["test -e /x"] * 3


def test_the_end_of_patience_says_what_was_awaited_and_the_last_words() -> None:
    with pytest.raises(LabError, match="guest: waiting for a certificate: not after 5 s not yet"):
        wait_until_succeeds(Scripted([(1, "not yet")]), "test -e /x", 5, "a certificate")


def test_a_long_command_is_shortened_in_messages() -> None:
    assert short("a  b\nc") == "a b c"
    assert len(short("x" * 200)) == 80
