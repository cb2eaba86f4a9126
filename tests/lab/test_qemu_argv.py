from pathlib import Path

import attrs
import pytest

from mailnix.lab.qemu_argv import UEFI, qemu_argv, writable_nodes
from mailnix.lab.spec import (
    FRONT_USB,
    INLET_MAC,
    Accel,
    Attached,
    Card,
    Disk,
    DiskFormat,
    Drive,
    Firmware,
    Inlet,
    Kernel,
    MachinePaths,
    MachineSpec,
    Medium,
    Nic,
    SystemCredential,
)
from mailnix.model.architecture import Architecture

PATHS = MachinePaths("proxy", Path("/lab/proxy"), Path("/run/s"))
SPEC = MachineSpec(
    "proxy",
    Path("/lab/proxy.qcow2"),
    memory=512,
    extra_disks=(Disk(Path("/lab/seed.img"), serial="seed"),),
    nics=(Nic("wan", "proxy", "internet"),),
)


def test_the_whole_argv_of_a_proxy_in_emulation() -> None:
    # fmt: off
    assert list(qemu_argv(SPEC, PATHS, Accel.TCG)) == [
        "qemu-system-x86_64", "-name", "proxy", "-nodefaults", "-no-user-config", "-display", "none",
        "-machine", "pc", "-accel", "tcg,thread=multi,tb-size=512",
        "-cpu", "qemu64,-cx16,+ssse3,+sse4.1,+sse4.2,+popcnt,+aes,+pclmulqdq", "-smp", "1", "-m", "512",
        "-blockdev", "driver=file,node-name=root-file,filename=/lab/proxy.qcow2,cache.no-flush=on,discard=unmap",
        "-blockdev", "driver=qcow2,node-name=root,file=root-file,cache.no-flush=on,discard=unmap",
        "-device", "virtio-blk-pci,drive=root,bootindex=0",
        "-blockdev", "driver=file,node-name=disk0-file,filename=/lab/seed.img,read-only=on,locking=off",
        "-blockdev", "driver=raw,node-name=disk0,file=disk0-file,read-only=on",
        "-device", "virtio-blk-pci,drive=disk0,serial=seed",
        "-netdev", "dgram,id=nic-wan-cable,local.type=unix,"
                   "local.path=/run/s/wan.proxy,remote.type=unix,remote.path=/run/s/wan.internet",
        "-netdev", "hubport,id=nic-wan-in,hubid=0,netdev=nic-wan-cable",
        "-netdev", "hubport,id=nic-wan-spare,hubid=0",
        "-netdev", "hubport,id=nic-wan,hubid=0",
        "-device", f"virtio-net-pci,netdev=nic-wan,mac={SPEC.nics[0].mac},romfile=",
        "-device", "virtio-rng-pci",
        "-chardev", "file,id=serial,path=/lab/proxy/console.log,append=on", "-serial", "chardev:serial",
        "-device", "virtio-serial-pci",
        "-chardev", "socket,id=agent,path=/run/s/proxy.qga,server=on,wait=off",
        "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
        "-chardev", "socket,id=terminal,path=/run/s/proxy.tty,server=on,wait=off",
        "-device", "virtconsole,chardev=terminal",
        "-chardev", "socket,id=qmp,path=/run/s/proxy.qmp,server=on,wait=off",
        "-mon", "chardev=qmp,mode=control",
    ]
    # fmt: on


def after(words: tuple[str, ...], option: str) -> list[str]:
    return [words[place + 1] for place, word in enumerate(words) if word == option]


def test_a_card_has_the_mac_and_the_place_that_are_given() -> None:
    nic = Nic("wan", "proxy", "internet", address="52:54:00:aa:bb:cc", slot=28)
    words = qemu_argv(attrs.evolve(SPEC, nics=(nic,)), PATHS, Accel.TCG)
    assert "virtio-net-pci,netdev=nic-wan,mac=52:54:00:aa:bb:cc,romfile=,addr=0x1c" in words


def test_what_the_guest_is_told_is_base64_so_that_no_byte_of_it_is_qemus() -> None:
    words = qemu_argv(attrs.evolve(SPEC, credentials=(SystemCredential("x.y", "a,b\n"),)), PATHS, Accel.TCG)
    assert after(words, "-smbios") == ["type=11,value=io.systemd.credential.binary:x.y=YSxiCg=="]


def test_kvm_gives_the_guest_the_hosts_processor() -> None:
    words = qemu_argv(SPEC, PATHS, Accel.KVM)
    assert (after(words, "-accel"), after(words, "-cpu")) == (["kvm"], ["host"])


def test_emulation_never_offers_cmpxchg16b() -> None:
    assert "-cx16" in after(qemu_argv(SPEC, PATHS, Accel.TCG), "-cpu")[0].split(",")


def test_uefi_reads_its_code_and_writes_its_own_variables() -> None:
    words = qemu_argv(MachineSpec("proxy", SPEC.disk, firmware=Firmware.UEFI), PATHS, Accel.TCG)
    assert after(words, "-machine") == ["q35,pflash0=firmware,pflash1=firmware-vars"]
    code, variables = (
        next(value for value in after(words, "-blockdev") if f"node-name={node}-file," in value)
        for node in ("firmware", "firmware-vars")
    )
    assert "read-only=on" in code
    assert "/lab/proxy/firmware-vars.qcow2" in variables
    assert "read-only=on" not in variables


def test_secure_boot_has_microsofts_keys_and_lets_only_the_firmware_write_its_variables() -> None:
    words = qemu_argv(MachineSpec("proxy", SPEC.disk, firmware=Firmware.SECURE_BOOT), PATHS, Accel.TCG)
    assert after(words, "-machine") == ["q35,smm=on,pflash0=firmware,pflash1=firmware-vars"]
    assert after(words, "-global") == ["driver=cfi.pflash01,property=secure,value=on"]
    assert any("secboot" in value and "read-only=on" in value for value in after(words, "-blockdev"))
    assert UEFI[Architecture.AMD64, Firmware.SECURE_BOOT].variables.name.endswith(".ms.fd")


def test_a_machine_with_arm_has_its_own_qemu_processor_and_firmware() -> None:
    spec = MachineSpec("proxy", SPEC.disk, firmware=Firmware.UEFI, architecture=Architecture.ARM64, front=True)
    words = qemu_argv(spec, PATHS, Accel.TCG)
    assert words[0] == "qemu-system-aarch64"
    assert after(words, "-machine") == ["virt,pflash0=firmware,pflash1=firmware-vars"]
    assert after(words, "-cpu") == ["cortex-a72"]
    assert any("AAVMF_CODE" in value and "read-only=on" in value for value in after(words, "-blockdev"))
    assert "VGA" not in after(words, "-device")


ROOT = {
    Attached.VIRTIO: ["virtio-blk-pci,drive=root,bootindex=0"],
    Attached.VIRTIO_SCSI: ["virtio-scsi-pci,id=root-bus", "scsi-hd,bus=root-bus.0,drive=root,bootindex=0"],
    Attached.LSI: ["lsi53c895a,id=root-bus", "scsi-hd,bus=root-bus.0,drive=root,bootindex=0"],
    Attached.SAS: ["mptsas1068,id=root-bus", "scsi-hd,bus=root-bus.0,drive=root,bootindex=0"],
    Attached.MEGARAID: ["megasas,id=root-bus", "scsi-hd,bus=root-bus.0,drive=root,bootindex=0"],
    Attached.PVSCSI: ["pvscsi,id=root-bus", "scsi-hd,bus=root-bus.0,drive=root,bootindex=0"],
    Attached.AHCI: ["ahci,id=root-bus", "ide-hd,bus=root-bus.0,drive=root,bootindex=0"],
    Attached.IDE: ["ide-hd,bus=ide.0,drive=root,bootindex=0"],
    Attached.NVME: ["nvme,drive=root,serial=root,bootindex=0"],
    Attached.USB: ["qemu-xhci,id=root-bus", "usb-storage,bus=root-bus.0,drive=root,bootindex=0"],
}


@pytest.mark.parametrize("attached", Attached)
def test_a_machine_starts_from_a_disk_however_it_is_attached(attached: Attached) -> None:
    devices = after(qemu_argv(MachineSpec("proxy", SPEC.disk, attached=attached), PATHS, Accel.TCG), "-device")
    assert devices[: len(ROOT[attached])] == ROOT[attached]
    assert not any("drive=root" in device for device in devices[len(ROOT[attached]) :])


def test_a_machine_with_a_front_has_a_screen_and_sockets_for_sticks() -> None:
    front = ["VGA", f"qemu-xhci,id={FRONT_USB}"]
    assert set(front) <= set(after(qemu_argv(attrs.evolve(SPEC, front=True), PATHS, Accel.TCG), "-device"))
    assert not set(front) & set(after(qemu_argv(SPEC, PATHS, Accel.TCG), "-device"))


def test_somebody_may_type_on_the_serial_line_of_a_machine_with_a_front() -> None:
    log = "console.log"
    (serial,) = (
        word for word in after(qemu_argv(attrs.evolve(SPEC, front=True), PATHS, Accel.TCG), "-chardev") if log in word
    )
    assert (
        serial == "socket,id=serial,path=/run/s/proxy.serial,server=on,wait=off,"
        "logfile=/lab/proxy/console.log,logappend=on"
    )


@pytest.mark.parametrize(
    ("drive", "device"),
    [
        (Drive.STICK, f"usb-storage,bus={FRONT_USB}.0,drive=medium,id=medium,bootindex=0"),
        (Drive.CD, "ide-cd,drive=medium,id=medium,bootindex=0"),
    ],
)
def test_a_medium_is_started_before_the_disk(drive: Drive, device: str) -> None:
    words = qemu_argv(attrs.evolve(SPEC, front=True, medium=Medium(Disk(Path("/m.iso")), drive)), PATHS, Accel.TCG)
    devices = after(words, "-device")
    assert device in devices
    assert "virtio-blk-pci,drive=root,bootindex=1" in devices
    assert devices.index(f"qemu-xhci,id={FRONT_USB}") < devices.index(device)
    assert "driver=raw,node-name=medium,file=medium-file,read-only=on" in after(words, "-blockdev")


def test_a_kernel_of_its_own_goes_past_the_boot_loader() -> None:
    kernel = Kernel(Path("/k/vmlinuz"), Path("/k/initrd"), "root=/dev/vda console=ttyS0")
    words = qemu_argv(MachineSpec("proxy", SPEC.disk, kernel=kernel), PATHS, Accel.TCG)
    assert after(words, "-kernel") == ["/k/vmlinuz"]
    assert after(words, "-append") == ["root=/dev/vda console=ttyS0"]
    assert "virtio-blk-pci,drive=root" in after(words, "-device")


def test_a_resumed_machine_waits_until_all_are_there() -> None:
    assert qemu_argv(SPEC, PATHS, Accel.TCG, paused=True)[-1:] == ("-S",)


def test_a_comma_in_a_path_stays_part_of_it() -> None:
    words = qemu_argv(MachineSpec("proxy", Path("/a,b/disk.qcow2")), PATHS, Accel.TCG)
    assert any("filename=/a,,b/disk.qcow2," in word for word in words)


def test_both_ends_of_a_link_name_each_other() -> None:
    near, far = Nic("wan", "proxy", "internet"), Nic("wan", "internet", "proxy")
    other = MachinePaths("internet", Path("/lab/internet"), PATHS.sockets)
    assert PATHS.link(near) == other.far_link(far)
    assert PATHS.far_link(near) == other.link(far)


def test_two_links_of_a_machine_have_hubs_of_their_own() -> None:
    nics = (Nic("wan", "internet", "proxy"), Nic("home", "internet", "internal"))
    words = qemu_argv(MachineSpec("internet", SPEC.disk, nics=nics), PATHS, Accel.TCG)
    assert sorted({word.partition("hubid=")[2].partition(",")[0] for word in words if "hubid=" in word}) == ["0", "1"]


def test_a_mac_depends_on_names_only_and_is_local() -> None:
    mac = Nic("wan", "proxy", "internet").mac
    assert mac == Nic("wan", "proxy", "elsewhere").mac
    assert mac != Nic("wan", "internet", "proxy").mac
    assert mac.startswith("52:54:00:")
    assert len(mac) == 17


def test_a_saved_state_covers_every_writable_disk() -> None:
    scratch = Disk(Path("/lab/scratch.qcow2"), DiskFormat.QCOW2, read_only=False)
    spec = MachineSpec("proxy", SPEC.disk, extra_disks=(*SPEC.extra_disks, scratch), firmware=Firmware.UEFI)
    assert writable_nodes(spec) == ("root", "disk1", "firmware-vars")
    assert writable_nodes(SPEC) == ("root",)


@pytest.mark.parametrize("name", ["", "Proxy", "../x", "a b", "-a", "a" * 64])
def test_a_name_that_is_no_host_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        MachineSpec(name, Path("/d"))


def test_a_way_in_is_a_free_port_of_our_loopback_to_a_network_that_leads_nowhere() -> None:
    words = qemu_argv(attrs.evolve(SPEC, inlet=Inlet(22)), PATHS, Accel.TCG)
    assert "user,id=inlet,restrict=on,hostfwd=tcp:127.0.0.1:0-:22" in words
    assert f"virtio-net-pci,netdev=inlet,mac={INLET_MAC},romfile=" in words


@pytest.mark.parametrize("card", Card)
def test_the_card_of_a_way_in_may_be_any(card: Card) -> None:
    words = qemu_argv(attrs.evolve(SPEC, inlet=Inlet(22, card)), PATHS, Accel.TCG)
    assert f"{card},netdev=inlet,mac={INLET_MAC},romfile=" in words


def test_machines_have_no_way_in_unless_one_is_asked_for() -> None:
    assert not any(word.startswith("user,") for word in qemu_argv(SPEC, PATHS, Accel.TCG))
