"""Killed, or without power, between any two steps: the old or the new generation, whole."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from mailnix.services.generations.guest import verbs
from mailnix.services.generations.guest.world import Refused
from tests.services.generations.scratch import Died, Scratch, deaths


def switch(machine: Scratch, number: int) -> bool:
    """Change to a generation; whether somebody was killed on the way."""
    with contextlib.suppress(Refused, Died):
        verbs.switch(machine, number, 60, "a")
    died = machine.dies is None
    machine.dies = None
    return died


@pytest.mark.parametrize("number", [1, 2])
def test_whoever_is_killed_while_changing_the_old_one_is_back_in_time(
    number: int, received: Scratch, running: Scratch, tmp_path: Path
) -> None:
    before = received if number == 1 else running
    for step, machine in deaths(before, tmp_path):
        died = switch(machine, number)
        machine.later()
        assert machine.whole(), step
        assert machine.state.current == before.state.current, step
        if not died:
            break
    assert step > 20


@pytest.mark.parametrize("number", [1, 2])
def test_after_a_power_cut_while_changing_the_old_one_boots(
    number: int, received: Scratch, running: Scratch, tmp_path: Path
) -> None:
    before = received if number == 1 else running
    for step, machine in deaths(before, tmp_path):
        died = switch_until_power_goes(machine, number)
        machine.power_cut()
        verbs.boot(machine)
        assert machine.whole(), step
        assert machine.state.current == before.state.current, step
        if not died:
            break
    assert step > 20


def switch_until_power_goes(machine: Scratch, number: int) -> bool:
    """The same, but nobody starts the keeper again."""
    left = machine.dies
    machine.restarts = False
    with contextlib.suppress(Refused, Died):
        verbs.switch(machine, number, 60, "a")
    return left is None or machine.dies is None


def test_a_power_cut_while_booting_after_a_power_cut_changes_nothing(running: Scratch, tmp_path: Path) -> None:
    running.dies = 50
    switch_until_power_goes(running, 2)
    running.power_cut()
    assert not running.whole()
    for step, machine in deaths(running, tmp_path):
        with contextlib.suppress(Died):
            verbs.boot(machine)
        died = machine.dies is None
        machine.power_cut()
        verbs.boot(machine)
        assert machine.whole(), step
        assert machine.state.current == 1
        if not died:
            break
    assert step > 8


def test_whoever_is_killed_while_confirming_it_is_confirmed_or_taken_back(running: Scratch, tmp_path: Path) -> None:
    verbs.switch(running, 2, 60, "a")
    for step, machine in deaths(running, tmp_path):
        with contextlib.suppress(Died):
            verbs.confirm(machine, 2, "a")
        died = machine.dies is None
        machine.power_cut()
        verbs.boot(machine)
        assert machine.whole(), step
        if not died:
            assert machine.state.current == 2
            break


def test_nothing_is_started_while_the_machine_boots(running: Scratch) -> None:
    verbs.switch(running, 2, 60, "a")
    running.power_cut()
    running.ran.clear()
    verbs.boot(running)
    changes = [words for words in running.ran if words[0] == "dpkg" and {"--unpack", "--configure"} & {*words}]
    assert changes
    assert all(words[-1] == "offline" for words in changes)
    assert [words for words in running.ran if words[0] == "systemctl"] == [
        ["systemctl", "daemon-reload"],
        ["systemctl", "try-restart", "--no-block", "systemd-journald.service"],
        ["systemctl", "start", "--no-block", "default.target"],
    ]


def test_a_boot_without_anything_pending_touches_nothing(running: Scratch) -> None:
    running.ran.clear()
    assert verbs.boot(running) == {"current": 1}
    assert running.ran == []


def test_a_confirmed_generation_survives_a_power_cut(running: Scratch) -> None:
    running.run_it(2)
    running.power_cut()
    assert verbs.boot(running) == {"current": 2}
    assert running.whole()


def test_going_back_is_tried_until_dpkg_lets_it(running: Scratch) -> None:
    verbs.switch(running, 2, 60, "a")
    running.locked = 3
    assert verbs.back(running, None) == {"current": 1}
    assert running.whole()
    assert running.locked == 0
