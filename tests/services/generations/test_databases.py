"""The whole of it: a generation with another Mailcow, killed or without power anywhere, and whose database is there.

Mailcow is its folders and what mailcow-setup does with them, begun whenever dpkg has laid another generation's files.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from mailnix.services.generations.guest import verbs
from mailnix.services.generations.guest.world import Done, Refused
from mailnix.services.generations.names import CHANGES
from mailnix.services.mailcow.guest.databases import read_change, settle
from tests.services.generations.scratch import Died, Scratch
from tests.services.mailcow.test_databases import Machine, Watched

REVISIONS = {1: "rev-of-old", 2: "rev-of-new"}


class Dying(Watched):
    """Its steps are steps of the machine."""

    machine: Scratch

    def step(self) -> None:
        self.machine.step()


class Home(Scratch):
    """A machine with Mailcow: the old one's database says "before", the new one writes "since"."""

    mailcow: Machine
    runs: int = 1
    busy: bool = False  # systemd starts it later

    def run(self, argv: Sequence[str], *, within: float = 0, offline: bool = False) -> Done:
        done = super().run(argv, within=within, offline=offline)
        if not self.busy and not offline and argv[0] in ("apt-get", "dpkg"):
            self.serve()
        return done

    def serve(self) -> None:
        """systemd starts Mailcow, once activation has said so."""
        number = int(self.laid().split()[-1])
        if number != self.runs and number in REVISIONS:
            change = read_change(str(self.root / CHANGES.lstrip("/")))
            settle(self.mailcow.root, REVISIONS[number], REVISIONS[self.runs], change, self.mailcow.hands)
            self.mailcow.runs(REVISIONS[number], "since" if number == 2 else self.mailcow.holds)
            self.runs = number


def home(running: Scratch, folder: Path) -> Home:
    """Generation 1 runs, generation 2 is received."""
    twin = running.copied(folder / "root")
    machine = Home(twin.root)
    machine.clock, machine.boots = twin.clock, twin.boots
    machine.mailcow = Machine.fresh(folder / "mailcow")
    hands = Dying(machine.mailcow.folder)
    hands.machine = machine
    machine.mailcow.hands = hands
    return machine


def deaths(running: Scratch, folder: Path) -> Iterator[tuple[int, Home]]:
    """Such machines, each of which dies one step later."""
    for number in range(1000):
        machine = home(running, folder / str(number))
        machine.dies = number
        yield number, machine


def right(machine: Home) -> bool:
    """Whether the generation that runs is whole, and the database is its own."""
    return machine.whole() and machine.mailcow.holds == ("since" if machine.state.current == 2 else "before")


def test_what_is_taken_back_has_the_database_of_before(running: Scratch, tmp_path: Path) -> None:
    machine = home(running, tmp_path)
    verbs.switch(machine, 2, 60, "a")
    assert machine.mailcow.holds == "since"
    verbs.back(machine, "a")
    assert right(machine)


def test_also_where_another_change_comes_before_mailcow_starts_again(running: Scratch, tmp_path: Path) -> None:
    machine = home(running, tmp_path)
    verbs.switch(machine, 2, 60, "a")
    machine.busy = True
    verbs.back(machine, "a")
    machine.run_it(1)
    machine.busy = False
    machine.serve()
    assert right(machine)


def test_what_is_confirmed_keeps_its_own(running: Scratch, tmp_path: Path) -> None:
    machine = home(running, tmp_path)
    machine.run_it(2)
    assert right(machine)
    assert machine.state.current == 2


def test_leaving_it_again_on_purpose_has_the_database_of_then_unless_nobody_confirms_that(
    running: Scratch, tmp_path: Path
) -> None:
    machine = home(running, tmp_path)
    machine.run_it(2)
    verbs.switch(machine, 1, 60, "back", databases=True)
    assert machine.mailcow.holds == "before"
    machine.later()
    assert (machine.state.current, machine.mailcow.holds) == (2, "since")
    verbs.switch(machine, 1, 60, "once more", databases=True)
    verbs.confirm(machine, 1, "once more")
    assert (machine.state.current, machine.mailcow.holds) == (1, "before")


@pytest.mark.parametrize("power", [False, True])
def test_whoever_is_killed_on_the_way_the_old_one_runs_with_its_database(
    power: bool, running: Scratch, tmp_path: Path
) -> None:
    for step, machine in deaths(running, tmp_path):
        machine.restarts = not power
        with contextlib.suppress(Refused, Died):
            verbs.switch(machine, 2, 60, "a")
        died, machine.dies = machine.dies is None, None
        if power:
            machine.power_cut()
            verbs.boot(machine)
        else:
            machine.later()
        machine.serve()
        assert machine.state.current == 1, step
        assert right(machine), step
        if not died:
            break
    assert step > 30


def test_whoever_is_killed_while_confirming_has_the_database_of_what_runs(running: Scratch, tmp_path: Path) -> None:
    for step, machine in deaths(running, tmp_path):
        dies, machine.dies = machine.dies, None
        verbs.switch(machine, 2, 60, "a")
        machine.dies = dies
        with contextlib.suppress(Died):
            verbs.confirm(machine, 2, "a")
        died = machine.dies is None
        machine.power_cut()
        verbs.boot(machine)
        machine.serve()
        assert right(machine), step
        if not died:
            assert machine.state.current == 2
            break
