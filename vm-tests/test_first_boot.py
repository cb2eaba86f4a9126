"""A fresh machine without its seed disk: it says what it lacks, waits, and goes on when it is given it.

On UEFI firmware and with the memory that a proxy must be able to live with; the lab's machines start by BIOS.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from mailnix import pipeline
from mailnix.image import Format, build_image
from mailnix.image.hosts import host_builds
from mailnix.lab.disks import overlay
from mailnix.lab.machine import Machine, places_for
from mailnix.lab.prepare import PROXY_MEMORY
from mailnix.lab.spec import DiskFormat, Firmware, MachineSpec
from mailnix.plan import Plan
from mailnix.run import Completed
from mailnix.secrets import init, push

GIB = 2**30
DISK = 4 * GIB


@frozen
class Fresh:
    """A machine that was just switched on, and what it is."""

    plan: Plan
    machine: Machine


@pytest.fixture(scope="module")
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fresh]:
    plan = pipeline.plan(Path(request.config.getoption("--mailnix-config")))
    folder = tmp_path_factory.mktemp("fresh")
    build = host_builds(plan)[0]
    image = folder / build_image(build, folder, Format.RAW, progress=print).file
    disk = overlay(image, folder / "disk.qcow2", base_format=DiskFormat.RAW, size=str(DISK))
    spec = MachineSpec(build.name, disk, memory=PROXY_MEMORY, firmware=Firmware.UEFI)
    with Machine(spec, places_for(build.name, folder, tmp_path_factory.mktemp("s"))) as machine:
        machine.wait_for_guest()
        yield Fresh(plan, machine)


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


def test_credentials_that_are_pushed_later_start_what_waited(fresh: Fresh, tmp_path: Path) -> None:
    init(fresh.plan, tmp_path / "secrets")
    machine = fresh.machine

    def over_the_agent(argv: Sequence[Any], *, stdin: bytes = b"", timeout: float = 0.0, **_rest: object) -> Completed:
        """What ssh would do: run the last word on the machine, with the same standard input."""
        done = machine.execute(str(argv[-1]), stdin=stdin, timeout=timeout)
        assert done.ok, done.stderr
        return Completed(tuple(map(str, argv)), done.status, done.stdout, done.stderr)

    push(fresh.plan, machine.name, tmp_path / "secrets", "root@proxy", runner=over_the_agent)  # type: ignore[arg-type]
    machine.wait_for_unit("mailnix-credentials.service")
    machine.wait_for_unit("haraka-in.service")
    interface = fresh.plan.proxies[0].tunnel.proxy.interface
    machine.wait_until_succeeds(f"wg show {interface} private-key | grep -qv none", subject="the tunnel's key")
