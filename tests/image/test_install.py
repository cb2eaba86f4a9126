"""install.sh as the live system runs it: loop devices for the machine's disks, terminals for its consoles."""

from __future__ import annotations

import gzip
import os
import pty
import re
import select
import shutil
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from attrs import define, field

from mailnix.image.beside import SUMS, WRITER
from mailnix.image.bootstrap import script
from mailnix.image.gpt import SECTOR
from mailnix.image.iso import SETTINGS, disk_id
from mailnix.run import Spawned, run, spawn
from tests.image.bench import LARGER, SIZE, Bench, Disk

PATIENCE = 60.0  # seconds
QUESTION = "(empty: write nothing): "
AGAIN = "Type again, restart or off:"
TABLE = "00000007-0000-0000-0000-000000000000"
"""The id of the benches' image's partition table, somewhere else."""


@define
class Console:
    """A terminal of which somebody sees what is shown, and on which they type."""

    there: int
    here: int
    shown: str = ""
    read: int = field(default=0)

    def wait(self, words: str) -> str:
        """What is shown from the last wait on, up to these words."""
        end = time.monotonic() + PATIENCE
        while (place := self.shown.find(words, self.read)) < 0:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.here], [], [], left)[0]:
                pytest.fail(f"waited for {words!r}:\n{self.shown}", pytrace=False)
            self.shown += os.read(self.here, 4096).decode(errors="replace")
        said, self.read = self.shown[self.read : place], place + len(words)
        return said

    def type(self, line: str) -> None:
        os.write(self.here, f"{line}\n".encode())


@define
class Machine:
    """What a medium is started on: its disks, and who sits in front of its consoles."""

    bench: Bench
    medium: Path
    screen: Console
    serial: Console
    left: Path

    def settings(self, serial: str = "", disk_id: str = TABLE) -> None:
        unasked = f"disk_serial={serial}\n" if serial else ""
        (self.medium / SETTINGS).write_text(f"machine=proxy\ndisk_id={disk_id}\n{unasked}")

    def start(self, command_line: str = "quiet") -> list[str]:
        """What the live system runs."""
        (self.bench.folder / "cmdline").write_text(f"{command_line}\n")
        consoles = [os.ttyname(console.there) for console in (self.screen, self.serial)]
        path = f"PATH={self.bench.env['PATH']}"
        return ["env", path, "sh", str(self.medium / "install.sh"), str(self.bench.folder / "cmdline"), *consoles]

    @property
    def end(self) -> str:
        """How it was left: `reboot -f`, `poweroff -f`; nothing while it is not."""
        return self.left.read_text().strip() if self.left.exists() else ""

    def wait(self, installer: Spawned) -> str:
        installer.wait(PATIENCE)
        return self.end


@pytest.fixture
def machine(bench: Bench) -> Iterator[Machine]:
    medium, left = bench.folder / "medium", bench.folder / "left"
    medium.mkdir()
    shutil.move(bench.image("proxy.raw.gz"), medium)
    shutil.move(bench.folder / SUMS, medium)
    (medium / "install.sh").write_text(script("install"))
    (medium / WRITER).write_text(script("write-disk"))
    for name in ("reboot", "poweroff"):
        bench.program(name, f'#!/bin/sh\necho "{name} $*" > {left}\n')
    ends = [pty.openpty() for _ in range(2)]
    for here, _ in ends:
        tty.setcbreak(here)
    screen, serial = (Console(there, here) for here, there in ends)
    made = Machine(bench, medium, screen, serial, left)
    made.settings()
    yield made
    for pair in ends:
        for end in pair:
            os.close(end)


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


def test_a_disk_that_is_not_there_is_asked_for_and_nothing_is_written(
    machine: Machine, disks: tuple[Disk, Disk]
) -> None:
    untouched = [disk.digest for disk in disks]
    machine.settings(serial="OWN-3")
    with spawn(machine.start(), log(machine)):
        assert "no disk here is called OWN-3; nothing was written" in machine.screen.wait(AGAIN)
    assert [disk.digest for disk in disks] == untouched


@pytest.mark.parametrize("there", [f" {TABLE.upper()}", "mailnix "])
def test_nothing_is_written_unasked_where_a_disk_has_a_machine_already(
    machine: Machine, disks: tuple[Disk, Disk], there: str
) -> None:
    """Else a medium that was left in would write again at each start."""
    machine.settings(serial="OWN-1")
    real = (machine.bench.folder / "bin/lsblk").read_text()
    case = f'    "-nro LABEL,PTUUID") echo "{there}" ;;\n'
    machine.bench.program("lsblk", real.replace('case "$*" in\n', f'case "$*" in\n{case}'))
    untouched = [disk.digest for disk in disks]
    with spawn(machine.start(), log(machine)):
        assert "nothing is written unasked" in machine.screen.wait(AGAIN)
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


def test_the_label_by_which_it_knows_a_machine_is_the_one_that_a_build_gives() -> None:
    (label,) = re.findall(r" -L (\w+) ", script("finish"))
    assert f"grep -qixF -e {label} " in script("install")
