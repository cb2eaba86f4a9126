"""A machine at home with arm64: its image, as `mailnix build` makes it, on QEMU's `virt`, whose firmware is UEFI.

It is asked what needs no internet: what it says, that it takes its credentials, its tunnel's interface, that Docker
runs. Mailcow's images come from registries, which nobody reaches from here; that Mailcow is tried again is all that is
seen of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from mailnix import pipeline, secrets
from mailnix.image import Format, build_image, make_labelled_disk
from mailnix.image.hosts import host_builds
from mailnix.lab.disks import DISK_SIZE, overlay
from mailnix.lab.machine import Machine, paths_for
from mailnix.lab.prepare import INTERNAL_MEMORY
from mailnix.lab.spec import Card, DiskFormat, Firmware, Inlet, MachineSpec
from mailnix.model import ports
from mailnix.model.architecture import Architecture
from mailnix.plan import Plan, derive
from mailnix.services.credentials.names import READY, SHOWN
from mailnix.services.mailcow.units import MAILCOW, PROVISION
from tests.hardware import plug_in, skip_without, skip_without_arm64

MACHINE = "aarch64"  # as the kernel calls arm64
PATIENCE = 600.0  # seconds in which nothing moves, for what Docker does

# Of the machine's own files, since no image of anybody's is at hand: a program, its library, and the loader.
CONTAINER = """\
cd /
tar -c lib usr/lib/ld-linux-* usr/lib/*-linux-gnu/ld-linux-* usr/lib/*-linux-gnu/libc.so.6 usr/bin/uname |
    docker import - own >&2
docker run --rm own uname -m
"""


@pytest.fixture(scope="module")
def described(request: pytest.FixtureRequest) -> Plan:
    skip_without_arm64()
    skip_without(Firmware.UEFI, Architecture.ARM64)
    topology = pipeline.load(Path(request.config.getoption("--mailnix-config")).resolve())
    return derive(evolve(topology, internal=evolve(topology.internal, architecture=Architecture.ARM64)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arm64")


@pytest.fixture(scope="module")
def machine(described: Plan, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """It, switched on, in a network that leads nowhere."""
    (build,) = (each for each in host_builds(described) if each.name == described.internal.name)
    image = folder / build_image(build, folder, Format.RAW, progress=print).file
    spec = MachineSpec(
        "home-arm64",
        overlay(image, folder / "disk.qcow2", base_format=DiskFormat.RAW, size=DISK_SIZE),
        memory=INTERNAL_MEMORY,
        firmware=Firmware.UEFI,
        inlet=Inlet(ports.SSH, Card.VIRTIO),
        front=True,
        architecture=Architecture.ARM64,
    )
    with Machine(spec, paths_for(spec.name, folder, tmp_path_factory.mktemp("s"))) as started:
        started.wait_for_guest()
        yield started
    shutil.rmtree(folder)


def test_it_says_on_its_console_what_it_waits_for_and_who_it_is(machine: Machine, described: Plan) -> None:
    machine.wait_for_unit(SHOWN)
    for words in (f"waits for {len(described.internal.credentials)} of its credentials", "its SSH host key is "):
        machine.wait_for_console(words)


def test_its_programs_and_its_kernel_are_of_its_processor(machine: Machine) -> None:
    assert machine.succeed("dpkg --print-architecture; uname -m").split() == [Architecture.ARM64, MACHINE]


def test_it_takes_its_credentials_from_a_stick(machine: Machine, described: Plan, folder: Path) -> None:
    secrets.init(described, folder / "secrets")
    home = described.internal
    stick = secrets.seed(described, home.name, folder / "secrets", folder / "seed.img", make_disk=make_labelled_disk)
    plug_in(machine, stick)
    machine.wait_for_console(f"took {len(home.credentials)} credentials")
    machine.wait_for_unit(READY)


def test_its_end_of_the_tunnel_is_up(machine: Machine, described: Plan) -> None:
    (link,) = described.tunnels
    card = link.internal.interface
    machine.wait_until_succeeds(f"wg show {card} private-key | grep -qv none", subject="the tunnel's key")
    address = f"ip -o address show dev {card} up | grep -F ' {link.internal.ipv4}/'"
    machine.wait_until_succeeds(address, subject="its address, which networkd gives it after the key")


def test_docker_runs_containers_of_its_processor(machine: Machine) -> None:
    machine.wait_for_unit("docker.service")
    assert machine.succeed("docker info --format '{{.OSType}}/{{.Architecture}}'", timeout=PATIENCE) == (
        f"linux/{MACHINE}\n"
    )
    assert machine.succeed("docker compose version --short", timeout=PATIENCE)
    assert machine.succeed(CONTAINER, timeout=PATIENCE) == f"{MACHINE}\n"


def test_mailcow_is_tried_again_until_there_is_internet(machine: Machine) -> None:
    said = f"journalctl --unit {MAILCOW} --grep 'Mailcow cannot be set up'"
    machine.wait_until_succeeds(said, PATIENCE, subject="Mailcow's setup, which finds no internet")
    again = f"test $(systemctl show --property NRestarts --value {MAILCOW}) -gt 0"
    machine.wait_until_succeeds(again, PATIENCE, subject="its second start")


def test_nothing_has_failed_but_what_waits_for_mailcow(machine: Machine) -> None:
    """Its boot is not over before Mailcow is set up, which wants the internet."""
    failed = {line.split()[0] for line in machine.succeed("systemctl --failed --no-legend --plain").splitlines()}
    assert failed <= {MAILCOW, f"{PROVISION}.service"}
