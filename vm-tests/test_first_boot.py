"""A fresh machine without its seed disk: it says what it lacks, waits, and goes on when it is handed it over SSH.

On UEFI firmware and with the memory that a proxy must be able to live with; the lab's machines start by BIOS. What is
run is the command that a user types, with OpenSSH's client, to the machine's own sshd.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from mailnix import pipeline
from mailnix.image import Format, build_image
from mailnix.image.hosts import host_builds
from mailnix.lab.disks import overlay
from mailnix.lab.machine import Machine, paths_for
from mailnix.lab.prepare import PROXY_MEMORY
from mailnix.lab.spec import DiskFormat, Firmware, Inlet, MachineSpec
from mailnix.model import ports
from mailnix.plan import Plan
from mailnix.run import Completed
from mailnix.services.credentials.names import HOST_KEY, READY
from rig.administrator import Administrator

GIB = 2**30
DISK = 4 * GIB
ADMIN = "admin"
STARTED = "systemctl show -P ActiveEnterTimestampMonotonic"


@frozen
class Fresh(Administrator):
    """A machine that was just switched on, what it is, and the folder of the one who administers it."""

    plan: Plan
    machine: Machine

    def push_to(self, name: str, *words: object, host: str = "") -> Completed:
        return self.push(host or self.machine.name, "--to", name, *words)

    def credential(self, name: str) -> str:
        return self.machine.succeed(f"cat /etc/credstore/{name}")


@pytest.fixture(scope="module")
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fresh]:
    folder = tmp_path_factory.mktemp("fresh")
    admin = Administrator(folder)
    admin.describe(Path(request.config.getoption("--mailnix-config")), ADMIN)
    plan = pipeline.plan(admin.config)
    build = host_builds(plan)[0]
    image = folder / build_image(build, folder, Format.RAW, progress=print).file
    disk = overlay(image, folder / "disk.qcow2", base_format=DiskFormat.RAW, size=str(DISK))
    spec = MachineSpec(build.name, disk, memory=PROXY_MEMORY, firmware=Firmware.UEFI, inlet=Inlet(ports.SSH))
    with Machine(spec, paths_for(build.name, folder, tmp_path_factory.mktemp("s"))) as machine:
        admin.lead_to(machine.inlet_port())
        machine.wait_for_guest()
        yield Fresh(folder, plan, machine)


def test_it_says_on_its_console_that_it_waits_for_credentials(fresh: Fresh) -> None:
    count = len(fresh.plan.proxies[0].credentials)
    fresh.machine.wait_for_console(f"waits for {count} of its credentials")


def test_what_needs_credentials_does_not_start_without_them(fresh: Fresh) -> None:
    assert fresh.machine.execute("systemctl is-active haraka-in.service").stdout.strip() in ("inactive", "activating")
    assert fresh.machine.succeed("ls -A /etc/credstore 2>/dev/null || true").strip() == ""


def test_its_file_system_has_grown_to_its_disk(fresh: Fresh) -> None:
    size = int(fresh.machine.succeed("df --output=size -B1 / | tail -n 1"))
    assert size > DISK * 0.85


def test_it_has_host_keys_and_a_machine_id_of_its_own(fresh: Fresh) -> None:
    fresh.machine.wait_for_unit("ssh.service")
    assert "ssh-ed25519" in fresh.machine.succeed("cat /etc/ssh/ssh_host_ed25519_key.pub")
    assert len(fresh.machine.succeed("cat /etc/machine-id").strip()) == 32
    fresh.machine.wait_for_console("its SSH host key is ")


@pytest.fixture(scope="module")
def known(fresh: Fresh) -> Fresh:
    """A machine whose host key the administrator has compared."""
    fresh.machine.wait_for_open_port(ports.SSH)
    fresh.trust(ADMIN, fresh.machine.inlet_port(), " ".join(fresh.machine.succeed(f"cat {HOST_KEY}").split()[:2]))
    assert fresh.mailnix("secrets", "init", fresh.config).status == 0
    return fresh


def test_a_machine_whose_host_key_is_not_known_is_sent_nothing(known: Fresh) -> None:
    known.make_key("somebody")
    said = known.push_to("somebody")
    assert said.status == 1
    assert "the host key of somebody is not known yet, so nothing was sent" in said.stderr
    assert one_line_and_a_next_step(said)


def test_a_machine_that_shows_another_host_key_is_sent_nothing(known: Fresh) -> None:
    known.make_key("wary")
    known.trust("wary", known.machine.inlet_port(), " ".join(known.make_key("impostor").split()[:2]))
    said = known.push_to("wary")
    assert said.status == 1
    assert "shows another host key than the one you know, so nothing was sent" in said.stderr
    assert one_line_and_a_next_step(said)


def test_a_stranger_may_not_push(known: Fresh) -> None:
    known.make_key("stranger")
    known.known_hosts("stranger").write_text(known.known_hosts(ADMIN).read_text())
    said = known.push_to("stranger")
    assert said.status == 1
    assert "stranger takes none of your SSH keys" in said.stderr
    assert one_line_and_a_next_step(said)


def test_a_machine_that_is_not_reached_is_said_to_be(known: Fresh) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and never listens
        said = known.push_to(f"ssh://root@{ADMIN}:{nobody.getsockname()[1]}")
    assert said.status == 1
    assert "is not reached: connection refused" in said.stderr
    assert one_line_and_a_next_step(said)


def test_a_machine_does_not_take_the_credentials_of_another(known: Fresh) -> None:
    said = known.push_to(ADMIN, host=known.plan.internal.name)
    assert said.status == 1
    assert f"is not a credential of {known.machine.name}" in said.stderr
    assert one_line_and_a_next_step(said)
    assert known.machine.succeed("ls -A /etc/credstore").strip() == ""


def test_credentials_that_are_pushed_start_what_waited(known: Fresh) -> None:
    said = known.push_to(ADMIN)
    count = len(known.plan.proxies[0].credentials)
    assert (said.status, said.stdout) == (
        0,
        f"{known.machine.name} has its {count} credentials; what uses a changed one starts again\n",
    )
    machine = known.machine
    machine.wait_for_unit(READY)
    machine.wait_for_unit("haraka-in.service")
    interface = known.plan.proxies[0].tunnel.proxy.interface
    machine.wait_until_succeeds(f"wg show {interface} private-key | grep -qv none", subject="the tunnel's key")


def test_a_push_of_what_the_machine_has_restarts_nothing(known: Fresh) -> None:
    started = known.machine.succeed(f"{STARTED} {READY}")
    assert known.push_to(ADMIN).status == 0
    assert known.machine.succeed(f"{STARTED} {READY}") == started
    assert known.machine.succeed(f"systemctl list-jobs --no-legend {READY}").strip() == ""


def test_a_credential_that_was_rotated_reaches_the_service_that_uses_it(known: Fresh) -> None:
    name = "haraka.internalcmd"
    machine, before = known.machine, known.credential(name)
    started = machine.succeed(f"{STARTED} haraka-in.service")
    assert known.mailnix("secrets", "rotate", known.config, name).status == 0
    assert known.push_to(ADMIN, "--json").status == 0
    assert known.credential(name) != before
    machine.wait_until_succeeds(
        f'test "$({STARTED} haraka-in.service)" != {started.strip()}', subject="haraka-in's restart"
    )


def one_line_and_a_next_step(said: Completed) -> bool:
    """What a user sees: where it goes, what is wrong, what to do."""
    talk, wrong, hint = said.stderr.splitlines()
    return talk.startswith("handing credentials to ") and wrong.startswith("mailnix: ") and hint.startswith("  ")
