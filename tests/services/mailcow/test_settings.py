"""Settings on top of Mailcow's tree, and what is there again when they leave the configuration."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mailnix.services.mailcow.guest.machine import SetupError
from mailnix.services.mailcow.guest.tree import RECORD
from tests.services.mailcow.machine import ALLOWED, Machine, write

MAIN = "data/conf/postfix/main.cf"
EXTRA = "data/conf/dovecot/extra.conf"
GIVEN = {"mailcow.conf", "data/conf/postfix/extra.cf", "data/hooks/postfix/hook.sh"}


@pytest.fixture
def running(machine: Machine) -> Machine:
    """A machine that was set up once."""
    machine.ship("one")
    machine.set_up()
    return machine


def describe(machine: Machine, **settings: str | None) -> None:
    """Give settings another text, or with None take them out of the configuration; then set up."""
    for path, text in settings.items():
        if text is None:
            (machine.paths.settings / path).unlink()
        else:
            write(machine.paths.settings / path, text)
    machine.set_up()


def everything(root: Path) -> dict[str, str]:
    """Every file and folder of the tree, but for our own record."""
    return {
        str(path.relative_to(root)): path.read_text() if path.is_file() else ""
        for path in sorted(root.rglob("*"))
        if path.name != RECORD
    }


def test_settings_and_hooks_that_leave_the_configuration_are_removed(machine: Machine) -> None:
    machine.ship("one")
    machine.set_up()
    write(machine.root / "data/conf/dovecot/extra.conf", "by the admin\n")
    for path in ("data/conf/postfix/extra.cf", "data/hooks/postfix/hook.sh"):
        (machine.paths.settings / path).unlink()
    machine.set_up()
    assert machine.docker() == ["mailcow compose down"]
    assert not (machine.root / "data/conf/postfix/extra.cf").exists()
    assert not (machine.root / "data/hooks/postfix/hook.sh").exists()
    assert (machine.root / "data/conf/dovecot/extra.conf").read_text() == "by the admin\n"


def test_a_setting_that_took_the_place_of_mailcows_file_gives_it_back(machine: Machine) -> None:
    machine.ship("one")
    setting = machine.paths.settings / "data/conf/postfix/main.cf"
    ours = machine.root / "data/conf/postfix/main.cf"
    write(setting, "ours\n")
    machine.set_up()
    write(setting, "ours, changed\n")
    machine.set_up()
    assert ours.read_text() == "ours, changed\n"
    setting.unlink()
    machine.set_up()
    assert ours.read_text().startswith("release = one")
    machine.docker()
    machine.set_up()
    assert machine.docker() == []


def test_a_setting_that_leaves_with_an_upgrade_is_in_no_tree(machine: Machine) -> None:
    machine.ship("one")
    setting = machine.paths.settings / "data/conf/postfix/main.cf"
    write(setting, "ours\n")
    machine.set_up()
    old = machine.config["source"]
    setting.unlink()
    (machine.paths.settings / "data/conf/postfix/extra.cf").unlink()
    machine.ship("two")
    machine.set_up()
    assert not (machine.root / "data/conf/postfix/extra.cf").exists()
    subprocess.run(["rm", "-r", machine.paths.source], check=True)
    machine.config["source"] = old
    machine.set_up()
    assert not (machine.root / "data/conf/postfix/extra.cf").exists()
    assert (machine.root / "data/conf/postfix/main.cf").read_text().startswith("release = one")


def test_a_configuration_that_comes_back_finds_the_tree_as_it_left_it(running: Machine) -> None:
    write(running.root / EXTRA, "by a person\n", 0o640)
    before = everything(running.root)
    more = {MAIN: "ours\n", EXTRA: "ours\n", "data/hooks/new/a/b.sh": "ours\n", "docker-compose.override.yml": "ours\n"}
    describe(running, **more)
    assert {path: everything(running.root)[path] for path in more} == more
    describe(running, **dict.fromkeys(more))
    assert everything(running.root) == before
    assert (running.root / EXTRA).stat().st_mode & 0o777 == 0o640


def test_what_mailcow_or_a_person_made_of_a_setting_goes_with_it(running: Machine) -> None:
    describe(running, **{MAIN: "ours\n", EXTRA: "ours\n"})
    for path in (MAIN, EXTRA):
        write(running.root / path, "ours, and a line more\n")
    describe(running, **{MAIN: None, EXTRA: None})
    assert (running.root / MAIN).read_text().startswith("release = one")
    assert not (running.root / EXTRA).exists()


def test_a_persons_file_under_a_setting_survives_an_upgrade(running: Machine) -> None:
    write(running.root / EXTRA, "by a person\n")
    describe(running, **{EXTRA: "ours\n"})
    running.ship("two")
    running.set_up()
    assert (running.root / EXTRA).read_text() == "ours\n"
    describe(running, **{EXTRA: None})
    assert (running.root / EXTRA).read_text() == "by a person\n"


@pytest.mark.parametrize(("edited", "left"), [(None, "# two\n"), ("by a person\n", "by a person\n")])
def test_a_setting_over_what_pages_edit_is_not_taken_for_an_edit(
    running: Machine, edited: str | None, left: str
) -> None:
    if edited:
        write(running.root / ALLOWED, edited)
    describe(running, **{ALLOWED: "ours\n"})
    running.ship("two")
    running.set_up()
    assert (running.root / ALLOWED).read_text() == "ours\n"
    describe(running, **{ALLOWED: None})
    assert (running.root / ALLOWED).read_text() == left


def test_a_file_that_setup_makes_itself_is_there_again(running: Machine) -> None:
    made = "data/conf/rspamd/override.d/worker-controller-password.inc"
    text = (running.root / made).read_text()
    describe(running, **{made: "ours\n"})
    describe(running, **{made: None})
    assert (running.root / made).read_text() == text


def test_a_folder_becomes_a_file_and_a_file_a_folder(running: Machine) -> None:
    describe(running, **{"data/hooks/x/y/z": "ours\n"})
    describe(running, **{"data/hooks/x/y/z": None})
    (running.paths.settings / "data/hooks/x/y").rmdir()
    describe(running, **{"data/hooks/x/y": "ours\n"})
    assert (running.root / "data/hooks/x/y").read_text() == "ours\n"
    describe(running, **{"data/hooks/x/y": None})
    describe(running, **{"data/hooks/x/y/z": "ours again\n"})
    assert (running.root / "data/hooks/x/y/z").read_text() == "ours again\n"


def test_a_folder_that_docker_made_in_the_place_of_a_file_is_no_obstacle(running: Machine) -> None:
    """Docker makes one where a container mounts a file that is not there."""
    (running.root / EXTRA).mkdir(parents=True)
    describe(running, **{EXTRA: "ours\n"})
    assert (running.root / EXTRA).read_text() == "ours\n"
    describe(running, **{EXTRA: None})
    assert not (running.root / EXTRA).exists()


def test_going_back_after_a_power_cut_leaves_nothing_of_the_configuration_that_was_begun(running: Machine) -> None:
    before = everything(running.root)
    write(running.root / "data/conf/zzz/in-the-way", "a folder with something in it, where a file should be\n")
    with pytest.raises(OSError, match="not empty"):  # in the middle: what is laid before it is there
        describe(running, **{MAIN: "half\n", "data/hooks/postfix/half.sh": "half\n", "data/conf/zzz": "half\n"})
    (running.root / "data/conf/zzz/in-the-way").unlink()
    (running.root / "data/conf/zzz").rmdir()
    running.docker()
    describe(running, **{MAIN: None, "data/hooks/postfix/half.sh": None, "data/conf/zzz": None})
    assert everything(running.root) == before
    assert running.docker() == ["mailcow compose down"]


def test_a_file_that_is_not_in_the_machines_list_is_no_setting(running: Machine) -> None:
    """Debian's folder is written over: what a description before this one had lies there still."""
    running.config["settings"] = sorted(GIVEN)
    describe(running, **{"docker-compose.override.yml": "of another description\n"})
    assert not (running.root / "docker-compose.override.yml").exists()
    running.config["settings"] = sorted(GIVEN - {"data/hooks/postfix/hook.sh"})
    running.set_up()
    assert not (running.root / "data/hooks/postfix/hook.sh").exists()


def test_a_listed_setting_without_its_file_is_named(running: Machine) -> None:
    running.config["settings"] = ["mailcow.conf", "data/conf/postfix/none.cf"]
    with pytest.raises(SetupError, match=r"data/conf/postfix/none\.cf is missing: lay what mailnix emits"):
        running.set_up()
