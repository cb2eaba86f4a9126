"""Which database a Mailcow gets that comes, is taken back, or comes again: on folders, with a death at every step."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailnix.services.mailcow.guest import databases
from mailnix.services.mailcow.guest.databases import Change, Hands, read, read_change, settle
from mailnix.services.mailcow.guest.machine import SetupError, values
from mailnix.services.mailcow.guest.tree import CONF, Record, write_record

OLD, NEW = "rev-of-old", "rev-of-new"
X, Y = frozenset("x"), frozenset("y")
UPGRADE, BACK = Change(under_way="x"), Change(undone=X)
LATER = Change(under_way="y", undone=X)
NAMES = ("mysql", "redis")


class Died(BaseException):
    """kill -9, or a power cut."""


class Watched(Hands):
    """Works on folders of a test; dies before or after one of its steps, counted."""

    def __init__(self, folder: Path, dies: int | None = None) -> None:
        self.folder, self.dies = folder, dies
        self.stops, self.left = 0, 2**40
        self.none = False

    def step(self) -> None:
        if self.dies is not None:
            self.dies -= 1
            if self.dies < 0:
                self.dies = None
                raise Died

    def stop(self, root: Path) -> None:
        self.stops += 1

    def folders(self, root: Path) -> tuple[Path, ...]:
        return () if self.none else tuple(self.folder / name / "_data" for name in NAMES)

    def free(self, folder: Path) -> int:
        return self.left

    def copy(self, source: Path, target: Path) -> None:
        self.step()
        target.mkdir()  # half of it
        self.step()
        shutil.copytree(source, target, dirs_exist_ok=True)
        self.step()

    def rename(self, source: Path, target: Path) -> None:
        self.step()
        super().rename(source, target)
        self.step()

    def remove(self, folder: Path) -> None:
        self.step()
        super().remove(folder)
        self.step()

    def hold(self, path: Path) -> None:
        self.step()
        path.touch()
        self.step()

    def write(self, path: Path, data: bytes) -> None:
        self.step()
        super().write(path, data)
        self.step()


class Machine:
    """A tree with its mailcow.conf, and the two databases, whose one file has what was written last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "mailcow"
        self.hands = Watched(folder)

    @classmethod
    def fresh(cls, folder: Path) -> Machine:
        """The old release runs."""
        machine = cls(folder)
        machine.root.mkdir(parents=True)
        for name in NAMES:
            (folder / name / "_data").mkdir(parents=True)
        machine.runs(OLD, "before")
        return machine

    def runs(self, rev: str, writes: str) -> None:
        """A release's containers run, and write."""
        write_record(self.root, Record(rev, ()))
        (self.root / CONF).write_text(f"DBNAME=mailcow\nDBPASS=of-{rev}\nAPI_KEY=k\n")
        for name in NAMES:
            (self.folder / name / "_data/file").write_text(writes)

    def settle(self, wanted: str, change: Change, laid: str = OLD) -> None:
        settle(self.root, wanted, laid, change, self.hands)

    def upgraded(self) -> Machine:
        """The new release has run, and nobody has confirmed it."""
        self.settle(NEW, UPGRADE)
        self.runs(NEW, "since")
        return self

    @property
    def holds(self) -> str:
        """What both have; they are of one time, or it is an error."""
        (found,) = {(self.folder / name / "_data/file").read_text() for name in NAMES}
        return found

    @property
    def spare(self) -> set[str]:
        """What else is there."""
        return {path.name for name in NAMES for path in (self.folder / name).iterdir()} - {"_data"}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine.fresh(tmp_path / "machine")


def nothing(_machine: Machine) -> None:
    """Where it begins."""


def deaths(folder: Path, lived: Callable[[Machine], object] = nothing) -> Iterator[Machine]:
    """A machine that has lived so far, dying one step later each time; whoever asks says when it is enough."""
    for number in range(200):
        machine = Machine.fresh(folder / str(number))
        lived(machine)
        machine.hands.dies = number
        yield machine


def tried_once(machine: Machine) -> None:
    """The new release came, was taken back, and the old one has run since."""
    machine.upgraded()
    machine.settle(OLD, BACK, NEW)
    machine.runs(OLD, "after")


def test_an_upgrade_goes_on_with_the_database_and_keeps_it_as_it_was(machine: Machine) -> None:
    machine.upgraded()
    assert machine.holds == "since"
    assert machine.spare == {"_data.kept"}
    assert (machine.folder / "mysql/_data.kept/file").read_text() == "before"
    assert machine.hands.stops == 1


def test_where_nothing_changes_nothing_is_stopped_or_kept(machine: Machine) -> None:
    machine.settle(OLD, UPGRADE)
    assert (machine.hands.stops, machine.spare) == (0, set())
    assert read(machine.root) is None


def test_what_is_taken_back_gets_the_database_of_before_with_its_passwords(machine: Machine) -> None:
    machine.upgraded()
    machine.settle(OLD, BACK, NEW)
    assert machine.holds == "before"
    assert values(machine.root / CONF) == {"DBNAME": "mailcow", "DBPASS": f"of-{OLD}", "API_KEY": "k"}


def test_whoever_is_killed_while_it_is_kept_keeps_it_the_next_time(tmp_path: Path) -> None:
    for step, twin in enumerate(deaths(tmp_path)):
        died = killed(twin, NEW, UPGRADE)
        twin.settle(NEW, UPGRADE)
        twin.runs(NEW, "since")
        twin.settle(OLD, BACK, NEW)
        assert (twin.holds, twin.spare) == ("before", {"_data.kept"}), step
        if not died:
            break
    assert step > 15


def test_whoever_is_killed_while_it_is_kept_and_then_taken_back_has_it_as_it_was(
    tmp_path: Path,
) -> None:
    for step, twin in enumerate(deaths(tmp_path)):
        died = killed(twin, NEW, UPGRADE)
        twin.settle(OLD, BACK)
        assert twin.holds == "before", step
        if not died:
            break


def test_whoever_is_killed_while_it_is_put_back_finishes_that(tmp_path: Path) -> None:
    for step, twin in enumerate(deaths(tmp_path, Machine.upgraded)):
        died = killed(twin, OLD, BACK, NEW)
        twin.settle(OLD, BACK, NEW)
        assert (twin.holds, twin.spare) == ("before", {"_data.kept"}), step
        if not died:
            break
    assert step > 10


def killed(machine: Machine, wanted: str, change: Change, laid: str = OLD) -> bool:
    """Settle; whether it died."""
    try:
        machine.settle(wanted, change, laid)
    except Died:
        return True
    machine.hands.dies = None
    return False


def test_one_that_starts_while_it_is_being_taken_back_leaves_the_database_as_it_was(machine: Machine) -> None:
    """Its start was asked for before whoever asked died, and its files are there yet."""
    machine.settle(NEW, Change(under_way="x", undone=X))
    machine.runs(NEW, "since")
    machine.settle(OLD, Change(under_way="x", undone=X), NEW)
    assert machine.holds == "before"


@pytest.mark.parametrize("change", [BACK, LATER, Change(undone=X | Y), Change(under_way="y", undone=X | Y)])
def test_what_was_taken_back_gets_its_database_whatever_has_changed_before_it_starts(
    change: Change, machine: Machine
) -> None:
    """A mailbox, say, that came to stay, is under way, or was taken back as well."""
    machine.upgraded()
    machine.settle(OLD, change, NEW)
    machine.runs(OLD, "after")
    machine.settle(OLD, Change(undone=X | Y), OLD)
    assert machine.holds == "after"


def test_what_was_confirmed_goes_on_with_its_database_whatever_is_taken_back_later(machine: Machine) -> None:
    machine.upgraded()
    machine.settle(NEW, Change(undone=frozenset({"another"})), NEW)
    assert machine.holds == "since"


def test_an_older_release_that_comes_by_other_means_goes_on_with_the_database_that_there_is(machine: Machine) -> None:
    machine.upgraded()
    machine.settle(OLD, Change(), NEW)
    assert machine.holds == "since"


def test_a_newer_one_that_comes_by_other_means_keeps_nothing(machine: Machine) -> None:
    machine.settle(NEW, Change())
    assert (machine.holds, machine.spare) == ("before", set())


class TestGoingBackOnPurpose:
    """A confirmed release is left for the one before, with its database."""

    DELIBERATE = Change(under_way="z", databases=True)

    def test_the_database_of_then_is_put_back(self, machine: Machine) -> None:
        machine.upgraded()
        machine.settle(OLD, self.DELIBERATE, NEW)
        assert machine.holds == "before"

    def test_and_where_nobody_confirms_that_the_newer_one_has_its_own_again(self, machine: Machine) -> None:
        machine.upgraded()
        machine.settle(OLD, self.DELIBERATE, NEW)
        machine.runs(OLD, "meanwhile")
        machine.settle(NEW, Change(undone=frozenset("z")), OLD)
        assert machine.holds == "since"

    def test_also_where_the_release_came_anew_after_it_had_been_taken_back(self, machine: Machine) -> None:
        machine.upgraded()
        machine.settle(OLD, replace(self.DELIBERATE, undone=X), NEW)
        machine.settle(NEW, Change(undone=frozenset("xz")), OLD)
        assert machine.holds == "since"

    def test_without_one_that_is_kept_it_is_refused(self, machine: Machine) -> None:
        with pytest.raises(SetupError, match="no database of Mailcow rev-of-old is kept"):
            machine.settle(OLD, self.DELIBERATE, NEW)

    def test_nor_with_half_of_one(self, machine: Machine) -> None:
        machine.upgraded()
        shutil.rmtree(machine.folder / "redis/_data.kept")
        with pytest.raises(SetupError, match=r"redis/_data.kept is gone"):
            machine.settle(OLD, self.DELIBERATE, NEW)
        assert machine.holds == "since"


class TestASecondTry:
    """The same upgrade once more, after it was taken back."""

    def test_it_begins_with_the_database_of_now(self, machine: Machine) -> None:
        machine.upgraded()
        machine.settle(OLD, BACK, NEW)
        machine.runs(OLD, "after")
        machine.settle(NEW, LATER, OLD)
        assert machine.holds == "after"
        machine.runs(NEW, "wrong again")
        machine.settle(OLD, Change(undone=Y), NEW)
        assert machine.holds == "after"

    def test_where_it_comes_before_the_first_was_undone_the_way_back_is_the_same(self, machine: Machine) -> None:
        machine.upgraded()
        machine.settle(NEW, LATER, NEW)
        machine.settle(OLD, Change(undone=Y), NEW)
        assert machine.holds == "before"

    def test_whoever_is_killed_keeps_the_later_one(self, tmp_path: Path) -> None:
        for step, twin in enumerate(deaths(tmp_path, tried_once)):
            died = killed(twin, NEW, LATER)
            twin.settle(OLD, Change(undone=Y))
            assert twin.holds == "after", step
            if not died:
                break


def test_one_that_never_ran_begins_anew_when_it_is_taken_back_to(tmp_path: Path) -> None:
    machine = Machine.fresh(tmp_path)
    for name in NAMES:
        shutil.rmtree(machine.folder / name)
    machine.hands.none = True
    machine.settle(NEW, UPGRADE)
    for name in NAMES:
        (machine.folder / name / "_data").mkdir(parents=True)
    machine.hands.none = False
    machine.runs(NEW, "since")
    machine.settle(OLD, BACK, NEW)
    assert [list((machine.folder / name / "_data").iterdir()) for name in NAMES] == [[], []]
    assert (machine.folder / "mysql/_data.kept/file").read_text() == "since"


def test_a_copy_that_was_cut_off_is_gone_where_another_is_made_or_none_is_needed(tmp_path: Path) -> None:
    for step, twin in enumerate(deaths(tmp_path)):
        died = killed(twin, NEW, UPGRADE)
        if not died:
            break
        twin.hands.left = databases.RESERVE - 1
        with contextlib.suppress(SetupError):
            twin.settle(NEW, UPGRADE)
        assert "_data.copying" not in twin.spare, step
        twin.settle(OLD, BACK)
        assert (twin.holds, twin.spare) == ("before", set()), step
    assert step > 15


def test_the_way_back_has_room_until_it_is_not_needed_any_more(machine: Machine) -> None:
    held = machine.root.with_name("mailcow.databases.room")
    machine.upgraded()
    assert held.exists()
    machine.settle(NEW, UPGRADE, NEW)
    assert held.exists()
    machine.settle(NEW, Change(), NEW)
    assert not held.exists()


def test_the_way_back_lets_go_of_it_before_it_writes_anything(machine: Machine) -> None:
    machine.upgraded()
    machine.hands.dies = 0
    assert killed(machine, OLD, BACK, NEW)
    assert not machine.root.with_name("mailcow.databases.room").exists()


def test_room_is_held_on_the_disk(tmp_path: Path) -> None:
    Hands().hold(tmp_path / "room")
    assert (tmp_path / "room").stat().st_blocks * 512 >= databases.ROOM
    Hands().let_go(tmp_path / "room")
    assert not (tmp_path / "room").exists()


def test_on_a_full_disk_the_newer_ones_database_goes_once_the_older_has_its_own(machine: Machine) -> None:
    machine.upgraded()
    machine.hands.left = 0
    machine.settle(OLD, BACK, NEW)
    assert (machine.holds, machine.spare) == ("before", set())


def test_without_room_for_it_nothing_changes(machine: Machine) -> None:
    machine.hands.left = databases.RESERVE
    with pytest.raises(SetupError, match=r"mysql has 256 MiB left, and 256 are needed to keep the database"):
        machine.settle(NEW, UPGRADE)
    assert read(machine.root) is None


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"pending": None, "last": None}, Change()),
        ({"pending": {"id": "x", "step": "installing"}, "last": None}, Change("x")),
        (
            {"pending": {"id": "x", "step": "installed", "databases": True}, "last": None},
            Change("x", frozenset(), True),
        ),
        ({"pending": {"id": "x", "step": "back"}, "last": {"id": "w", "end": "back"}}, Change("x", frozenset("xw"))),
        ({"pending": None, "last": {"id": "x", "end": "back"}}, Change(undone=X)),
        ({"pending": None, "last": {"id": "x", "end": "confirmed"}}, Change()),
        ({"pending": {"id": "y", "step": "installing"}, "last": {"id": "x", "end": "back"}}, Change("y", X)),
        ({"pending": None, "last": {"id": "y", "end": "confirmed"}, "undone": ["x"]}, Change(undone=X)),
        ({"pending": None, "last": {"id": "y", "end": "back"}, "undone": ["x", "y"]}, Change(undone=X | Y)),
    ],
)
def test_what_is_under_way_is_read_from_the_machines_generations(
    state: dict[str, object], expected: Change, tmp_path: Path
) -> None:
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"current": 1, "previous": None, **state}))
    assert read_change(str(path)) == expected


def test_a_machine_without_generations_has_none_under_way(tmp_path: Path) -> None:
    assert read_change(None) == read_change(str(tmp_path / "none")) == Change()
