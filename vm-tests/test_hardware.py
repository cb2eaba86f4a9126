"""One image on many machines: cards, disks and firmware as providers, hypervisors and PCs have them.

A proxy's image, as `mailnix build` makes it, on each machine of the table: together these have the usual cards, ways to
attach a disk, firmwares, and formats of files, a few at a time. On each it says what people must know on its screen and
on its serial line, gets an address, answers on the SSH port, and takes its credentials: from a disk that is plugged in
late, or by `mailnix secrets push`, by the way that the description says.
"""

from __future__ import annotations

import shutil
import smtplib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve, frozen

from mailnix import pipeline, secrets
from mailnix.image import Format, build_image, make_labelled_disk, read_manifest
from mailnix.image.formats import convert
from mailnix.image.hosts import host_builds
from mailnix.lab.disks import overlay
from mailnix.lab.machine import Machine, paths_for
from mailnix.lab.prepare import PROXY_MEMORY
from mailnix.lab.ready import PROXY_UNITS
from mailnix.lab.spec import INLET_MAC, Attached, Card, DiskFormat, Firmware, Inlet, MachineSpec
from mailnix.model import ports
from mailnix.model.architecture import Architecture
from mailnix.plan import Plan, ProxyPlan, derive
from mailnix.services.credentials.names import SHOWN
from rig import home_inside
from rig.administrator import Administrator
from rig.seed_disks import MakeDisk, ext4_on_mbr, fat_on_gpt, iso
from tests.hardware import (
    ALL,
    CHECKED,
    SELDOM,
    checked,
    has_its_credentials,
    plug_in,
    skip_without,
    skip_without_arm64,
)

ANSWER = 120.0  # seconds for a word of sshd, which a slow machine takes long to start for each who comes
HERE = "127.0.0.1"
LEASE = "10.0.2.15"  # what QEMU's network gives
GATEWAY = "10.0.2.2"  # who comes from here, for the machine
SENDER = "mx.example.com"
SCREEN = "/dev/vcs1"  # the letters on it (vcs(4))


@frozen
class Hardware:
    """A machine that somebody has: card, disk and firmware.

    `form` is what its disk is given as. `seed` is the disk that brings its credentials; without one they are pushed.
    """

    card: Card
    attached: Attached
    firmware: Firmware
    form: Format
    seed: MakeDisk | None
    architecture: Architecture = Architecture.AMD64

    @property
    def name(self) -> str:
        words = (self.card.value.partition("-")[0], self.attached.name.lower().replace("_", "-"), self.firmware)
        foreign = () if self.architecture is Architecture.AMD64 else (self.architecture,)
        return "-".join((*words, self.form, *foreign))


MACHINES = (
    Hardware(Card.VIRTIO, Attached.NVME, Firmware.SECURE_BOOT, Format.RAW, iso),
    Hardware(Card.E1000, Attached.LSI, Firmware.BIOS, Format.VDI, make_labelled_disk),  # VirtualBox has these
    Hardware(Card.E1000E, Attached.AHCI, Firmware.UEFI, Format.VHDX, fat_on_gpt),
    Hardware(Card.VMXNET3, Attached.PVSCSI, Firmware.BIOS, Format.VMDK, ext4_on_mbr),  # VMware
    Hardware(Card.RTL8139, Attached.IDE, Firmware.BIOS, Format.VHD, None),
    Hardware(Card.PCNET, Attached.USB, Firmware.UEFI, Format.RAW, make_labelled_disk),
    Hardware(Card.VIRTIO, Attached.VIRTIO_SCSI, Firmware.BIOS, Format.QCOW2, None),  # Proxmox VE, OpenStack
    Hardware(Card.VIRTIO, Attached.VIRTIO, Firmware.UEFI, Format.QCOW2, make_labelled_disk, Architecture.ARM64),
)

FIRST = MACHINES[:1]
"""A PC as it is sold: for this one there is time beside the lab."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hardware")


@pytest.fixture(scope="module", params=MACHINES, ids=lambda hardware: hardware.name)
def hardware(request: pytest.FixtureRequest) -> Hardware:
    found: Hardware = request.param
    if found.architecture is Architecture.ARM64:
        skip_without_arm64()
    elif found not in FIRST and not ALL:
        pytest.skip(SELDOM)
    skip_without(found.firmware, found.architecture)
    return found


@pytest.fixture(scope="module")
def admin(request: pytest.FixtureRequest, folder: Path) -> Administrator:
    """Who may log in, by the name that the description has for the proxy."""
    described = Path(request.config.getoption("--mailnix-config"))
    made = Administrator(folder)
    made.describe(described, str(pipeline.plan(described).proxies[0].ipv4))
    return made


@pytest.fixture(scope="module")
def described(hardware: Hardware, admin: Administrator) -> Plan:
    topology = pipeline.load(admin.config)
    proxies = tuple(evolve(proxy, architecture=hardware.architecture) for proxy in topology.proxies)
    return derive(evolve(topology, proxies=proxies))


@pytest.fixture(scope="module")
def image(hardware: Hardware, described: Plan, folder: Path) -> Path:
    """One for all machines of a processor."""
    of_it = folder / hardware.architecture
    manifest = read_manifest(of_it)
    if manifest is not None:
        return of_it / manifest.images[0].file
    return of_it / build_image(host_builds(described)[0], of_it, Format.RAW, progress=print).file


@pytest.fixture(scope="module")
def disk(hardware: Hardware, image: Path, folder: Path) -> Iterator[Path]:
    """A machine's own, which reads from the file that `mailnix build` makes of the image in its format."""
    given = image if hardware.form is Format.RAW else image.with_suffix(f".{hardware.form}")
    if given is not image:
        convert(image, given, hardware.form)
    yield overlay(given, folder / f"{hardware.name}.qcow2", base_format=DiskFormat[hardware.form.name])
    (folder / f"{hardware.name}.qcow2").unlink()
    if given is not image:
        given.unlink()


@pytest.fixture(scope="module")
def machine(
    hardware: Hardware, disk: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """It, switched on; one at a time."""
    name = hardware.name
    spec = MachineSpec(
        name,
        disk,
        memory=PROXY_MEMORY,
        firmware=hardware.firmware,
        attached=hardware.attached,
        inlet=Inlet(ports.SSH, hardware.card),
        front=True,
        architecture=hardware.architecture,
    )
    with Machine(spec, paths_for(name, folder, tmp_path_factory.mktemp("s"))) as started:
        started.wait_for_guest()
        yield started


def test_it_says_on_screen_and_serial_line_what_it_waits_for_and_who_it_is(machine: Machine, described: Plan) -> None:
    machine.wait_for_unit(SHOWN)
    said = (f"waits for {len(described.proxies[0].credentials)} of its credentials", "its SSH host key is ")
    for words in (*said, "its addresses are "):
        machine.wait_for_console(words)
        machine.wait_until_succeeds(f"grep -aqF {words!r} {SCREEN}", subject=f"{words!r} on the screen")


def test_its_card_has_an_address(machine: Machine) -> None:
    card = machine.succeed(f"grep -lixF {INLET_MAC} /sys/class/net/*/address").split("/")[4]
    machine.wait_until_succeeds(f"ip -o -4 address show dev {card} | grep -qF {LEASE}/", subject="a lease")


def test_its_ssh_port_answers(machine: Machine) -> None:
    machine.wait_for_open_port(ports.SSH)
    with socket.create_connection((HERE, machine.inlet_port()), ANSWER) as connection:
        assert connection.recv(8) == b"SSH-2.0-"


def test_its_firmware_checked_what_it_started(machine: Machine, hardware: Hardware) -> None:
    assert checked(machine) == CHECKED[hardware.firmware]


@pytest.fixture(scope="module")
def keys(described: Plan, hardware: Hardware, folder: Path) -> Iterator[Path]:
    """The secrets folder of this description."""
    made = folder / f"{hardware.name}.secrets"
    secrets.init(described, made)
    yield made
    shutil.rmtree(made)


def test_it_takes_its_credentials(
    machine: Machine, hardware: Hardware, described: Plan, folder: Path, keys: Path, admin: Administrator
) -> None:
    proxy = described.proxies[0]
    if hardware.seed is None:
        push(machine, proxy, admin, keys)
    else:
        disk = secrets.seed(described, proxy.name, keys, folder / f"{machine.name}.seed", make_disk=hardware.seed)
        plug_in(machine, disk, as_cd=hardware.seed is iso)
        machine.wait_for_console(f"took {len(proxy.credentials)} credentials")
    has_its_credentials(machine, proxy)


@pytest.fixture(scope="module")
def alone(hardware: Hardware) -> None:
    """What the lab's machines show is asked of those that no lab has."""
    if hardware.architecture is Architecture.AMD64:
        pytest.skip("test_scenario.py asks the lab's machines, which have this processor")


@pytest.fixture(scope="module")
def at_home(alone: None, machine: Machine, described: Plan, keys: Path) -> str:
    """A home at the far end of its tunnel, and whom that takes mail for."""
    domain = described.topology.domains[0]
    known = f"{domain.mailboxes[0].local_part}@{domain.name}"
    home_inside.live_in(machine, described, described.proxies[0], keys, known)
    return known


def test_all_that_it_shall_run_runs(alone: None, machine: Machine) -> None:
    machine.wait_for_boot()
    for unit in PROXY_UNITS:
        machine.wait_for_unit(unit)
    assert machine.succeed("systemctl --failed --no-legend --plain") == ""


def test_its_programs_are_of_its_processor(machine: Machine, hardware: Hardware) -> None:
    assert machine.succeed("dpkg --print-architecture").strip() == hardware.architecture


def test_its_tunnel_comes_up(at_home: str, machine: Machine, described: Plan) -> None:
    home_inside.shook_hands(machine, described.proxies[0])


def test_it_accepts_mail_for_who_is_at_home_and_refuses_the_rest(machine: Machine, at_home: str) -> None:
    machine.wait_for_open_port(ports.SMTP)
    subject = "from outside, by its card"
    with smtplib.SMTP(HERE, home_inside.way_in(machine, ports.SMTP), SENDER, timeout=ANSWER) as outside:
        assert outside.ehlo()[0] == 250
        assert outside.mail(f"carol@{SENDER}")[0] == 250
        assert outside.rcpt(f"dave@{SENDER}")[0] == 550
        assert outside.rcpt(f"nobody@{at_home.partition('@')[2]}")[0] == 550
        assert outside.rcpt(at_home)[0] == 250
        assert outside.data(f"From: carol@{SENDER}\r\nSubject: {subject}\r\n\r\nHello.\r\n")[0] == 250
    written = machine.read_file(home_inside.WRITTEN).decode()
    assert f"ADDR={GATEWAY} " in written
    assert f"Subject: {subject}\r\n" in written
    assert f"dave@{SENDER}" not in written


def push(machine: Machine, proxy: ProxyPlan, admin: Administrator, keys: Path) -> None:
    """As pages say it: log in once, compare the key's fingerprint with the console's, and push."""
    machine.wait_for_open_port(ports.SSH)
    admin.lead_to(machine.inlet_port())
    admin.first_login(str(proxy.ipv4))
    machine.wait_for_console(f"its SSH host key is {admin.fingerprint(str(proxy.ipv4))}")
    said = admin.push(proxy.name, "--secrets", keys)
    assert said.status == 0, said.stderr
    assert f"{proxy.name} has its {len(proxy.credentials)} credentials" in said.stdout
