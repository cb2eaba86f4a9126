"""Every question is asked by itself, and has an end."""

from __future__ import annotations

import pytest

from mailnix.doctor.machines.asked import asked, questions
from mailnix.doctor.machines.guest.main import QUESTIONS, answer, answers
from mailnix.doctor.machines.seen import BY_HAND
from tests.doctor.machines import well
from tests.doctor.machines.guest.fake import Fake


def test_every_question_that_a_machine_can_be_asked_has_an_answer_and_none_is_left_over() -> None:
    assert {*questions(well.PROXY), *questions(well.HOME)} == {*QUESTIONS}


def test_for_each_question_there_is_something_that_a_person_types() -> None:
    assert {*BY_HAND} == {*QUESTIONS}


def test_a_question_without_an_answer_takes_nothing_from_the_others(fake: Fake) -> None:
    fake.says("uname", "6.12.9\n")
    said = answers(fake.here, {"reboot": {}, "units": ["a.service"], "disks": ["/"], "unheard-of": {}})
    assert said["reboot"] == {"ok": ""}
    assert said["units"] == {"failed": "systemctl is not to be had: No such file or directory"}
    assert "ok" in said["disks"]
    assert said["unheard-of"] == {"failed": "KeyError: 'unheard-of'"}


def test_what_hangs_is_left_when_time_is_up(fake: Fake) -> None:
    fake.program("uname", "exec sleep 30")
    said = answers(fake.here, {"reboot": {}, "disks": ["/"]}, patience=1.0)
    assert said["reboot"] == {"failed": "it took longer than 1 seconds"}
    assert "ok" in said["disks"]


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_a_question_that_is_told_nonsense_gives_a_reason(fake: Fake, name: str) -> None:
    said = answer(fake.here, name, 5)
    assert [*said] in (["failed"], ["ok"])


BY_PROGRAMS = sorted({*QUESTIONS} - {"port25", "xclient", "served", "admin"})
PROGRAMS = ("systemctl", "timedatectl", "journalctl", "apt-get", "wg", "ping", "nft", "unshare", "docker")


@pytest.mark.parametrize("output", ["", "\0\0\0", "{", "=\n=\n\n", "nothing of use\n" * 1000, "[[[[", "-1\n"])
@pytest.mark.parametrize("name", BY_PROGRAMS)
def test_programs_that_print_nonsense_end_nothing(fake: Fake, name: str, output: str) -> None:
    host = well.PROXY if name in questions(well.PROXY) else well.HOME
    for program in PROGRAMS:
        fake.says(program, output)
    said = answer(fake.here, name, asked(well.PLAN, host, [name])[name])
    assert [*said] in (["failed"], ["ok"])
