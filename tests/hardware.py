"""What tests of emulated hardware share: how many of its machines are started, and what is looked at on each."""

from __future__ import annotations

import os

import pytest

from mailnix.lab.machine import Machine
from mailnix.lab.qemu_argv import UEFI
from mailnix.lab.spec import Firmware
from mailnix.model.architecture import Architecture

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


def checked(machine: Machine) -> str:
    """Whether the firmware of a machine that runs checked what it started, as in CHECKED."""
    return machine.execute(f"tail -c 1 {SECURE_BOOT} | od -An -tu1").stdout.strip()
