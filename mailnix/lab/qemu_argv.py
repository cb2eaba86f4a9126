"""The words of QEMU's command line, from values; nothing is run here."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from mailnix.lab.spec import (
    FRONT_USB,
    INLET_MAC,
    Accel,
    Attached,
    Disk,
    DiskFormat,
    Drive,
    Firmware,
    MachinePaths,
    MachineSpec,
    Nic,
    SystemCredential,
)
from mailnix.model.architecture import Architecture

QEMU = "qemu-system-x86_64"
QEMU_ARM = "qemu-system-aarch64"
QEMU_PACKAGES = {Architecture.AMD64: "qemu-system-x86", Architecture.ARM64: "qemu-system-arm"}  # Debian's


@frozen
class Uefi:
    """A build of UEFI for virtual machines: its code, its variables as they begin, and Debian's package that has it."""

    code: Path
    variables: Path
    package: str = "ovmf"


UEFI = {
    (Architecture.AMD64, Firmware.UEFI): Uefi(
        Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
    ),
    (Architecture.AMD64, Firmware.SECURE_BOOT): Uefi(
        Path("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.ms.fd")
    ),
    (Architecture.ARM64, Firmware.UEFI): Uefi(
        Path("/usr/share/AAVMF/AAVMF_CODE.fd"), Path("/usr/share/AAVMF/AAVMF_VARS.fd"), "qemu-efi-aarch64"
    ),
}
"""PCs may have BIOS, too."""

# cx16 off: under TCG cmpxchg16b corrupts the slab allocator's free lists within a minute (QEMU 7.2).
# The additions cost nothing and speed up TLS; bmi1, bmi2 and adx stop the kernel before its first line.
ARM_CPU = "cortex-a72"  # a Raspberry Pi 4's, of which Debian needs no more
TCG_CPU = "qemu64,-cx16,+ssse3,+sse4.1,+sse4.2,+popcnt,+aes,+pclmulqdq"
# Room for translated code in MiB; QEMU's own default of 1024 a machine is too much for three machines on a small host.
TCG_CODE_CACHE = 512

ROOT_NODE = "root"
FIRMWARE_NODE = "firmware-vars"
MEDIUM = "medium"
"""What a medium is called in QMP: its node, and the stick or the drive that it is in."""


def qemu_argv(spec: MachineSpec, paths: MachinePaths, accel: Accel, *, paused: bool = False) -> tuple[str, ...]:
    """How to start `spec`; where `paused`, its processor waits for QMP's `cont`."""
    return (
        program(spec),
        *("-name", spec.name),
        *("-nodefaults", "-no-user-config", "-display", "none"),
        *_processor(spec, accel),
        *_firmware(spec, paths),
        *_kernel(spec),
        *_disks(spec),
        *_front(spec),
        *_medium(spec),
        *(word for hub, nic in enumerate(spec.nics) for word in _nic(hub, nic, paths)),
        *_inlet(spec),
        *(word for credential in spec.credentials for word in _credential(credential)),
        *("-device", "virtio-rng-pci"),
        *_serial(spec, paths),
        *_consoles(paths),
        *(("-S",) if paused else ()),
    )


def program(spec: MachineSpec) -> str:
    """The QEMU of a machine's processor."""
    return QEMU if spec.architecture is Architecture.AMD64 else QEMU_ARM


def writable_nodes(spec: MachineSpec) -> tuple[str, ...]:
    """The block nodes that a saved state covers; the first one also holds the memory."""
    extra = (f"disk{number}" for number, disk in enumerate(spec.extra_disks) if not disk.read_only)
    firmware = () if spec.firmware is Firmware.BIOS else (FIRMWARE_NODE,)
    return (ROOT_NODE, *extra, *firmware)


def _processor(spec: MachineSpec, accel: Accel) -> tuple[str, ...]:
    rest = ("-smp", str(spec.cpus), "-m", str(spec.memory))
    emulated = ("-accel", f"tcg,thread=multi,tb-size={TCG_CODE_CACHE}", "-cpu")
    if spec.architecture is Architecture.ARM64:
        machine = f"virt,pflash0=firmware,pflash1={FIRMWARE_NODE}"
        return ("-machine", machine, *emulated, ARM_CPU, *rest)
    how: tuple[str, ...] = ("-accel", "kvm", "-cpu", "host") if accel is Accel.KVM else (*emulated, TCG_CPU)
    match spec.firmware:
        case Firmware.BIOS:
            machine = "pc"
        case Firmware.UEFI:
            machine = f"q35,pflash0=firmware,pflash1={FIRMWARE_NODE}"
        case Firmware.SECURE_BOOT:  # its variables are the firmware's own to write, in system management mode
            machine = f"q35,smm=on,pflash0=firmware,pflash1={FIRMWARE_NODE}"
            how = ("-global", "driver=cfi.pflash01,property=secure,value=on", *how)
    return ("-machine", machine, *how, *rest)


def _firmware(spec: MachineSpec, paths: MachinePaths) -> tuple[str, ...]:
    if spec.firmware is Firmware.BIOS:
        return ()
    return (
        *_file_node("firmware", Disk(UEFI[spec.architecture, spec.firmware].code)),
        *_file_node(FIRMWARE_NODE, Disk(paths.firmware_vars, DiskFormat.QCOW2, read_only=False)),
    )


def _kernel(spec: MachineSpec) -> tuple[str, ...]:
    if spec.kernel is None:
        return ()
    initrd = () if spec.kernel.initrd is None else ("-initrd", str(spec.kernel.initrd))
    return ("-kernel", str(spec.kernel.image), *initrd, "-append", spec.kernel.append)


def _disks(spec: MachineSpec) -> Iterator[str]:
    yield from _file_node(ROOT_NODE, Disk(spec.disk, DiskFormat.QCOW2, read_only=False))
    first = "" if spec.kernel else f",bootindex={0 if spec.medium is None else 1}"
    for device in _attached(spec.attached):
        yield from ("-device", f"{device}{first}" if f"drive={ROOT_NODE}" in device else device)
    for number, disk in enumerate(spec.extra_disks):
        yield from _disk(f"disk{number}", disk)


def _front(spec: MachineSpec) -> tuple[str, ...]:
    if not spec.front:
        return ()
    screen = "VGA" if spec.architecture is Architecture.AMD64 else "virtio-gpu-pci"
    return ("-device", screen, "-device", f"qemu-xhci,id={FRONT_USB}")


def _medium(spec: MachineSpec) -> Iterator[str]:
    if spec.medium is None:
        return
    yield from _file_node(MEDIUM, spec.medium.disk)
    bus = f",bus={FRONT_USB}.0" if spec.medium.drive is Drive.STICK else ""
    yield from ("-device", f"{spec.medium.drive}{bus},drive={MEDIUM},id={MEDIUM},bootindex=0")


def _attached(how: Attached) -> Iterator[str]:
    """The devices that give a machine its root disk: a controller, where it needs one of its own, and the disk."""
    drive, bus = f"drive={ROOT_NODE}", "root-bus"
    match how:
        case Attached.VIRTIO:
            yield f"{how},{drive}"
        case Attached.NVME:
            yield f"{how},{drive},serial={ROOT_NODE}"
        case Attached.USB:
            yield f"qemu-xhci,id={bus}"
            yield f"{how},bus={bus}.0,{drive}"
        case Attached.IDE:  # the machine's own
            yield f"ide-hd,bus=ide.0,{drive}"
        case Attached.AHCI:
            yield f"{how},id={bus}"
            yield f"ide-hd,bus={bus}.0,{drive}"
        case Attached.VIRTIO_SCSI | Attached.LSI | Attached.SAS | Attached.MEGARAID | Attached.PVSCSI:
            yield f"{how},id={bus}"
            yield f"scsi-hd,bus={bus}.0,{drive}"


def _disk(node: str, disk: Disk) -> Iterator[str]:
    yield from _file_node(node, disk)
    serial = (f"serial={disk.serial}",) if disk.serial else ()
    yield "-device"
    yield ",".join(("virtio-blk-pci", f"drive={node}", *serial))


def _file_node(node: str, disk: Disk) -> tuple[str, ...]:
    # no-flush keeps the guest's flushes out of the host's disk, not out of QEMU: what a guest synced survives `kill -9`
    # of its QEMU, and a lab need not survive the host's power loss.
    mode = "read-only=on" if disk.read_only else "cache.no-flush=on,discard=unmap"
    locking = ",locking=off" if disk.read_only else ""
    return (
        *("-blockdev", f"driver=file,node-name={node}-file,filename={_plain(disk.path)},{mode}{locking}"),
        *("-blockdev", f"driver={disk.format},node-name={node},file={node}-file,{mode}"),
    )


def _nic(hub: int, nic: Nic, paths: MachinePaths) -> tuple[str, ...]:
    # Datagram sockets, because they have no connection that dies with the peer: either machine may start first,
    # be killed and come back. (`stream` of QEMU 7.2 cannot reconnect.)
    # A hub between socket and card, with a third port that leads nowhere, because a hub with a willing port always
    # takes packets: without it the socket of a machine that still boots fills up, and its peer's QEMU spins on it.
    slot = "" if nic.slot is None else f",addr={nic.slot:#x}"
    ends = f"local.path={_plain(paths.link(nic))},remote.type=unix,remote.path={_plain(paths.far_link(nic))}"
    return (
        *("-netdev", f"dgram,id={nic.id}-cable,local.type=unix,{ends}"),
        *("-netdev", f"hubport,id={nic.id}-in,hubid={hub},netdev={nic.id}-cable"),
        *("-netdev", f"hubport,id={nic.id}-spare,hubid={hub}"),
        *("-netdev", f"hubport,id={nic.id},hubid={hub}"),
        *("-device", f"virtio-net-pci,netdev={nic.id},mac={nic.mac},romfile={slot}"),
    )


def _credential(credential: SystemCredential) -> tuple[str, ...]:
    """An SMBIOS string, which systemd reads before anything else (systemd.system-credentials(7))."""
    data = base64.b64encode(credential.text.encode()).decode()
    return ("-smbios", f"type=11,value=io.systemd.credential.binary:{credential.name}={data}")


def _inlet(spec: MachineSpec) -> tuple[str, ...]:
    """QEMU's user-mode network, which needs no rights: the guest gets an address by DHCP and reaches nothing."""
    if spec.inlet is None:
        return ()
    return (
        *("-netdev", f"user,id=inlet,restrict=on,hostfwd=tcp:127.0.0.1:0-:{spec.inlet.port}"),
        *("-device", f"{spec.inlet.card},netdev=inlet,mac={INLET_MAC},romfile="),
    )


def _serial(spec: MachineSpec, paths: MachinePaths) -> tuple[str, ...]:
    """The serial line, and whether anybody may type on it; what it prints is kept in any case."""
    log = _plain(paths.console_log)
    if spec.front:
        how = f"socket,id=serial,path={_plain(paths.serial)},server=on,wait=off,logfile={log},logappend=on"
    else:
        how = f"file,id=serial,path={log},append=on"
    return ("-chardev", how, "-serial", "chardev:serial")


def _consoles(paths: MachinePaths) -> tuple[str, ...]:
    return (
        *("-device", "virtio-serial-pci"),
        *("-chardev", f"socket,id=agent,path={_plain(paths.agent)},server=on,wait=off"),
        *("-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"),
        *("-chardev", f"socket,id=terminal,path={_plain(paths.terminal)},server=on,wait=off"),
        *("-device", "virtconsole,chardev=terminal"),
        *("-chardev", f"socket,id=qmp,path={_plain(paths.qmp)},server=on,wait=off"),
        *("-mon", "chardev=qmp,mode=control"),
    )


def _plain(path: Path) -> str:
    """A path inside one of QEMU's comma-separated values, where a comma is written twice."""
    return str(path).replace(",", ",,")
