"""Media of `mailnix build --format iso`: what they ask, which disk they write, and what starts from it then.

A machine with an empty disk and another one with something on it starts from a medium. Answered on the serial line, or
told before which disk it is, the medium writes that disk and no other; then the machine starts from it.

Only `make hardware` does: beside the lab there is no time for any of it. What a medium asks, refuses and writes is seen
without QEMU in tests/image/test_install.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import evolve, frozen

from mailnix import pipeline
from mailnix.image import Format, ManifestEntry, build_image
from mailnix.image.hosts import host_builds
from mailnix.image.manifest import Manifest, write_manifest
from mailnix.image.media import build_media
from mailnix.lab.disks import overlay
from mailnix.lab.machine import Machine, paths_for
from mailnix.lab.prepare import PROXY_MEMORY
from mailnix.lab.qemu_argv import MEDIUM, ROOT_NODE
from mailnix.lab.spec import Attached, Disk, DiskFormat, Drive, Firmware, MachineSpec, Medium
from mailnix.plan import Plan
from tests.hardware import (
    ALL,
    SELDOM,
    Neighbour,
    empty_disk,
    neighbour,
    skip_without,
    starts_as_the_machine,
    writes,
)

pytestmark = pytest.mark.skipif(not ALL, reason=SELDOM)

SERIAL = ROOT_NODE  # QEMU's NVMe disk has a serial number, which the lab gives it
OTHER, OTHER_NODE = "other", "disk0"
QUESTION = "(empty: write nothing): "
AGAIN = "Type again, restart or off:"
FULL = "4G"
LONG = 600.0  # seconds without a sign of life: a slow machine unpacks a gigabyte several times


@frozen
class Case:
    """A machine, and what the medium is in."""

    firmware: Firmware
    drive: Drive

    @property
    def name(self) -> str:
        return f"{self.firmware}-{self.drive.name.lower()}"


CASES = (
    Case(Firmware.SECURE_BOOT, Drive.STICK),
    Case(Firmware.BIOS, Drive.CD),
    Case(Firmware.BIOS, Drive.STICK),
    Case(Firmware.UEFI, Drive.CD),
)
UNASKED = CASES[2:]

BuildMedium = Callable[[str], Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("installer")


@pytest.fixture(scope="module")
def described(request: pytest.FixtureRequest) -> Plan:
    return pipeline.plan(Path(request.config.getoption("--mailnix-config")).resolve())


@pytest.fixture(scope="module")
def image(described: Plan, folder: Path) -> ManifestEntry:
    return build_image(host_builds(described)[0], folder, Format.RAW_GZ, progress=print)


@pytest.fixture(scope="module")
def medium(image: ManifestEntry, folder: Path) -> BuildMedium:
    """A medium that installs the proxy, and asks unless it has a disk's serial number."""

    def images(out: Path) -> None:
        os.link(folder / image.file, out / image.file)
        write_manifest(out, Manifest((image,)))

    def build(serial: str) -> Path:
        out = folder / f"media-{serial}"
        serials = {image.host: serial} if serial else {}
        build_media(images, (image.host,), out, serials, progress=print)
        return out / f"{image.host}.iso"

    return build


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    skip_without(found.firmware)
    return found


@pytest.fixture
def other(tmp_path: Path) -> Neighbour:
    return neighbour(tmp_path, OTHER)


@pytest.fixture
def spec(other: Neighbour, tmp_path: Path) -> MachineSpec:
    return MachineSpec(
        "installer",
        empty_disk(tmp_path / "own.qcow2", FULL),
        memory=PROXY_MEMORY,
        attached=Attached.NVME,
        extra_disks=(other.disk,),
        front=True,
    )


@contextmanager
def started(spec: MachineSpec, folder: Path, sockets: Path) -> Iterator[Machine]:
    with Machine(spec, paths_for(spec.name, folder, sockets)) as machine:
        yield machine


def in_its_drive(image: Path, drive: Drive, folder: Path) -> Medium:
    """A stick can be written and has room for the image, as real ones; it is a file of its own."""
    if drive is Drive.CD:
        return Medium(Disk(image), drive)
    stick = overlay(image, folder / "stick.qcow2", base_format=DiskFormat.RAW, size=FULL)
    return Medium(Disk(stick, DiskFormat.QCOW2, read_only=False), drive)


def take_out(machine: Machine, drive: Drive) -> None:
    """The medium, while the machine runs."""
    with machine.qmp() as control:
        if drive is Drive.STICK:
            control.execute("device_del", {"id": MEDIUM})
        else:
            control.execute("eject", {"id": MEDIUM, "force": True})


def test_the_disk_that_is_named_on_the_serial_line_is_written_and_started(
    case: Case, spec: MachineSpec, medium: BuildMedium, other: Neighbour, described: Plan, tmp_path: Path
) -> None:
    with_medium = evolve(spec, firmware=case.firmware, medium=in_its_drive(medium(""), case.drive, tmp_path))
    with started(with_medium, tmp_path, tmp_path) as machine:
        machine.wait_for_console(QUESTION, LONG)
        shown = machine.console.text()
        assert "nvme0n1 can be written" in shown
        assert "vda can be written" in shown
        assert ("sda cannot be written: sda is in use as /medium" in shown) == (case.drive is Drive.STICK)

        machine.type("wrong")
        machine.wait_for_console("no disk here is called wrong; nothing was written")
        machine.wait_for_console(AGAIN)
        assert [writes(machine, node) for node in (ROOT_NODE, OTHER_NODE)] == [0, 0]

        before = machine.console.text().count(QUESTION)
        machine.type("again")
        wait_for_another(machine, QUESTION, before)
        machine.type(SERIAL)
        machine.wait_for_console("/dev/nvme0n1 holds the image", LONG)
        machine.wait_for_console("press Enter to restart:")
        assert writes(machine, OTHER_NODE) == 0

        take_out(machine, case.drive)
        machine.type("")
        starts_as_the_machine(machine, described.proxies[0], case.firmware, LONG)
    assert other.untouched


def wait_for_another(machine: Machine, words: str, before: int) -> None:
    for _ in machine.wait(LONG).attempts():
        if machine.console.text().count(words) > before:
            return
        machine.check()
    raise machine.error(f"{words!r} does not appear again")


@pytest.mark.parametrize("case", UNASKED, ids=lambda case: case.name)
def test_the_disk_whose_number_was_given_is_written_unasked_and_only_once(
    case: Case, spec: MachineSpec, medium: BuildMedium, other: Neighbour, described: Plan, tmp_path: Path
) -> None:
    skip_without(case.firmware)
    with_medium = evolve(spec, firmware=case.firmware, medium=in_its_drive(medium(SERIAL), case.drive, tmp_path))
    with started(with_medium, tmp_path, tmp_path) as machine:
        for _ in machine.wait(LONG).attempts():
            if not machine.is_running():
                break
        said = machine.console.text()
    assert "proxy is installed. This machine switches itself off" in said
    assert QUESTION not in said

    with started(with_medium, tmp_path, tmp_path) as machine:  # somebody has left it in
        machine.wait_for_console(AGAIN, LONG)
        assert "nothing is written unasked" in machine.console.text()
        assert [writes(machine, node) for node in (ROOT_NODE, OTHER_NODE)] == [0, 0]

    with started(evolve(with_medium, medium=None), tmp_path, tmp_path) as machine:
        starts_as_the_machine(machine, described.proxies[0], case.firmware, LONG)
    assert other.untouched
