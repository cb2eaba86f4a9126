"""Which disks install.sh does not offer, and does not write when they are named: its own medium above all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import frozen

from mailnix.image.values import MIB
from mailnix.run import run, spawn
from tests.image.bench import SIZE, Disk
from tests.image.install_bench import AGAIN, QUESTION, Machine

SERIAL = "UNFIT-3"


@frozen
class Unfit:
    """A disk that is not to be written, where it is mounted, and why it is refused."""

    disk: Disk
    place: Path | None
    why: str

    def start(self, machine: Machine, command_line: str = "quiet") -> list[str]:
        """Start the medium where this is mounted, which nobody else sees."""
        words = machine.start(command_line)
        if self.place is None:
            return words
        return ["unshare", "--mount", "sh", "-c", 'mount -o ro "$0" "$1" && shift && exec "$@"', self.disk.device,
                str(self.place), *words]  # fmt: skip


def too_small(machine: Machine) -> Unfit:
    disk = machine.bench.disk("unfit", SIZE - MIB, serial=SERIAL)
    return Unfit(disk, None, f"it has {SIZE - MIB} bytes, and the image {SIZE}")


def mounted(machine: Machine) -> Unfit:
    disk, place = machine.bench.disk("unfit", serial=SERIAL), machine.bench.folder / "place"
    place.mkdir()
    run(["mkfs.ext4", "-q", "-F", disk.device])
    return Unfit(disk, place, f"{disk.name} is in use as {place}: unmount it")


def started_from(machine: Machine) -> Unfit:
    """The stick itself, which has room for the image."""
    disk, place = machine.bench.disk("unfit", serial=SERIAL), machine.medium
    run(["mkfs.ext4", "-q", "-F", "-d", place, disk.device])
    shutil.rmtree(place)
    place.mkdir()
    return Unfit(disk, place, f"{disk.name} is in use as {place}: unmount it")


KINDS = (too_small, mounted, started_from)


@pytest.fixture(params=KINDS, ids=lambda make: make.__name__)
def unfit(request: pytest.FixtureRequest, machine: Machine) -> Unfit:
    make: Callable[[Machine], Unfit] = request.param
    return make(machine)


@pytest.mark.parametrize("by", ["name", "path", "serial number"])
def test_a_disk_that_is_not_offered_is_not_written_when_it_is_named(machine: Machine, unfit: Unfit, by: str) -> None:
    disk = unfit.disk
    fits = machine.bench.disk("fits")
    untouched = [each.digest for each in (disk, fits)]
    with spawn(unfit.start(machine), machine.bench.folder / "log"):
        shown = machine.screen.wait(QUESTION)
        assert f"{fits.name} can be written" in shown
        assert f"{disk.name} cannot be written: {unfit.why}" in shown
        assert f"{disk.name} can be written" not in shown
        machine.screen.type({"name": disk.name, "path": disk.device, "serial number": SERIAL}[by])
        assert f"{disk.name} cannot be written: {unfit.why}; nothing was written" in machine.screen.wait(AGAIN)
    assert [each.digest for each in (disk, fits)] == untouched


def test_its_serial_number_makes_it_no_disk_to_write_unasked(machine: Machine, unfit: Unfit) -> None:
    untouched = unfit.disk.digest
    with spawn(unfit.start(machine, f"mailnix.disk_serial={SERIAL}"), machine.bench.folder / "log"):
        assert f"cannot be written: {unfit.why}; nothing was written" in machine.screen.wait(AGAIN)
    assert unfit.disk.digest == untouched


def test_of_two_disks_with_one_serial_number_neither_is_written_unasked(machine: Machine) -> None:
    disks = [machine.bench.disk(name, serial="0000") for name in ("one", "other")]
    untouched = [disk.digest for disk in disks]
    with spawn(machine.start("mailnix.disk_serial=0000"), machine.bench.folder / "log"):
        assert "are both called 0000; nothing was written" in machine.screen.wait(AGAIN)
    assert [disk.digest for disk in disks] == untouched


def test_a_machine_without_a_disk_says_so(machine: Machine) -> None:
    (machine.bench.folder / "disks").touch()
    with spawn(machine.start(), machine.bench.folder / "log"):
        assert "this machine has no disk; nothing was written" in machine.screen.wait(AGAIN)
