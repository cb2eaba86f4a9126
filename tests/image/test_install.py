"""install.sh as the live system runs it: loop devices for the machine's disks, terminals for its consoles."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from uuid import UUID

import pytest

from mailnix.image.bootstrap import script
from mailnix.image.gpt import SECTOR
from mailnix.image.iso import disk_id
from mailnix.run import run, spawn
from tests.image.bench import LARGER, SIZE, Disk
from tests.image.install_bench import AGAIN, QUESTION, TABLE, Machine


@pytest.fixture
def disks(machine: Machine) -> tuple[Disk, Disk]:
    """Two of a machine's: the one that is meant, and another."""
    return machine.bench.disk("own", serial="OWN-1"), machine.bench.disk("other", serial="OTHER-2")


def holds_the_image(disk: Disk) -> bool:
    return disk.file.read_bytes()[512:520] == b"EFI PART" and disk.file.stat().st_size == LARGER


def log(machine: Machine) -> Path:
    return machine.bench.folder / "log"


def test_what_is_said_is_on_every_console_and_any_may_answer(machine: Machine, disks: tuple[Disk, Disk]) -> None:
    own, other = disks
    untouched = other.digest
    with spawn(machine.start(), log(machine)) as installer:
        shown = machine.screen.wait(QUESTION)
        assert machine.serial.wait(QUESTION) == shown
        assert f"{own.name} can be written" in shown
        machine.serial.type("OWN-1")
        machine.screen.wait(f"/dev/{own.name} holds the image: all {SIZE} bytes were read back")
        machine.screen.wait("press Enter to restart:")
        assert machine.end == ""
        machine.screen.type("")
        assert machine.wait(installer) == "reboot -f"
    assert holds_the_image(own)
    assert other.digest == untouched


def test_how_far_it_is_is_shown(machine: Machine, disks: tuple[Disk, Disk]) -> None:
    with spawn(machine.start(), log(machine)):
        machine.screen.wait(QUESTION)
        machine.screen.type("OWN-1")
        assert re.search(r"\d bytes .*copied, ", machine.screen.wait("reading it back"))


@pytest.mark.parametrize("answer", ["", "OWN-2", "y", "/dev/nothing"])
def test_a_wrong_answer_writes_nothing_and_is_asked_again(
    machine: Machine, disks: tuple[Disk, Disk], answer: str
) -> None:
    untouched = [disk.digest for disk in disks]
    with spawn(machine.start(), log(machine)) as installer:
        machine.screen.wait(QUESTION)
        machine.screen.type(answer)
        assert "nothing was written" in machine.screen.wait(AGAIN)
        machine.screen.type("again")
        machine.screen.wait(QUESTION)
        machine.screen.type("")
        machine.screen.wait(AGAIN)
        machine.screen.type("off")
        assert machine.wait(installer) == "poweroff -f"
    assert [disk.digest for disk in disks] == untouched


def test_what_was_typed_before_the_menu_is_no_answer_to_it(machine: Machine, disks: tuple[Disk, Disk]) -> None:
    with spawn(machine.start(), log(machine)) as installer:
        machine.screen.wait(QUESTION)
        machine.screen.type("no such disk\noff\noff")
        machine.screen.wait(AGAIN)
        machine.screen.type("restart")
        assert machine.wait(installer) == "reboot -f"


def test_what_was_typed_before_the_question_is_no_answer_to_it(machine: Machine, disks: tuple[Disk, Disk]) -> None:
    """Whoever types while the image is read does not see which disks there are."""
    own, other = disks
    untouched = other.digest
    called = machine.bench.folder / "called"
    waits = f'[ -e {called} ] || {{ : > {called}; exec head -n 1 "${{1#if=}}"; }}'  # until the line has come
    machine.bench.program("dd", f'#!/bin/sh\ncase "$*" in *iflag=nonblock*) {waits} ;; esac\nexec /bin/dd "$@"\n')
    machine.screen.type("OTHER-2")
    with spawn(machine.start(), log(machine)):
        machine.screen.wait(QUESTION)
        machine.screen.type("OWN-1")
        machine.screen.wait(f"/dev/{own.name} holds the image")
    assert other.digest == untouched


@pytest.mark.parametrize("word", ["", "yes", "reboot", "OWN-1"])
def test_another_word_than_those_of_the_menu_does_nothing(
    machine: Machine, disks: tuple[Disk, Disk], word: str
) -> None:
    untouched = [disk.digest for disk in disks]
    with spawn(machine.start(), log(machine)):
        machine.screen.wait(QUESTION)
        machine.screen.type("")
        machine.screen.wait(AGAIN)
        machine.screen.type(word)
        machine.screen.wait(AGAIN)
        assert machine.end == ""
    assert [disk.digest for disk in disks] == untouched


def test_nothing_is_written_while_nobody_answers(machine: Machine, disks: tuple[Disk, Disk]) -> None:
    untouched = [disk.digest for disk in disks]
    with spawn(machine.start(), log(machine)) as installer:
        machine.screen.wait(QUESTION)
        assert installer.status() is None
        assert machine.end == ""
    assert [disk.digest for disk in disks] == untouched


@pytest.mark.parametrize("way", ["the settings", "the command line"])
def test_the_disk_that_was_named_before_is_written_without_a_question(
    machine: Machine, disks: tuple[Disk, Disk], way: str
) -> None:
    own, other = disks
    untouched = other.digest
    machine.settings(serial="OWN-1" if way == "the settings" else "")
    named = "" if way == "the settings" else "quiet mailnix.disk_serial=OWN-1 panic=30"
    with spawn(machine.start(named), log(machine)) as installer:
        assert machine.wait(installer) == "poweroff -f"
        assert "Its serial number" not in machine.screen.wait("proxy is installed. This machine switches itself off")
    assert holds_the_image(own)
    assert other.digest == untouched


@pytest.mark.parametrize("serial", ["OWN-3", "OWN", "own-1", "/dev/loop0", "0"])
def test_another_serial_number_writes_nothing_and_somebody_is_asked(
    machine: Machine, disks: tuple[Disk, Disk], serial: str
) -> None:
    untouched = [disk.digest for disk in disks]
    machine.settings(serial=serial)
    with spawn(machine.start(), log(machine)):
        assert f"no disk here is called {serial}; nothing was written" in machine.screen.wait(AGAIN)
        machine.screen.type("again")
        machine.screen.wait(QUESTION)
        assert machine.end == ""
    assert [disk.digest for disk in disks] == untouched


def test_the_name_of_a_disk_is_no_serial_number(machine: Machine, disks: tuple[Disk, Disk]) -> None:
    """Names are given anew at each start."""
    untouched = [disk.digest for disk in disks]
    with spawn(machine.start(f"mailnix.disk_serial={disks[0].name}"), log(machine)):
        assert "nothing was written" in machine.screen.wait(AGAIN)
    assert [disk.digest for disk in disks] == untouched


HAS_A_MACHINE = {
    "the table that the image has": ("sfdisk", "-q"),
    "a file system of a build": ("mkfs.ext4", "-q", "-F", "-L", "mailnix"),
}


@pytest.mark.parametrize("made", HAS_A_MACHINE.values(), ids=HAS_A_MACHINE)
def test_nothing_is_written_unasked_where_a_disk_has_a_machine_already(
    machine: Machine, disks: tuple[Disk, Disk], made: tuple[str, ...]
) -> None:
    """Else a medium that was left in would write again at each start."""
    machine.settings(serial="OWN-1")
    run([*made, disks[1].device], stdin=f"label: gpt\nlabel-id: {TABLE.upper()}\nsize=1M\n".encode())
    untouched = [disk.digest for disk in disks]
    with spawn(machine.start(), log(machine)):
        assert "nothing is written unasked" in machine.screen.wait(AGAIN)
        machine.screen.type("again")  # but to whoever asks for it
        machine.screen.wait(QUESTION)
    assert [disk.digest for disk in disks] == untouched


def test_a_disk_that_it_has_written_has_the_id_that_the_medium_knows(
    machine: Machine, disks: tuple[Disk, Disk]
) -> None:
    with gzip.open(machine.medium / "proxy.raw.gz") as image:
        known = disk_id(image.read(2 * SECTOR))
    with spawn(machine.start("mailnix.disk_serial=OWN-1"), log(machine)) as installer:
        assert machine.wait(installer) == "poweroff -f"
    found = run(["blkid", "-p", "-o", "value", "-s", "PTUUID", disks[0].device]).stdout.strip()
    assert UUID(found) == known


def test_a_medium_that_was_left_in_does_not_write_again(machine: Machine, disks: tuple[Disk, Disk]) -> None:
    with gzip.open(machine.medium / "proxy.raw.gz") as image:
        machine.settings(serial="OWN-1", disk_id=str(disk_id(image.read(2 * SECTOR))))
    with spawn(machine.start(), log(machine)) as installer:
        assert machine.wait(installer) == "poweroff -f"
    machine.screen.wait("is installed")
    used = [disk.digest for disk in disks]
    with spawn(machine.start(), log(machine)):
        assert "nothing is written unasked" in machine.screen.wait(AGAIN)
    assert [disk.digest for disk in disks] == used


def test_the_label_by_which_it_knows_a_machine_is_the_one_that_a_build_gives() -> None:
    (label,) = re.findall(r" -L (\w+) ", script("finish"))
    assert f"grep -qixF -e {label} " in script("install")
