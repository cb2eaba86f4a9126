"""What a machine of the lab is made of, as frozen values; nothing here touches QEMU or a disk.

A `MachineSpec` says what to boot; `MachinePaths` says where its logs and sockets are. Both together give the argv.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from pathlib import Path

from attrs import field, frozen
from attrs.validators import ge, matches_re

from mailnix.model.architecture import Architecture

LONGEST_SOCKET_PATH = 107
"""Bytes that fit into `sockaddr_un.sun_path` beside the closing zero (unix(7))."""


class Firmware(StrEnum):
    """What the machine starts its boot loader with."""

    BIOS = "bios"
    UEFI = "uefi"
    SECURE_BOOT = "secure-boot"
    """UEFI that starts what Microsoft has signed, and what that has found signed: most PCs as they are sold."""


class Attached(StrEnum):
    """What the disk that a machine starts from is attached to, by QEMU's names of controllers."""

    VIRTIO = "virtio-blk-pci"
    VIRTIO_SCSI = "virtio-scsi-pci"
    LSI = "lsi53c895a"
    SAS = "mptsas1068"
    MEGARAID = "megasas"
    PVSCSI = "pvscsi"
    AHCI = "ahci"
    IDE = "piix3-ide"
    NVME = "nvme"
    USB = "usb-storage"


class Card(StrEnum):
    """A network card, by QEMU's names."""

    VIRTIO = "virtio-net-pci"
    E1000 = "e1000"
    E1000E = "e1000e"
    RTL8139 = "rtl8139"
    VMXNET3 = "vmxnet3"
    PCNET = "pcnet"


class Drive(StrEnum):
    """What a medium is in, by QEMU's names."""

    STICK = "usb-storage"
    CD = "ide-cd"


class Accel(StrEnum):
    """How QEMU runs the guest's code: on the processor, or translated."""

    KVM = "kvm"
    TCG = "tcg"


class DiskFormat(StrEnum):
    """What a file that holds a disk is written in, by QEMU's names; the lab itself uses the first two."""

    QCOW2 = "qcow2"
    RAW = "raw"
    VDI = "vdi"
    VHD = "vpc"
    VHDX = "vhdx"
    VMDK = "vmdk"


@frozen
class Disk:
    """A disk image. `serial` (at most 20 characters) becomes /dev/disk/by-id/virtio-<serial> in the guest.

    Writable disks are qcow2: a saved lab keeps the machine's memory in them.
    """

    path: Path
    format: DiskFormat = DiskFormat.RAW
    read_only: bool = True
    serial: str = ""


@frozen
class Nic:
    """One end of a link: a network card of `machine`, whose cable leads to `peer`.

    `address` is its MAC, where that matters; `slot` its place on the PCI bus, which names it in the guest.
    """

    link: str
    machine: str
    peer: str
    address: str | None = None
    slot: int | None = None

    @property
    def mac(self) -> str:
        """As given, or a locally administered address in QEMU's range 52:54:00, which depends on names only."""
        if self.address is not None:
            return self.address
        digest = hashlib.sha256(f"{self.link}/{self.machine}".encode()).digest()
        return "52:54:00:" + ":".join(f"{byte:02x}" for byte in digest[:3])

    @property
    def id(self) -> str:
        """A name that QEMU takes for its device."""
        return f"nic-{self.link}"


@frozen
class Medium:
    """What a machine starts from before its own disk; a CD is read-only."""

    disk: Disk
    drive: Drive


FRONT_USB = "front"
"""QEMU's name of the USB controller of a machine with a front."""

INLET_MAC = "52:54:00:69:6e:00"
"""The card of an inlet, by which a guest that has others knows it."""


@frozen
class Inlet:
    """A way into a machine from this one: a free port of our loopback that leads to the guest's TCP `port`.

    The network card it comes by leads nowhere else. Which port is ours is asked of the running machine
    (`Machine.inlet_port`): QEMU takes one that is free.
    """

    port: int
    card: Card = Card.VIRTIO


@frozen
class Kernel:
    """Boot this kernel directly, without a boot loader: for NixOS's layer and probes, not for images that users get."""

    image: Path
    initrd: Path | None = None
    append: str = "console=ttyS0"


@frozen
class Made:
    """A raw disk image to start from, and the kernel to boot it with; without one it has its own boot loader."""

    image: Path
    kernel: Kernel | None = None


@frozen
class SystemCredential:
    """What a hypervisor tells the guest's systemd, by its name in systemd.system-credentials(7)."""

    name: str
    text: str


@frozen
class MachineSpec:
    """A machine: `disk` is its writable qcow2 image (see `mailnix.lab.disks.overlay`), `memory` is in MiB.

    One with a `front` has what people in front of a machine use: a screen, sockets for USB sticks (FRONT_USB), and a
    serial line that they type on (`Machine.type`). One with a `medium` has a front.
    """

    name: str = field(validator=matches_re(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"))
    disk: Path
    memory: int = field(default=512, validator=ge(64))
    cpus: int = field(default=1, validator=ge(1))
    extra_disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    credentials: tuple[SystemCredential, ...] = ()
    inlet: Inlet | None = None
    firmware: Firmware = Firmware.BIOS
    kernel: Kernel | None = None
    attached: Attached = Attached.VIRTIO
    front: bool = False
    medium: Medium | None = None
    architecture: Architecture = Architecture.AMD64


@frozen
class MachinePaths:
    """A machine's files of one lab: in `state_dir`, and sockets in `sockets` (their paths are short)."""

    name: str
    state_dir: Path
    sockets: Path

    @property
    def console_log(self) -> Path:
        """What the serial console printed since the machine was switched on."""
        return self.state_dir / "console.log"

    @property
    def qemu_log(self) -> Path:
        """What QEMU itself had to say."""
        return self.state_dir / "qemu.log"

    @property
    def pid_file(self) -> Path:
        """Which process is this machine's QEMU."""
        return self.state_dir / "qemu.pid"

    @property
    def firmware_vars(self) -> Path:
        """UEFI's variables (qcow2, so that they are saved with the machine)."""
        return self.state_dir / "firmware-vars.qcow2"

    @property
    def qmp(self) -> Path:
        """QEMU's control socket."""
        return self.sockets / f"{self.name}.qmp"

    @property
    def agent(self) -> Path:
        """The guest agent's socket."""
        return self.sockets / f"{self.name}.qga"

    @property
    def serial(self) -> Path:
        """Where to type on the serial line of a machine with a front."""
        return self.sockets / f"{self.name}.serial"

    @property
    def terminal(self) -> Path:
        """A second console (hvc0) for people."""
        return self.sockets / f"{self.name}.tty"

    def link(self, nic: Nic) -> Path:
        """Where this machine's end of a link receives."""
        return self.sockets / f"{nic.link}.{nic.machine}"

    def far_link(self, nic: Nic) -> Path:
        """Where the peer's end of the same link receives."""
        return self.sockets / f"{nic.link}.{nic.peer}"
