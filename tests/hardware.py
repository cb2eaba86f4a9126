"""What tests of emulated hardware share: how many of its machines are started, and what is looked at on each.

And a disk beside a machine's own, with something on it, which must be as it was when all is done.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from attrs import frozen

from mailnix.lab.machine import Machine
from mailnix.lab.qemu_argv import UEFI
from mailnix.lab.spec import FRONT_USB, Disk, DiskFormat, Firmware
from mailnix.model.architecture import Architecture
from mailnix.plan.types import ProxyPlan
from mailnix.run import require, run
from mailnix.services.credentials.names import READY

SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"  # UEFI 2.10, 3.3
CHECKED = {Firmware.SECURE_BOOT: "1", Firmware.UEFI: "0", Firmware.BIOS: ""}
"""What that variable says, by what the machine has."""

ALL = os.environ.get("MAILNIX_HARDWARE") == "all"
"""Whether those machines are started, too, for which there is no time beside the lab."""

SELDOM = "`make hardware` boots it, as does MAILNIX_HARDWARE=all; each takes minutes"


def skip_without(firmware: Firmware, architecture: Architecture = Architecture.AMD64) -> None:
    """Skip a machine whose firmware is not installed."""
    uefi = UEFI.get((architecture, firmware))
    if uefi is not None and not uefi.code.exists():
        pytest.skip(f"{uefi.code} is not here (Debian's package {uefi.package})")


def skip_without_arm64() -> None:
    """Skip what needs an image of arm64, unless it is asked for."""
    if os.environ.get("MAILNIX_ARM64") != "all":
        pytest.skip("a base of arm64 takes ten minutes, and MAILNIX_ARM64=all: much is emulated")


def plug_in(machine: Machine, disk: Path, *, as_cd: bool = False) -> None:
    """A stick, or a drive with a CD, into a USB socket of a machine that runs."""
    node = {"driver": "raw", "node-name": "seed", "read-only": True, "file": {"driver": "file", "filename": str(disk)}}
    with machine.qmp() as control:
        control.execute("blockdev-add", node)
        if not as_cd:
            stick = {"driver": "usb-storage", "id": "stick", "bus": f"{FRONT_USB}.0", "drive": "seed"}
            control.execute("device_add", stick)
            return
        # A drive shows itself when its parts are together.
        control.execute("device_add", {"driver": "usb-bot", "id": "drive", "bus": f"{FRONT_USB}.0", "attached": False})
        control.execute("device_add", {"driver": "scsi-cd", "bus": "drive.0", "drive": "seed", "lun": 0})
        control.execute("qom-set", {"path": "/machine/peripheral/drive", "property": "attached", "value": True})


def checked(machine: Machine) -> str:
    """Whether the firmware of a machine that runs checked what it started, as in CHECKED."""
    return machine.execute(f"tail -c 1 {SECURE_BOOT} | od -An -tu1").stdout.strip()


@frozen
class Neighbour:
    """A disk that nobody means, large enough to be written by mistake: what was on it, and the one in the machine."""

    before: Path
    disk: Disk

    @property
    def untouched(self) -> bool:
        """Whether the one in the machine is as it was."""
        return (
            run(["qemu-img", "compare", "-f", "raw", "-F", "qcow2", self.before, self.disk.path], check=False).status
            == 0
        )


def neighbour(folder: Path, serial: str) -> Neighbour:
    """One with this serial number; its files are in `folder`."""
    before = folder / f"{serial}.raw"
    with before.open("wb") as disk:
        disk.write(os.urandom(2**20))
        disk.truncate(2**31)
    copy = folder / f"{serial}.qcow2"
    run([require("qemu-img", "qemu-utils"), "convert", "-f", "raw", "-O", "qcow2", before, copy])
    return Neighbour(before, Disk(copy, DiskFormat.QCOW2, read_only=False, serial=serial))


def empty_disk(file: Path, size: str) -> Path:
    """A qcow2 of this size, like "4G"."""
    run([require("qemu-img", "qemu-utils"), "create", "-q", "-f", "qcow2", file, size])
    return file


def writes(machine: Machine, node: str) -> int:
    """How often a disk was written since the machine was switched on."""
    with machine.qmp() as control:
        found = control.execute("query-blockstats")
    assert isinstance(found, list)
    (count,) = (each["stats"]["wr_operations"] for each in found if each.get("node-name") == node)
    return int(count)


def starts_as_the_machine(machine: Machine, proxy: ProxyPlan, firmware: Firmware, within: float) -> None:
    """The image starts from its disk, as it does before it has any credentials."""
    machine.wait_for_guest(within)
    machine.wait_for_console(f"waits for {len(proxy.credentials)} of its credentials")
    assert checked(machine) == CHECKED[firmware]


def has_its_credentials(machine: Machine, proxy: ProxyPlan) -> None:
    """It waits for none, and its tunnel has its key."""
    machine.wait_for_unit(READY)
    machine.wait_until_succeeds(
        f"wg show {proxy.tunnel.proxy.interface} private-key | grep -qv none", subject="the tunnel's key"
    )
