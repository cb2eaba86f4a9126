"""docs/howto/install/rescue.md, followed word by word: from an empty server to the machine.

An emulated server whose disk is empty starts plain Debian in its memory, as a provider's network has it start. Commands
are the page's own, typed on a tty; SSH goes to the server. What this machine asks, a person answers who has read the
page. Then the server starts from its disk. `make hardware` alone does this, which takes long.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from attrs import evolve, frozen

from mailnix import pipeline
from mailnix.lab.machine import Machine, paths_for
from mailnix.lab.prepare import PROXY_MEMORY
from mailnix.lab.qemu_argv import ROOT_NODE
from mailnix.lab.spec import Attached, Disk, DiskFormat, Firmware, Inlet, Kernel, MachineSpec
from mailnix.model import ports
from mailnix.plan.types import ProxyPlan
from mailnix.run import run
from mailnix.services.credentials.names import SHOWN
from rig import rescue_system, terminal
from rig.administrator import Administrator
from rig.terminal import Terminal
from tests import pages
from tests.hardware import (
    ALL,
    CHECKED,
    SELDOM,
    Neighbour,
    checked,
    empty_disk,
    has_its_credentials,
    neighbour,
    skip_without,
    starts_as_the_machine,
    writes,
)

pytestmark = pytest.mark.skipif(not ALL, reason=SELDOM)

PAGE = pages.DOCS / "howto/install/rescue.md"
EXAMPLE = pages.DOCS / "examples/two_machines.py"
BUILD, COPY, SEED, PUSH, BY_HAND = "1. ", "3. ", "4. ", "6. ", "By hand"
"""Sections of the page."""

HERE = "127.0.0.1"
ANSWER = 20.0  # seconds for SSH's first word, which is asked for again and again
LONG = 600.0  # seconds without a sign of life: a slow machine unpacks a gigabyte several times
FULL, SMALL = "4G", "1G"
OTHER, OTHER_NODE = "other", "disk0"
SERIAL = ROOT_NODE  # QEMU's NVMe disk has a serial number, which the lab gives it
SEED_NAME = "vdb"  # what Linux calls the disk that was ordered for the seed
QUESTION = "(empty: write nothing): "
KNOWN_HOST, PASSWORD = "(yes/no/[fingerprint])? ", "'s password: "
ANSWERS = {KNOWN_HOST: "yes", PASSWORD: rescue_system.PASSWORD}


@frozen
class Server:
    """One that is rented: what it is, what its disk is called, MiB while it is rescued."""

    firmware: Firmware
    attached: Attached
    disk: str
    memory: int


DEDICATED = Server(Firmware.UEFI, Attached.NVME, disk="nvme0n1", memory=2048)
SMALL_VPS = Server(Firmware.BIOS, Attached.VIRTIO, disk="vda", memory=768)
"""Its memory has no room for the packed image beside the rescue system."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Administrator:
    """Who has done step 1."""
    found = Administrator(tmp_path_factory.mktemp("rescue"))
    address = str(pipeline.plan(EXAMPLE).proxies[0].ipv4)
    found.describe(EXAMPLE, address)
    found.as_pages_say(address)
    for command in pages.commands(PAGE, BUILD):
        run(["sh", "-c", command], cwd=found.folder, env=found.env, on_line=print)
    return found


@pytest.fixture
def somebody(prepared: Administrator, proxy: ProxyPlan) -> Administrator:
    """Who has never met the server."""
    prepared.known_hosts(str(proxy.ipv4)).unlink(missing_ok=True)
    return prepared


@pytest.fixture(scope="module")
def proxy(prepared: Administrator) -> ProxyPlan:
    found = pipeline.plan(prepared.config).proxies[0]
    assert f"root@{found.ipv4}" in PAGE.read_text()
    return found


@pytest.fixture(scope="module")
def rescue() -> Kernel:
    return rescue_system.build(print)


@pytest.fixture
def other(tmp_path: Path) -> Neighbour:
    return neighbour(tmp_path, OTHER)


def rented(server: Server, other: Neighbour, folder: Path) -> MachineSpec:
    skip_without(server.firmware)
    volume = Disk(empty_disk(folder / "volume.qcow2", SMALL), DiskFormat.QCOW2, read_only=False)
    return MachineSpec(
        "rented",
        empty_disk(folder / "own.qcow2", FULL),
        memory=PROXY_MEMORY,
        firmware=server.firmware,
        attached=server.attached,
        extra_disks=(other.disk, volume),
        inlet=Inlet(ports.SSH),
    )


@contextlib.contextmanager
def started(spec: MachineSpec, folder: Path, who: Administrator, proxy: ProxyPlan) -> Iterator[Machine]:
    """Switched on, with SSH's way to it known."""
    with Machine(spec, paths_for(spec.name, folder, folder)) as machine:
        who.lead_to(machine.inlet_port(), str(proxy.ipv4))
        yield machine


@contextlib.contextmanager
def reached(machine: Machine, who: Administrator) -> Iterator[Terminal]:
    """The terminal of somebody who waits until its SSH answers."""
    for _ in machine.wait(LONG).attempts():
        with contextlib.suppress(OSError), socket.create_connection((HERE, machine.inlet_port()), ANSWER) as connection:
            if connection.recv(8) == b"SSH-2.0-":
                break
        machine.check()
    else:
        raise machine.error("its SSH does not answer")
    with terminal.opened(who.folder, who.env) as opened:
        yield opened


def follow(
    at: Terminal, machine: Machine, commands: Sequence[str], answers: Mapping[str, str] | None = None
) -> list[str]:
    """Type them one after the other; gives what each has shown."""
    known = ANSWERS | dict(answers or {})
    return [at.type(command, machine.wait(LONG).attempts(), known) for command in commands]


def test_a_server_is_written_and_starts_as_the_machine_with_its_seed_on_a_volume(
    rescue: Kernel, somebody: Administrator, proxy: ProxyPlan, other: Neighbour, tmp_path: Path
) -> None:
    spec = rented(DEDICATED, other, tmp_path)
    key = rescue_system.known(somebody.public_key(str(proxy.ipv4)))
    booted = evolve(spec, kernel=rescue, memory=DEDICATED.memory, credentials=(key,))
    somebody_else_was_there(somebody, proxy)
    with started(booted, tmp_path, somebody, proxy) as machine, reached(machine, somebody) as at:
        copy, write = pages.commands(PAGE, COPY)
        complaint = at.type(copy, machine.wait(LONG).attempts(), status=255)
        assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in complaint
        (forget,) = re.findall(r"`(ssh-keygen -R \S+)`, and again", pages.section(PAGE, COPY))
        said = follow(at, machine, (forget, copy, write), {QUESTION: SERIAL})[-1]
        assert f"write-disk: /dev/{DEDICATED.disk} holds the image: all " in said.splitlines()[-2]  # SSH says goodbye
        said = follow(at, machine, pages.commands(PAGE, SEED), {QUESTION: SEED_NAME})[-1]
        assert f"{DEDICATED.disk} can be written" in said
        assert f"{SEED_NAME} can be written" in said
        assert f"/dev/{SEED_NAME} holds the image: all " in said
        assert PASSWORD not in at.screen
        assert writes(machine, OTHER_NODE) == 0

    with started(spec, tmp_path, somebody, proxy) as machine:
        machine.wait_for_guest(LONG)
        machine.wait_for_console(f"took {len(proxy.credentials)} credentials")
        has_its_credentials(machine, proxy)
        assert " of its credentials" not in machine.console.text()
        assert checked(machine) == CHECKED[DEDICATED.firmware]
    assert other.untouched


def somebody_else_was_there(who: Administrator, proxy: ProxyPlan) -> None:
    """SSH knows the key of the system that the server was rented with; in its place is the person's own."""
    address = str(proxy.ipv4)
    who.known_hosts(address).write_text(f"{address} {' '.join(who.public_key(address).split()[:2])}\n")


def test_a_small_server_is_written_by_hand_and_starts_as_the_machine_which_takes_a_push(
    rescue: Kernel, somebody: Administrator, proxy: ProxyPlan, other: Neighbour, tmp_path: Path
) -> None:
    spec = rented(SMALL_VPS, other, tmp_path)
    booted = evolve(spec, kernel=rescue, memory=SMALL_VPS.memory)
    with started(booted, tmp_path, somebody, proxy) as machine, reached(machine, somebody) as at:
        copy, _ = pages.commands(PAGE, COPY)
        complaint = at.type(copy, machine.wait(LONG).attempts(), ANSWERS, status=1)
        (no_room,) = re.findall(r"Where `scp` says `(.+?)`", pages.section(PAGE, COPY))
        assert no_room in complaint
        said = "".join(follow(at, machine, pages.commands(PAGE, BY_HAND)))
        assert f"{proxy.name}.raw.gz: OK" in said
        size, disk, sent, came = pages.numbers(said)
        assert int(size) < int(disk)
        assert sent == came
        assert [f"{SMALL_VPS.disk}{number}" in said for number in (1, 2, 3, 4)] == [True, True, True, False]
        assert writes(machine, OTHER_NODE) == 0

    with started(spec, tmp_path, somebody, proxy) as machine:
        starts_as_the_machine(machine, proxy, SMALL_VPS.firmware, LONG)
        machine.wait_for_unit(SHOWN)
        (shown,) = re.findall(r"its SSH host key is \d+ (SHA256:\S+)", machine.console.text())
        forget, log_in, push = pages.commands(PAGE, PUSH)
        with reached(machine, somebody) as at:
            assert f"key fingerprint is {shown}" in follow(at, machine, (forget, log_in))[-1]
            follow(at, machine, (push,))
        has_its_credentials(machine, proxy)
        machine.wait_for_console(f"mailnix: {proxy.name} has its credentials")
    assert other.untouched
